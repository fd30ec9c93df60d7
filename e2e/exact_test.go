package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// summary is what `foundationctl generate --summary json` says that it sent. It
// counts by itself, from the design's tables, and shares no code with the
// components that make the metrics.
type summary struct {
	Seed           uint64
	Requests       int64
	Spans          signal
	Logs           signal
	DataPoints     signal `json:"data_points"`
	Prometheus     map[string][]sample
	Metrics        map[string][]sample
	Unacknowledged struct {
		Spans, Logs int
		DataPoints  int `json:"data_points"`
	}
}

type signal struct {
	Total, Errors int64
	ByName        map[string]struct{ Count, Errors int64 } `json:"by_name"`
}

type sample struct {
	Labels  map[string]string
	Value   *float64
	Count   *int64
	Sum     *float64
	Buckets []struct {
		LE    string
		Count int64
	}
}

// generate sends a living Foundation OS to the collector.
func generate(t *testing.T, c *collector, args ...string) summary {
	t.Helper()
	out := foundationctl(t, append([]string{"generate", "--endpoint", c.grpc, "--summary", "json"}, args...)...)
	var s summary
	require.NoError(t, json.Unmarshal(out, &s))
	require.Zero(t, s.Unacknowledged, "everything must have been acknowledged")
	require.NotZero(t, s.Spans.Total)
	return s
}

// documented is one of the six metrics that the document exposes to Prometheus:
// its type, its labels, and for a histogram its buckets.
type documented struct {
	kind    string
	labels  []string
	buckets []string
}

var six = map[string]documented{
	"foundation_process_registrations_total":     {kind: "counter", labels: []string{"namespace", "process_type"}},
	"foundation_process_lookup_duration_seconds": {kind: "histogram", labels: []string{"namespace"}, buckets: []string{"0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "+Inf"}},
	"foundation_jido_active_agents":              {kind: "gauge", labels: []string{"agent_type"}},
	"foundation_jido_coordinations_total":        {kind: "counter", labels: []string{"coordination_type", "success"}},
	"dspex_optimization_duration_seconds":        {kind: "histogram", labels: []string{"strategy", "program_type"}, buckets: []string{"1", "5", "10", "30", "60", "300", "600", "+Inf"}},
	"dspex_optimization_performance_score":       {kind: "gauge", labels: []string{"program_id", "strategy"}},
}

// 16 senders at once, as fast as they can; a real Prometheus scrapes; every one
// of the six metrics, and every other one that can be counted beforehand, has
// exactly the values of what was sent, whatever the sampler has kept.
func TestExactMetricsFromConcurrentSenders(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	p := startPrometheus(t, c)
	sent := generate(t, c, "--senders", "16", "--rate", "0", "--requests", "320", "--error-rate", "0.1", "--seed", "7")
	require.EqualValues(t, 320, sent.Requests)

	t.Run("the six", func(t *testing.T) {
		require.ElementsMatch(t, slices.Collect(maps.Keys(six)), slices.Collect(maps.Keys(sent.Prometheus)), "the generator counts all six")
		// foundation_metrics flushes every 10 s
		eventually(t, 40*time.Second, func() error { return p.compareSix(sent) })
		for name, doc := range six {
			kind, err := p.metricType(strings.TrimSuffix(name, "_total"))
			if err != nil { // OpenMetrics names a counter without, the old format with _total
				kind, err = p.metricType(name)
			}
			require.NoError(t, err)
			assert.Equal(t, doc.kind, kind, name)
			p.checkLabels(t, name, doc)
		}
	})
	t.Run("all others", func(t *testing.T) {
		require.Greater(t, len(sent.Metrics), 20, "the generator counts most of the metrics")
		var errs error
		for _, name := range slices.Sorted(maps.Keys(sent.Metrics)) {
			errs = errors.Join(errs, p.compareOther(name, sent.Metrics[name]))
		}
		require.NoError(t, errs)
	})
	t.Run("kept and dropped are what was received", func(t *testing.T) {
		kept := map[string]int{"traces": len(readTraces(t, c.file("traces.jsonl"))), "logs": len(readLogs(t, c.file("logs.jsonl")))}
		total := map[string]int64{"traces": sent.Spans.Total, "logs": sent.Logs.Total}
		received := map[string]string{"traces": "otelcol_receiver_accepted_spans", "logs": "otelcol_receiver_accepted_log_records"}
		for _, signal := range []string{"traces", "logs"} {
			count := func(decision string) int {
				n, err := c.own("otelcol_adaptive_sampler_items", map[string]string{"signal": signal, "decision": decision})
				require.NoError(t, err)
				return int(n)
			}
			accepted, err := c.own(received[signal], nil)
			require.NoError(t, err)
			assert.EqualValues(t, total[signal], accepted, "%s received", signal)
			assert.EqualValues(t, total[signal], count("kept")+count("dropped"), "%s kept + dropped", signal)
			assert.Equal(t, kept[signal], count("kept"), "%s in the file", signal)
		}
		dropped := int64(kept["traces"]) < sent.Spans.Total
		assert.True(t, dropped, "the sampler drops lookups and dispatches, or this test shows nothing")
	})
}

// compareSix compares the values of the six metrics, over all further labels.
func (p *prometheus) compareSix(sent summary) error {
	var errs error
	for name, doc := range six {
		if doc.kind != "histogram" {
			want := map[string]float64{}
			for _, s := range sent.Prometheus[name] {
				if s.Value == nil {
					return fmt.Errorf("%s %s: the generator says no value", name, labelKey(s.Labels))
				}
				want[labelKey(s.Labels)] = *s.Value
			}
			got, err := p.sumBy(name, doc.labels)
			if doc.kind == "gauge" {
				// An agent that was seen before it said its type has left "unknown" again.
				maps.DeleteFunc(got, func(_ string, v float64) bool { return v == 0 })
			}
			errs = errors.Join(errs, err, sameValues(name, want, got, true))
			continue
		}
		counts, sums, buckets := map[string]float64{}, map[string]float64{}, map[string]float64{}
		for _, s := range sent.Prometheus[name] {
			counts[labelKey(s.Labels)], sums[labelKey(s.Labels)] = float64(*s.Count), *s.Sum
			var bounds []string
			for _, b := range s.Buckets {
				labels := maps.Clone(s.Labels)
				labels["le"] = b.LE
				buckets[labelKey(labels)] = float64(b.Count)
				bounds = append(bounds, b.LE)
			}
			if !slices.Equal(bounds, doc.buckets) {
				return fmt.Errorf("%s: the generator counts in %v, the document in %v", name, bounds, doc.buckets)
			}
		}
		for suffix, want := range map[string]map[string]float64{"_count": counts, "_sum": sums, "_bucket": buckets} {
			by := doc.labels
			if suffix == "_bucket" {
				by = append(slices.Clone(by), "le")
			}
			got, err := p.sumBy(name+suffix, by)
			if suffix == "_bucket" {
				got = plainBounds(got)
			}
			errs = errors.Join(errs, err, sameValues(name+suffix, want, got, suffix != "_sum"))
		}
	}
	return errs
}

// plainBounds writes a bound as the old text format does: OpenMetrics says 1.0.
func plainBounds(in map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(in))
	for k, v := range in {
		out[strings.Replace(k, `.0"`, `"`, 1)] = v
	}
	return out
}

// checkLabels: the document's labels, all of them, and beside them only the
// layer and who sent it; above all no labels of the scope.
func (p *prometheus) checkLabels(t *testing.T, name string, doc documented) {
	t.Helper()
	allowed := append([]string{"__name__", "foundation_os_layer", "job", "instance"}, doc.labels...)
	names := []string{name}
	if doc.kind == "histogram" {
		names = []string{name + "_bucket", name + "_count", name + "_sum"}
	}
	for _, n := range names {
		result, err := p.query(n)
		require.NoError(t, err)
		require.NotEmpty(t, result, n)
		for _, s := range result {
			for label := range s.Metric {
				assert.True(t, slices.Contains(allowed, label) || label == "le" && strings.HasSuffix(n, "_bucket"), "%s has the label %s", n, label)
			}
			for _, label := range doc.labels {
				assert.NotEmpty(t, s.Metric[label], "%s has no label %s", n, label)
			}
		}
	}
}

// compareOther compares one of the other metrics, over all labels that the
// generator does not count by.
func (p *prometheus) compareOther(name string, samples []sample) error {
	prom := strings.ReplaceAll(name, ".", "_")
	var by []string
	want, histogram := map[string]float64{}, false
	for _, s := range samples {
		labels := map[string]string{}
		for k, v := range s.Labels {
			labels[strings.ReplaceAll(k, ".", "_")] = v
		}
		by = slices.Sorted(maps.Keys(labels))
		if s.Count != nil {
			histogram = true
			want[labelKey(labels)] = float64(*s.Count)
		} else {
			want[labelKey(labels)] = *s.Value
		}
	}
	// the exporter appends the type, and for histograms the unit
	candidates := []string{prom + "_total", prom}
	if histogram {
		candidates = []string{prom + "_seconds_count", prom + "_ratio_count", prom + "_count"}
	}
	for _, candidate := range candidates {
		got, err := p.sumBy(candidate, by)
		if err != nil {
			return err
		}
		if len(got) > 0 {
			return sameValues(candidate, want, got, true)
		}
	}
	return fmt.Errorf("%s: none of %v is there", name, candidates)
}
