package sticky

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxValues is how many values are remembered at once. It is what changes once
// a second for the lifetime of a trace come to; of faster ones the first are
// forgotten before their time.
const maxValues = Lifetime + 4

// History is a value that changes now and then, such that a trace keeps the
// one that was in force when it was first seen.
//
// Which traces are in flight is only known of those that were looked for, so
// the looking has to begin before the value changes. A trace that was first
// seen before gets the value of when it is next seen. Neither depends on
// anything about the trace but when it comes.
type History[V any] struct {
	now atomic.Pointer[Moment[V]]

	mu    sync.Mutex // of what follows, and of changes to now
	ended []time.Time
	near  bool
	table *Table // made when it is first needed
}

// NewHistory begins with a value.
func NewHistory[V any](first V) *History[V] {
	h := &History[V]{}
	h.now.Store(&Moment[V]{values: []V{first}})
	return h
}

// Change puts another value in force.
func (h *History[V]) Change(now time.Time, value V) {
	h.mu.Lock()
	defer h.mu.Unlock()
	values := append(slices.Clone(h.now.Load().values), value)
	h.ended = append(h.ended, now)
	h.publish(now, values)
}

// Tick forgets the values that are past. near tells that the value may soon
// change.
func (h *History[V]) Tick(now time.Time, near bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.near = near
	h.publish(now, h.now.Load().values)
}

func (h *History[V]) publish(now time.Time, values []V) {
	last := h.now.Load()
	past := max(0, len(values)-maxValues)
	for past < len(h.ended) && now.Sub(h.ended[past]) > Lifetime*time.Second {
		past++
	}
	h.ended = slices.Delete(h.ended, 0, past)
	next := &Moment[V]{values: values[past:], oldest: last.oldest + uint16(past)}
	if h.near || len(next.values) > 1 {
		if h.table == nil {
			h.table = New()
		}
		next.table = h.table
	}
	if past > 0 || len(values) != len(last.values) || next.table != last.table {
		h.now.Store(next)
	}
}

// Now is what holds for what comes now.
func (h *History[V]) Now() *Moment[V] { return h.now.Load() }

// Evicted is how many traces were forgotten in flight.
func (h *History[V]) Evicted() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.table == nil {
		return 0
	}
	return h.table.Evicted()
}

// Moment is a history at one time.
type Moment[V any] struct {
	values []V    // the last is in force, the others may be those of traces in flight
	oldest uint16 // the number of the first
	table  *Table // nil when there is nothing to look for
}

// Value is the one in force.
func (m *Moment[V]) Value() V { return m.values[len(m.values)-1] }

// Watched tells whether traces have to be asked for: otherwise all have the
// value in force.
func (m *Moment[V]) Watched() bool { return m.table != nil }

// Of is the value of a trace, when the moment is watched. Of all traces that
// come then, it has to be asked for.
func (m *Moment[V]) Of(id [16]byte, now time.Time) V {
	current := m.oldest + uint16(len(m.values)-1)
	number := m.table.Number(id, uint16(now.Unix()), m.oldest, current)
	// A number from after this moment is that of one whose time came later.
	return m.values[min(int(number-m.oldest), len(m.values)-1)]
}
