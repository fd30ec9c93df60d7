package correlation

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"time"
)

// TraceID is a trace's id; zero is none.
type TraceID [16]byte

// SpanID is a span's id; zero is none.
type SpanID [8]byte

const (
	// MaxTraceWide and MaxSubtree bound how many ids of each kind a cache can
	// carry, so that answers and spans have a fixed size.
	MaxTraceWide = 8
	MaxSubtree   = 4
	// MaxKeys bounds an item's alternate keys.
	MaxKeys = 4
	// MaxLayer is the largest number of a layer.
	MaxLayer = mixedLayers - 1
)

// Limits bound a cache. All must be positive.
//
// A cache remembers at most MaxTraces traces and alternate keys, for TTL after
// their last item, MaxSpansPerTrace spans of each and MaxBytes in all, by its own
// count.
type Limits struct {
	MaxTraces        int
	TTL              time.Duration
	MaxSpansPerTrace int
	MaxBytes         int64
}

// Item is what a span says about itself. Empty strings and zeros say nothing.
type Item struct {
	Trace    TraceID
	Span     SpanID
	Parent   SpanID
	Layer    uint8 // what the span itself shows, not what it inherited; at most MaxLayer
	Root     Root
	Keys     [MaxKeys]TraceID // alternate keys: whoever has the same belongs to the same group
	TraceIDs [MaxTraceWide]string
	Subtree  [MaxSubtree]string
	// Bit i: the item has an id i that cannot be told. It counts as different
	// from every other.
	UnclearWide, UnclearSubtree uint8
}

// Root tells how well a span's layer stands for its trace's.
type Root uint8

// The better kind of root wins; two different layers of the same kind give none.
const (
	NotRoot    Root = iota
	Parentless      // a span without parent
	NamedRoot       // a span that is known to be the request itself
)

// Options say what a cache carries.
type Options struct {
	TraceWide int // how many trace-wide ids; at most MaxTraceWide
	Subtree   int // how many subtree ids; at most MaxSubtree
	// Adopt takes the request of a trace for the parent of its spans without
	// parent, as long as one request is known that has no parent itself.
	Adopt bool
}

// Answer is what is known about an item.
type Answer struct {
	TraceIDs    [MaxTraceWide]string
	Subtree     [MaxSubtree]string
	ParentLayer uint8 // of the nearest ancestor that has one
	RootLayer   uint8
	Parent      bool   // the span that was asked from is known
	Request     SpanID // who adopts spans without parent; only with Options.Adopt
}

// Stats counts what happened; the caller owns it and adds it up.
type Stats struct {
	Hits, Misses  int64 // items whose trace was, was not in the cache
	Evicted       int64 // traces forgotten for room
	Expired       int64 // traces forgotten for their age
	Conflicts     int64 // ids given up because two values came
	SpansDropped  int64 // spans not remembered, their trace being full
	Joined        int64 // an alternate key and a trace, or two groups, that became one
	Traces, Bytes int64 // what is held now (alternate keys count as traces), as a difference
}

// Cache remembers traces.
type Cache struct {
	shards           []shard
	shift            uint8 // leaves as many bits of a hash as there are shards
	maxTraces        int   // per shard
	maxBytes         int64
	maxSpans         int
	ttl              int64
	traceWide, below int
	adopt            bool
	merging          sync.Mutex // of groups; see group
}

type shard struct {
	mu     sync.Mutex
	traces map[TraceID]*trace
	// lru is a ring: next is the trace used last, prev the one to go first.
	lru   trace
	bytes int64
	_     [32]byte // keeps two shards' locks off one cache line
}

// New builds a cache.
func New(l Limits, o Options) *Cache {
	n := 1
	for n < maxShards && l.MaxTraces/(2*n) >= minTracesPerShard && l.MaxBytes/int64(2*n) >= minBytesPerShard {
		n *= 2
	}
	c := &Cache{
		shards:    make([]shard, n),
		shift:     uint8(64 - bits.TrailingZeros(uint(n))),
		maxTraces: l.MaxTraces / n,
		maxBytes:  l.MaxBytes / int64(n),
		maxSpans:  min(l.MaxSpansPerTrace, maxValues),
		ttl:       int64(l.TTL),
		traceWide: min(o.TraceWide, MaxTraceWide),
		below:     min(o.Subtree, MaxSubtree),
		adopt:     o.Adopt,
	}
	for i := range c.shards {
		s := &c.shards[i]
		s.traces = map[TraceID]*trace{}
		s.lru.next, s.lru.prev = &s.lru, &s.lru
	}
	return c
}

// A shard needs enough traces that bad luck in the hash does not evict much
// earlier than MaxTraces says.
const (
	maxShards         = 64
	minTracesPerShard = 256
	minBytesPerShard  = 1 << 20
)

func (c *Cache) shard(id *TraceID) *shard {
	h := binary.LittleEndian.Uint64(id[:8]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(id[8:]), 31)
	// Fibonacci hashing: every bit of the id reaches the highest bits.
	return &c.shards[h*0x9E3779B97F4A7C15>>c.shift]
}

// Ref points to a trace that was found, so that the next item of the same trace
// and the second look at the same item need no search. The zero Ref points
// nowhere. A Ref stays valid when its trace is evicted meanwhile.
type Ref struct {
	shard *shard
	trace *trace
}

// Found tells whether the Ref points to a trace.
func (r Ref) Found() bool { return r.trace != nil }

// Learn remembers a span. near is the Ref of the item before it, which saves the
// search when both are of one trace. Without a span id only trace-wide ids are
// learned; an item without a legal trace id is taken by its first alternate key,
// and gives the zero Ref when it has none.
func (c *Cache) Learn(now time.Time, it *Item, near Ref, st *Stats) Ref {
	if it.Trace == (TraceID{}) {
		return c.LearnTraceIDs(now, it, near, st)
	}
	return c.learn(now.UnixNano(), it.Trace, it, near, st, true)
}

// LearnTraceIDs remembers only the trace-wide ids and alternate keys of an item
// that is no span (a log record). A trace that is not known yet is only
// remembered when there is something to remember.
func (c *Cache) LearnTraceIDs(now time.Time, it *Item, near Ref, st *Stats) Ref {
	id := it.Where()
	if id == (TraceID{}) {
		return Ref{}
	}
	bears := it.UnclearWide != 0
	for i := range c.traceWide {
		bears = bears || it.TraceIDs[i] != ""
	}
	for _, key := range it.Keys {
		bears = bears || key != (TraceID{}) && key != id
	}
	if bears {
		return c.learn(now.UnixNano(), id, it, near, st, false)
	}
	return c.Find(now, id, near, st)
}

// Where is what an item is found by: its trace, else its first alternate key.
func (it *Item) Where() TraceID {
	if it.Trace != (TraceID{}) {
		return it.Trace
	}
	for _, key := range it.Keys {
		if key != (TraceID{}) {
			return key
		}
	}
	return TraceID{}
}

func (c *Cache) learn(now int64, id TraceID, it *Item, near Ref, st *Stats, span bool) Ref {
	s := near.shard
	if near.trace == nil || near.trace.id != id {
		s = c.shard(&id)
	}
	t, key, due := c.learnIn(s, now, id, it, near, st, span)
	for _, k := range it.Keys {
		if k == (TraceID{}) || k == id {
			continue
		}
		if k != key || !c.keep(now, k, st) {
			c.join(now, s, t, k, st)
		}
		due = due && k != key
	}
	if due && !c.keep(now, key, st) {
		c.join(now, s, t, key, st)
	}
	return Ref{s, t}
}

// learnIn also returns the alternate key that the trace is known to have, and
// whether it is time to look after it.
func (c *Cache) learnIn(s *shard, now int64, id TraceID, it *Item, near Ref, st *Stats, span bool) (t *trace, key TraceID, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = c.lookup(s, now, id, near, st)
	if t == nil {
		st.Misses++
		t = c.insert(s, now, id, st)
	} else {
		st.Hits++
	}
	before := t.bytes
	t.learnTraceIDs(it, c.traceWide, st)
	if span {
		t.learnSpan(it, c.below, c.maxSpans, st)
	}
	c.charge(s, t, t.bytes-before, st)
	if due = t.key != (TraceID{}) && now-t.kept >= keepEvery; due {
		t.kept = now
	}
	return t, t.key, due
}

// charge counts memory that a trace took, and makes room for it at the cost of
// the traces used least recently.
func (c *Cache) charge(s *shard, t *trace, bytes int64, st *Stats) {
	if !t.linked { // evicted, and counted off, meanwhile
		return
	}
	s.bytes += bytes
	st.Bytes += bytes
	for s.bytes > c.maxBytes && s.lru.prev != t {
		s.remove(s.lru.prev, st)
		st.Evicted++
	}
}

// Find looks a trace up without remembering anything.
func (c *Cache) Find(now time.Time, id TraceID, near Ref, st *Stats) Ref {
	if id == (TraceID{}) {
		return Ref{}
	}
	s := c.shard(&id)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := c.lookup(s, now.UnixNano(), id, near, st)
	if t == nil {
		st.Misses++
		return Ref{}
	}
	st.Hits++
	return Ref{s, t}
}

// Ask answers what is known about an item whose nearest span is from: a span's
// parent, or the span that a log record was written in. a is overwritten; it is
// an argument so that a caller can use one for all its items.
func (c *Cache) Ask(r Ref, from SpanID, a *Answer) {
	if r.trace == nil {
		*a = Answer{}
		return
	}
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	t := r.trace
	if !t.linked { // evicted; it may have come again
		if again, ok := r.shard.traces[t.id]; ok {
			t = again
		}
	}
	t.answer(from, a, c)
}

// lookup finds a trace that is young enough and marks it as used.
func (c *Cache) lookup(s *shard, now int64, id TraceID, near Ref, st *Stats) *trace {
	t := near.trace
	if t == nil || t.id != id || !t.linked {
		var ok bool
		if t, ok = s.traces[id]; !ok {
			return nil
		}
	}
	if now-t.seen > c.ttl {
		s.remove(t, st)
		st.Expired++
		return nil
	}
	s.touch(t)
	t.seen = now
	return t
}

func (c *Cache) insert(s *shard, now int64, id TraceID, st *Stats) *trace {
	// Nobody asks for most traces again, so each new one looks for two that are
	// too old: faster than they come, and never much work at once.
	for range 2 {
		if old := s.lru.prev; old != &s.lru && now-old.seen > c.ttl {
			s.remove(old, st)
			st.Expired++
		}
	}
	for len(s.traces) >= c.maxTraces {
		s.remove(s.lru.prev, st)
		st.Evicted++
	}
	t := &trace{id: id, seen: now, bytes: traceOverhead, linked: true}
	s.traces[id] = t
	s.link(t)
	s.bytes += t.bytes
	st.Traces++
	st.Bytes += t.bytes
	return t
}

func (s *shard) link(t *trace) {
	t.prev, t.next = &s.lru, s.lru.next
	t.prev.next, t.next.prev = t, t
}

func (s *shard) touch(t *trace) {
	if s.lru.next == t {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	s.link(t)
}

func (s *shard) remove(t *trace, st *Stats) {
	t.prev.next, t.next.prev = t.next, t.prev
	t.prev, t.next, t.linked = nil, nil, false
	delete(s.traces, t.id)
	s.bytes -= t.bytes
	st.Traces--
	st.Bytes -= t.bytes
}
