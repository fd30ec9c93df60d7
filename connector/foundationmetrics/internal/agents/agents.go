// Package agents counts the agents that are active: those registered and not
// terminated, or, in systems that never say when an agent ends, those seen of late.
package agents

import (
	"cmp"
	"slices"
	"time"
)

// Agent names an agent. Ids are only unique within a scope, such as an environment.
type Agent struct {
	Scope string
	ID    string // empty for a registration that names no agent
}

// Place is where an agent is counted.
type Place struct {
	Resource int
	Type     string
}

type state struct {
	place      Place
	registered bool
	at         int64 // of the last registration
	seen       time.Time
}

// Table holds the agents.
type Table struct {
	max  int
	ttl  time.Duration
	all  map[Agent]*state
	gone map[Agent]gone // terminations, for registrations that arrive after them
	// terminates are the scopes in which an agent has ever ended: there silence is no
	// end. The owner bounds the scopes.
	terminates map[string]bool
	nameless   map[namelessKey]int
	places     map[Place]bool // emitted once, so that zero is emitted too
	order      []Place
}

type namelessKey struct {
	scope string
	place Place
}

type gone struct {
	at   int64
	seen time.Time
}

// New returns a table of at most max agents. An agent that was only seen, or that
// registered in a scope without terminations, is forgotten after ttl of silence.
func New(limit int, ttl time.Duration) *Table {
	return &Table{
		max: limit, ttl: ttl,
		all: map[Agent]*state{}, gone: map[Agent]gone{}, terminates: map[string]bool{}, nameless: map[namelessKey]int{}, places: map[Place]bool{},
	}
}

// Unknown is the type of an agent that does not say.
const Unknown = "unknown"

// Register records a successful registration at the event time at (ns, 0 = unknown).
// It returns false when the table is full.
func (t *Table) Register(now time.Time, a Agent, p Place, at int64) bool {
	if a.ID == "" {
		k := namelessKey{a.Scope, p}
		if _, known := t.nameless[k]; !known && len(t.nameless) >= t.max {
			return false
		}
		t.nameless[k]++
		t.place(p)
		return true
	}
	if g, ok := t.gone[a]; ok && at != 0 && at <= g.at {
		return true // its end arrived before its beginning
	}
	s := t.touch(now, a, p)
	if s == nil {
		return false
	}
	delete(t.gone, a)
	s.registered, s.place, s.at = true, p, max(s.at, at)
	t.place(p)
	return true
}

// Terminate records an end.
func (t *Table) Terminate(now time.Time, a Agent, p Place, at int64) bool {
	t.terminates[a.Scope] = true
	if a.ID == "" {
		if k := (namelessKey{a.Scope, p}); t.nameless[k] > 0 {
			t.nameless[k]--
		}
		return true
	}
	if s := t.all[a]; s != nil {
		if at != 0 && at < s.at {
			return true // the end of an earlier life
		}
		delete(t.all, a)
	}
	if len(t.gone) >= t.max {
		return false
	}
	t.gone[a] = gone{at, now}
	return true
}

// See records that an agent did something. Late news of an agent that has ended does
// no harm: in its scope agents end, so only those registered count.
func (t *Table) See(now time.Time, a Agent, p Place) bool {
	s := t.touch(now, a, p)
	if s == nil {
		return false
	}
	if !s.registered && p.Type != Unknown && s.place != p {
		s.place = p
	}
	t.place(s.place)
	return true
}

func (t *Table) touch(now time.Time, a Agent, p Place) *state {
	s := t.all[a]
	if s == nil {
		if len(t.all) >= t.max {
			return nil
		}
		s = &state{place: p}
		t.all[a] = s
	}
	s.seen = now
	return s
}

func (t *Table) place(p Place) {
	if !t.places[p] && len(t.places) < t.max {
		t.places[p] = true
		t.order = append(t.order, p)
	}
}

func (t *Table) expire(now time.Time) {
	for a, s := range t.all {
		if now.Sub(s.seen) > t.ttl && (!s.registered || !t.terminates[a.Scope]) {
			delete(t.all, a)
		}
	}
	for a, g := range t.gone {
		if now.Sub(g.seen) > t.ttl {
			delete(t.gone, a)
		}
	}
}

// Count is the number of agents active in a place.
type Count struct {
	Place
	Active int
}

// Active forgets the agents of which nothing was heard for too long, which makes room
// for others, and counts those of every place known, zeros included: a gauge that
// merely stopped would keep its last value in the back-ends.
func (t *Table) Active(now time.Time) []Count {
	t.expire(now)
	counts := map[Place]int{}
	for a, s := range t.all {
		if s.registered || !t.terminates[a.Scope] {
			counts[s.place]++
		}
	}
	for k, n := range t.nameless {
		counts[k.place] += n
	}
	out := make([]Count, 0, len(t.order))
	for _, p := range t.order {
		out = append(out, Count{p, counts[p]})
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Type, b.Type))
	})
	return out
}
