package message

import (
	"encoding/json"
	"time"
)

// maxAlert caps one alert, in bytes as sent. With texts of at most 4096 bytes
// that is room for the rules of this world, and not for a flood of attributes.
const maxAlert = 64 << 10

// resends is how many intervals of silence make a firing alert end: the number
// that Prometheus uses. One lost message, or two, change nothing.
const resends = 4

// Event is what an alert event says, before it is fit for Alertmanager.
type Event struct {
	Rule, Severity      string
	Labels, Annotations []Pair
	// Facts are annotations of the exporter's own, under legal names. Those of the
	// rule have precedence.
	Facts []Pair
	// Resolved says that the alert has ended; else it fires.
	Resolved bool
	// Start and End as told; zero when they were not.
	Start, End time.Time
	// Told is when the event was written.
	Told time.Time
}

// Alert is one element of the body.
type Alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Reason says why an event is not sent; empty = it is.
type Reason string

// The values of Reason.
const (
	// Malformed: neither a rule's name nor a label.
	Malformed Reason = "malformed"
	// Expired: a firing alert of which nobody would have heard for so long that it
	// has ended. To send it now would begin it anew, or end it.
	Expired Reason = "expired"
	// TooLarge: above 64 KiB.
	TooLarge Reason = "too_large"
)

// Format is how events become alerts.
type Format struct {
	Naming Naming
	// Resend is the interval at which firing alerts are told again.
	Resend time.Duration
	// GeneratorURL is put on every alert. Empty = none.
	GeneratorURL string
}

// Encode makes the message of an event at the time now. joined counts the names
// that had to be shared.
func (f Format) Encode(e Event, now time.Time) (body []byte, joined int, reason Reason) {
	a := Alert{GeneratorURL: f.GeneratorURL}
	var l, n int
	a.Labels, l = f.Naming.Set(e.Labels)
	a.Annotations, n = f.Naming.Set(e.Annotations)
	standIn(a.Labels, Pair{"alertname", e.Rule}, Pair{"severity", e.Severity})
	standIn(a.Annotations, e.Facts...)
	if len(a.Labels) == 0 {
		return nil, 0, Malformed
	}
	var alive bool
	if a.StartsAt, a.EndsAt, alive = f.times(e, now); !alive {
		return nil, 0, Expired
	}
	body, err := json.Marshal(a)
	if err != nil {
		return nil, 0, Malformed
	}
	if len(body) > maxAlert {
		return nil, 0, TooLarge
	}
	return body, l + n, ""
}

// times are the start and the end to send, and whether to send at all.
//
// A firing alert ends four re-sends after it was told, not after it is sent:
// what has waited in a queue for an hour must not fire as if it were new. An end
// is the real one. Nothing that has happened lies ahead of the clock, so times
// that do are taken as now, and an end is never before its start, which
// Alertmanager refuses.
func (f Format) times(e Event, now time.Time) (start, end time.Time, alive bool) {
	told := e.Told
	if !plausible(told) || told.After(now) {
		told = now
	}
	start = e.Start
	if !plausible(start) {
		start = told
	}
	if start.After(now) {
		start = now
	}
	if !e.Resolved {
		end = told.Add(resends * f.Resend)
		return start.UTC(), end.UTC(), end.After(now)
	}
	end = e.End
	if !plausible(end) {
		end = told
	}
	if end.After(now) {
		end = now
	}
	if end.Before(start) {
		end = start
	}
	return start.UTC(), end.UTC(), true
}

// plausible excludes the zero time, which Alertmanager takes for "not given",
// and what only a broken clock says.
func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 9999 && t.Unix() != 0 }

func standIn(set map[string]string, pairs ...Pair) {
	for _, p := range pairs {
		if _, ok := set[p.Name]; !ok && p.Value != "" {
			set[p.Name] = capped(p.Value)
		}
	}
}
