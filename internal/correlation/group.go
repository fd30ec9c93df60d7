package correlation

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// knowledge is what holds for a whole trace, or for a whole group of them. What
// comes out does not depend on the order in which things were learned.
type knowledge struct {
	root      Root
	rootLayer uint8 // 0 when two roots of the same kind disagree
	conflicts uint8 // bit i: trace-wide id i has two values
	wide      [MaxTraceWide]string
}

// learnRoot lets the better kind of root win; two layers of one kind give none.
func (k *knowledge) learnRoot(root Root, layer uint8) {
	switch {
	case root == NotRoot:
	case root > k.root:
		k.root, k.rootLayer = root, layer
	case root == k.root && k.rootLayer != layer:
		k.rootLayer = 0
	}
}

// learnIDs returns how many bytes it keeps, and whether it learned anything.
func (k *knowledge) learnIDs(it *Item, n int, st *Stats) (bytes int64, news bool) {
	for i := range n {
		v, bit := it.TraceIDs[i], uint8(1)<<i
		unclear := it.UnclearWide&bit != 0
		if !unclear && (v == "" || k.wide[i] == v) {
			continue
		}
		switch {
		case k.conflicts&bit != 0:
		case !unclear && k.wide[i] == "":
			k.wide[i] = strings.Clone(v)
			bytes, news = bytes+int64(len(v)), true
		default:
			k.conflicts |= bit
			st.Conflicts++
			news = true
		}
	}
	return bytes, news
}

// absorb learns all that another knows.
func (k *knowledge) absorb(o *knowledge, st *Stats) {
	k.learnRoot(o.root, o.rootLayer)
	for i, v := range o.wide {
		bit := uint8(1) << i
		switch {
		case v == "" || v == k.wide[i]:
		case k.wide[i] == "":
			k.wide[i] = v
		case (k.conflicts|o.conflicts)&bit == 0:
			k.conflicts |= bit
			st.Conflicts++
		}
	}
	k.conflicts |= o.conflicts
}

// known is a trace-wide id, "" when there is none or more than one.
func (k *knowledge) known(i int) string {
	if k.conflicts&(1<<i) != 0 {
		return ""
	}
	return k.wide[i]
}

// group is what traces that share an alternate key know together. Groups that
// turn out to be one are merged: the lighter points into the heavier, so that a
// chain of n merges is followed in log n steps (union by weight).
//
// A group's lock is taken while a shard's is held, never the other way round, and
// two groups' only while Cache.merging is.
type group struct {
	mu     sync.Mutex
	into   atomic.Pointer[group]
	weight int
	knowledge
}

const groupBytes = int64(unsafe.Sizeof(group{}))

func (g *group) root() *group {
	for {
		next := g.into.Load()
		if next == nil {
			return g
		}
		g = next
	}
}

// lock locks the group that g has become.
func (g *group) lock() *group {
	for {
		g = g.root()
		g.mu.Lock()
		if g.into.Load() == nil {
			return g
		}
		g.mu.Unlock() // merged meanwhile
	}
}

// join makes one group of a trace and of what stands under another key, be that
// a trace or not. It takes one shard's lock after the other, so that no two
// callers can wait for each other. The trace remembers the key and not its entry:
// an entry that was evicted must not live on.
func (c *Cache) join(now int64, s *shard, t *trace, key TraceID, st *Stats) {
	ks := c.shard(&key)
	ks.mu.Lock()
	kt := c.lookup(ks, now, key, Ref{}, st)
	if kt == nil {
		kt = c.insert(ks, now, key, st)
	}
	g := c.groupOf(ks, kt, st)
	ks.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	t.key, t.kept = key, now
	if c.merge(c.groupOf(s, t, st), g, st) {
		st.Joined++
	}
}

// groupOf gives a trace a group of its own when it has none yet.
func (c *Cache) groupOf(s *shard, t *trace, st *Stats) *group {
	if t.group == nil {
		t.group = &group{weight: 1}
		t.group.absorb(&t.knowledge, st)
		t.bytes += groupBytes
		c.charge(s, t, groupBytes, st)
	}
	t.group = t.group.root()
	return t.group
}

func (c *Cache) merge(a, b *group, st *Stats) bool {
	if a.root() == b.root() {
		return false
	}
	c.merging.Lock()
	defer c.merging.Unlock()
	a, b = a.root(), b.root()
	if a == b { // meanwhile
		return false
	}
	if a.weight < b.weight {
		a, b = b, a
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	a.absorb(&b.knowledge, st)
	a.weight += b.weight
	b.into.Store(a)
	return true
}

// keepEvery is how often the entry of a trace's alternate key is looked after
// while items of the trace come that do not carry the key.
const keepEvery = int64(time.Second)

// keep holds the entry of an alternate key in the cache for as long as a trace
// that has it is heard of: others of the group find it there. It is false when the
// entry is gone.
func (c *Cache) keep(now int64, key TraceID, st *Stats) bool {
	s := c.shard(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.lookup(s, now, key, Ref{}, st) != nil
}
