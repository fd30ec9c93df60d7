// Package breakers follows the last state of every circuit breaker.
package breakers

import (
	"cmp"
	"slices"
	"time"
)

// Key is a breaker of a resource.
type Key struct {
	Resource int
	Name     string
	Layer    string
}

// Breaker is a breaker and its last state.
type Breaker struct {
	Key
	State string
	at    int64     // when the state was entered, by the event's own clock
	seen  time.Time // when we heard of it
}

// Table holds the breakers.
type Table struct {
	max   int
	ttl   time.Duration
	known map[Key]*Breaker
}

// New returns a table of at most max breakers, each forgotten ttl after its last
// event.
func New(limit int, ttl time.Duration) *Table {
	return &Table{max: limit, ttl: ttl, known: map[Key]*Breaker{}}
}

// Set records a state that was entered at the time at (ns, 0 = unknown). An event
// that is older than the last one changes nothing: batches of several senders arrive
// in any order. It returns false when the table is full.
func (t *Table) Set(now time.Time, k Key, state string, at int64) bool {
	b := t.known[k]
	if b == nil {
		if len(t.known) >= t.max {
			return false
		}
		b = &Breaker{Key: k}
		t.known[k] = b
	}
	b.seen = now
	if at != 0 && at < b.at {
		return true
	}
	b.State, b.at = state, max(at, b.at)
	return true
}

// Last forgets the breakers of which nothing was heard within the time to live, which
// makes room for others, and returns the rest in order.
func (t *Table) Last(now time.Time) []Breaker {
	out := make([]Breaker, 0, len(t.known))
	for k, b := range t.known {
		if now.Sub(b.seen) > t.ttl {
			delete(t.known, k)
			continue
		}
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b Breaker) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Layer, b.Layer))
	})
	return out
}
