package livingos

import (
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// World is a Foundation OS with its agents and programs. Its methods may be
// called from several goroutines.
type World struct{ settings Settings }

// NewWorld makes the world of valid settings.
func NewWorld(s Settings) World { return World{settings: s} }

// Request is one request with everything below it.
type Request struct {
	// Sender is the application instance that serves it.
	Sender int
	Root   *Span
	// IDs is where trace and span ids come from: two words for the trace, then
	// one for each span.
	IDs rand.Source
}

// Length is the time from the first span's start to the last one's end.
func (r Request) Length() time.Duration { return r.Root.End }

// Walk visits every span, children before their parents: the order in which
// they end, and so the order in which batch exporters send them.
func (r Request) Walk(visit func(*Span)) { walk(r.Root, visit) }

func walk(s *Span, visit func(*Span)) {
	for _, c := range s.Children {
		walk(c, visit)
	}
	visit(s)
}

// Incidents are the events outside of requests that are planned at or after
// from and before to: the state changes of the configured breakers.
func (w World) Incidents(from, to time.Duration) []*Event {
	var out []*Event
	for _, b := range w.settings.Breakers {
		changes := breakerChanges(b.Name)
		for k, at := range []time.Duration{b.Opens, b.halfOpens(), b.Closes} {
			if at >= from && at < to {
				changes[k].At = at
				out = append(out, changes[k])
			}
		}
	}
	return out
}

// breakerChanges are the events of a breaker that opens, tries, and closes.
func breakerChanges(name string) []*Event {
	change := func(severity Severity, from, to, reason string) *Event {
		return &Event{Name: EventBreaker, Severity: severity, Attributes: []attribute.KeyValue{
			attribute.String("circuit_breaker", name),
			attribute.StringSlice("state_change", []string{from, to}),
			attribute.String("reason", reason),
		}}
	}
	return []*Event{
		change(SeverityWarn, "closed", "open", "failure_threshold"),
		change(SeverityInfo, "open", "half_open", "reset_timeout"),
		change(SeverityInfo, "half_open", "closed", "trial_succeeded"),
	}
}
