package buffer

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// ID is a trace's id.
type ID = [16]byte

// Limits bound a buffer. All must be positive.
type Limits struct {
	Timeout       time.Duration // after the first span
	DecisionDelay time.Duration // after the root
	MaxBytes      int64
	Kept, Dropped int // decisions remembered
}

// Verdict is what was decided about a trace.
type Verdict struct {
	Keep      bool
	Threshold otelsampling.Threshold // of a kept trace
}

// Trace is a trace that is not decided yet.
type Trace[T any] struct {
	ID      ID
	Content T

	bytes  int64
	rooted bool
	due    time.Duration
	since  time.Duration
	queue  *queue[T] // nil: in none, it waits for its user
	prev   *Trace[T]
	next   *Trace[T]
}

// Buffer keeps traces.
type Buffer[T any] struct {
	shards [shards]Shard[T]
	limits Limits
	start  time.Time
	bytes  atomic.Int64
	traces atomic.Int64
}

// shards is a power of two: enough that eight cores seldom meet, few enough that
// looking through all of them ten times a second costs nothing.
const (
	shardBits = 5
	shards    = 1 << shardBits
)

// Shard is a part of a buffer. Its methods need its lock.
type Shard[T any] struct {
	sync.Mutex
	buffer *Buffer[T]
	live   map[ID]*Trace[T]
	// In each queue the wait is the same for all, so that the first is due first.
	waiting queue[T] // for a root
	rooted  queue[T]
	memory  memory
	_       [64]byte // keeps two shards' locks off one cache line
}

// New builds a buffer. Times are kept as what has passed since start, so that a
// clock that is set does not concern them as long as they have a monotonic
// reading.
func New[T any](l Limits, start time.Time) *Buffer[T] {
	b := &Buffer[T]{limits: l, start: start}
	for i := range b.shards {
		s := &b.shards[i]
		s.buffer = b
		s.live = map[ID]*Trace[T]{}
		s.memory = newMemory(max(1, l.Kept/shards), max(1, l.Dropped/shards))
	}
	return b
}

// Shard is where a trace is kept.
func (b *Buffer[T]) Shard(id ID) *Shard[T] {
	return &b.shards[hash(&id)>>(64-shardBits)]
}

// All are the shards.
func (b *Buffer[T]) All() []Shard[T] { return b.shards[:] }

// Bytes is how much is kept, as the users counted it.
func (b *Buffer[T]) Bytes() int64 { return b.bytes.Load() }

// Traces is how many traces are kept.
func (b *Buffer[T]) Traces() int64 { return b.traces.Load() }

// Full tells whether something has to go.
func (b *Buffer[T]) Full() bool { return b.bytes.Load() > b.limits.MaxBytes }

func hash(id *ID) uint64 {
	h := binary.LittleEndian.Uint64(id[:8]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(id[8:]), 31)
	return h * 0x9E3779B97F4A7C15 // every bit reaches the highest ones
}

// Remembered is what was decided about a trace; false when nothing was, or when
// it is forgotten.
func (s *Shard[T]) Remembered(id ID) (Verdict, bool) { return s.memory.get(id) }

// Open finds a trace, or begins one.
func (s *Shard[T]) Open(now time.Time, id ID) *Trace[T] {
	if t, ok := s.live[id]; ok {
		return t
	}
	at := now.Sub(s.buffer.start)
	t := &Trace[T]{ID: id, since: at, due: at + s.buffer.limits.Timeout}
	s.live[id] = t
	s.waiting.push(t)
	s.buffer.traces.Add(1)
	return t
}

// Grow counts what was added to a trace.
func (s *Shard[T]) Grow(t *Trace[T], bytes int64) {
	t.bytes += bytes
	s.buffer.bytes.Add(bytes)
}

// Root notes that a trace's root has come. A trace is never due later than it
// was before.
func (s *Shard[T]) Root(now time.Time, t *Trace[T]) {
	if t.rooted || t.queue == nil {
		return
	}
	due := now.Sub(s.buffer.start) + s.buffer.limits.DecisionDelay
	if due >= t.due {
		return
	}
	t.rooted, t.due = true, due
	t.queue.remove(t)
	s.rooted.push(t)
}

// Rooted tells whether a trace is due because of its root, and not of its first
// span.
func (t *Trace[T]) Rooted() bool { return t.rooted }

// Since is when a trace began, in the time of its buffer.
func (t *Trace[T]) Since() time.Duration { return t.since }

// Due is a trace that is due, nil when none is.
func (s *Shard[T]) Due(now time.Time) *Trace[T] {
	at := now.Sub(s.buffer.start)
	for _, q := range [...]*queue[T]{&s.rooted, &s.waiting} {
		if t := q.first; t != nil && t.due <= at {
			return t
		}
	}
	return nil
}

// Oldest is the trace that has been here longest without a root, or that has the
// root that came first, whichever began before the other. nil when all are set
// aside.
func (s *Shard[T]) Oldest() *Trace[T] {
	a, b := s.rooted.first, s.waiting.first
	if a == nil || b != nil && b.since < a.since {
		return b
	}
	return a
}

// SetAside takes a trace out of those that become due or have to go: its user
// will close it. Spans still find it.
func (s *Shard[T]) SetAside(t *Trace[T]) {
	if t.queue != nil {
		t.queue.remove(t)
	}
}

// Aside tells whether a trace is set aside.
func (t *Trace[T]) Aside() bool { return t.queue == nil }

// Waits tells whether a trace is not decided yet.
func (s *Shard[T]) Waits(t *Trace[T]) bool { return s.live[t.ID] == t }

// Close takes a trace out and remembers what was decided.
func (s *Shard[T]) Close(t *Trace[T], v Verdict) {
	s.SetAside(t)
	delete(s.live, t.ID)
	s.buffer.bytes.Add(-t.bytes)
	s.buffer.traces.Add(-1)
	s.memory.put(t.ID, v)
}

// queue is a list of traces in the order in which they are due.
type queue[T any] struct {
	first, last *Trace[T]
}

func (q *queue[T]) push(t *Trace[T]) {
	t.queue, t.prev, t.next = q, q.last, nil
	if q.last != nil {
		q.last.next = t
	} else {
		q.first = t
	}
	q.last = t
}

func (q *queue[T]) remove(t *Trace[T]) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		q.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		q.last = t.prev
	}
	t.queue, t.prev, t.next = nil, nil, nil
}

// Relieve returns the shard of the trace that has to go first, locked, and nil
// when there is nothing that could.
func (b *Buffer[T]) Relieve() *Shard[T] {
	var oldest *Shard[T]
	var since time.Duration
	for i := range b.shards {
		s := &b.shards[i]
		s.Lock()
		if t := s.Oldest(); t != nil && (oldest == nil || t.since < since) {
			oldest, since = s, t.since
		}
		s.Unlock()
	}
	if oldest != nil {
		oldest.Lock()
	}
	return oldest
}
