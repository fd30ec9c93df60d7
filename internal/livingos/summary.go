package livingos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Summary is what a run delivered, in a form for machines.
type Summary struct {
	Seed     uint64  `json:"seed"`
	Senders  int     `json:"senders"`
	Endpoint string  `json:"endpoint"`
	Seconds  float64 `json:"seconds"`
	// Requests whose spans were acknowledged, and those of them that failed.
	Requests       int64 `json:"requests"`
	FailedRequests int64 `json:"failed_requests"`

	Spans      Signal `json:"spans"`
	Logs       Signal `json:"logs"`
	SpanEvents Signal `json:"span_events"`
	DataPoints Signal `json:"data_points"`

	// Prometheus holds the document's six metrics under the names and labels that
	// a Prometheus server has for them; sum over all other labels.
	Prometheus map[string][]Sample `json:"prometheus"`
	// Metrics holds further metrics under their OpenTelemetry names and
	// attributes; sum over all other attributes.
	Metrics map[string][]Sample `json:"metrics"`

	// Unacknowledged is what was exported without an answer that it arrived; a
	// part of it may have.
	Unacknowledged Unacknowledged `json:"unacknowledged"`
	Errors         []string       `json:"errors"`
}

// Signal is the number of items by name.
type Signal struct {
	Total  int64                `json:"total"`
	Errors int64                `json:"errors,omitempty"`
	ByName map[string]NameCount `json:"by_name"`
}

// NameCount is how many items of one name there were, and how many of them with
// an error status.
type NameCount struct {
	Count  int64 `json:"count"`
	Errors int64 `json:"errors,omitempty"`
}

// Sample is one series: a counter or gauge has a value, a histogram the rest.
type Sample struct {
	Labels map[string]string `json:"labels"`
	Value  *float64          `json:"value,omitempty"`
	Count  *int64            `json:"count,omitempty"`
	Sum    *float64          `json:"sum,omitempty"`
	// Buckets are cumulative; only the histograms with the document's bounds have them.
	Buckets []Bucket `json:"buckets,omitempty"`
}

// Bucket is the number of values up to and including its bound.
type Bucket struct {
	LE    string `json:"le"`
	Count int64  `json:"count"`
}

// Unacknowledged counts items that may or may not have arrived.
type Unacknowledged struct {
	Spans      int `json:"spans"`
	Logs       int `json:"logs"`
	DataPoints int `json:"data_points"`
}

// Summary renders the tally; the caller fills what the tally does not know.
func (t *Tally) Summary() Summary {
	s := Summary{
		Requests: t.requests, FailedRequests: t.failed,
		Spans: Signal{ByName: map[string]NameCount{}},
		Logs:  signalOf(t.logs), SpanEvents: signalOf(t.spanEvents), DataPoints: signalOf(t.points),
		Errors: []string{},
	}
	for name, n := range t.spans {
		s.Spans.ByName[name] = *n
		s.Spans.Total += n.Count
		s.Spans.Errors += n.Errors
	}
	prometheus := family{}
	maps.Copy(prometheus, t.prometheus)
	for _, kind := range t.agents {
		prometheus.count("foundation_jido_active_agents", "agent_type", kind)
	}
	s.Prometheus, s.Metrics = prometheus.rows(), t.metrics.rows()
	return s
}

func signalOf(counts map[string]int64) Signal {
	s := Signal{ByName: map[string]NameCount{}}
	for name, n := range counts {
		s.ByName[name] = NameCount{Count: n}
		s.Total += n
	}
	return s
}

// WriteJSON writes the summary for machines.
func (s Summary) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// WriteText writes the summary for people.
func (s Summary) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests (%d failed) from %d senders to %s in %.1f s, seed %d\n",
		s.Requests, s.FailedRequests, s.Senders, s.Endpoint, s.Seconds, s.Seed)
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	part := func(title string, sig Signal) {
		if sig.Total == 0 {
			return
		}
		line := func(name string, count, errors int64) {
			fmt.Fprintf(tab, "%s\t%d", name, count)
			switch {
			case errors == 1:
				fmt.Fprint(tab, "\t1 error")
			case errors > 1:
				fmt.Fprintf(tab, "\t%d errors", errors)
			}
			fmt.Fprintln(tab)
		}
		fmt.Fprintln(tab)
		line(title, sig.Total, sig.Errors)
		for _, name := range slices.Sorted(maps.Keys(sig.ByName)) {
			line("  "+name, sig.ByName[name].Count, sig.ByName[name].Errors)
		}
	}
	part("spans", s.Spans)
	part("log events", s.Logs)
	part("span events", s.SpanEvents)
	part("data points", s.DataPoints)
	if err := tab.Flush(); err != nil {
		return err
	}
	if u := s.Unacknowledged; cmp.Or(u.Spans, u.Logs, u.DataPoints) > 0 {
		fmt.Fprintf(&b, "\nnot acknowledged: %d spans, %d log events, %d data points\n", u.Spans, u.Logs, u.DataPoints)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
