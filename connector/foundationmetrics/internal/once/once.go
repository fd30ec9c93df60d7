// Package once remembers which spans and events have been counted, so that an
// operation that arrives as a span and as a log is counted once.
//
// The memory is two generations of at most Size entries: a full young generation
// becomes the old one and the old one is forgotten. So an operation's span and its
// events are matched exactly as long as at most Size other operations lie between
// them, and at best twice that.
package once

// Key is an event on a span. The class is part of it: ten dispatch events that name
// the request span they happened in are ten dispatches, not one request.
type Key struct {
	Trace [16]byte
	Span  [8]byte
	Class uint16
}

// Mark says which samples of a key were taken, a bit for each metric of the class.
type Mark struct {
	BySpan  uint64
	ByEvent uint64
}

// Memory holds the marks.
type Memory struct {
	size       int
	young, old map[Key]Mark
}

// New returns a memory of size entries in each generation.
func New(size int) *Memory {
	return &Memory{size: size, young: map[Key]Mark{}, old: map[Key]Mark{}}
}

// Get returns the mark of a key, zero when it is not known or was forgotten.
func (m *Memory) Get(k Key) Mark {
	if v, ok := m.young[k]; ok {
		return v
	}
	return m.old[k]
}

// Put stores the mark of a key.
func (m *Memory) Put(k Key, v Mark) {
	if len(m.young) >= m.size {
		if _, ok := m.young[k]; !ok {
			// The forgotten map is emptied and reused: its buckets are the right size.
			m.young, m.old = m.old, m.young
			clear(m.young)
		}
	}
	m.young[k] = v
}

// Len is the number of entries in both generations.
func (m *Memory) Len() int { return len(m.young) + len(m.old) }
