package correlation

import (
	"strings"
	"unsafe"
)

// trace is what is known about one trace. Its shard's lock guards it, also
// after it was evicted.
type trace struct {
	id         TraceID
	prev, next *trace
	seen       int64
	bytes      int64
	linked     bool // still in the cache

	knowledge         // its own
	group     *group  // nil while nothing but the trace id joins its items
	key       TraceID // the alternate key that came last
	kept      int64   // when its entry was last looked after

	request  SpanID // the span that is the request and has no parent
	requests bool   // there are several

	nodes  []node
	index  map[SpanID]int32   // nil while the nodes are few enough to look through
	values []string           // the subtree ids that nodes point to
	bears  [MaxSubtree]uint32 // how many nodes carry an id of their own
}

// node is one span, kept to 32 bytes.
type node struct {
	id, parent SpanID
	up         int32              // the parent's place, once found
	layer      uint8              // or mixedLayers
	own        [MaxSubtree]uint16 // place in values + 1; 0 none; ambiguous
}

const (
	unresolved  = -1
	torn        = -2        // two parents came for one span: neither
	mixedLayers = 255       // two layers came for one span: neither
	ambiguous   = 1<<16 - 1 // an id that cannot be told, as when two came for one span
	maxValues   = ambiguous - 1
	linearSpans = 32 // up to here looking through is faster than hashing

	traceOverhead = int64(unsafe.Sizeof(trace{})) + 64 // and its place in the shard's map
	nodeBytes     = int64(unsafe.Sizeof(node{}))
	valueBytes    = int64(unsafe.Sizeof(""))
	indexBytes    = 32 // measured: a map entry of 12 bytes at the usual load
)

func (t *trace) learnTraceIDs(it *Item, n int, st *Stats) {
	bytes, news := t.learnIDs(it, n, st)
	t.bytes += bytes
	if news {
		t.tell(st)
	}
}

// tell lets the trace's group know what the trace knows.
func (t *trace) tell(st *Stats) {
	if t.group == nil {
		return
	}
	g := t.group.lock()
	defer g.mu.Unlock()
	t.group = g
	g.absorb(&t.knowledge, st)
}

func (t *trace) learnSpan(it *Item, n, maxSpans int, st *Stats) {
	if it.Span == (SpanID{}) {
		return
	}
	if it.Root != NotRoot {
		t.learnAsRoot(it)
	}
	at := t.find(it.Span)
	if at < 0 {
		if len(t.nodes) >= maxSpans {
			st.SpansDropped++
			return
		}
		at = t.add(it)
	}
	nd := &t.nodes[at]
	nd.meet(it)
	for i := range n {
		if it.Subtree[i] != "" {
			t.bear(nd, i, it.Subtree[i], st)
		} else if it.UnclearSubtree&(1<<i) != 0 {
			t.blur(nd, i, st)
		}
	}
}

func (t *trace) learnAsRoot(it *Item) {
	if it.Layer != 0 {
		t.learnRoot(it.Root, it.Layer)
		t.tell(&Stats{})
	}
	if it.Root == NamedRoot && it.Parent == (SpanID{}) && it.Span != t.request {
		t.requests = t.requests || t.request != (SpanID{})
		t.request = it.Span
	}
}

// meet adds what an item says about its span, which may have come before: the
// second time may tell more, or something else, and then neither is told.
func (nd *node) meet(it *Item) {
	if it.Layer != 0 && it.Layer != nd.layer {
		if nd.layer != 0 {
			nd.layer = mixedLayers
		} else {
			nd.layer = it.Layer
		}
	}
	if it.Parent != (SpanID{}) && it.Parent != it.Span && it.Parent != nd.parent {
		if nd.parent != (SpanID{}) {
			nd.up = torn
		} else {
			nd.parent = it.Parent
		}
	}
}

func (t *trace) add(it *Item) int32 {
	before := cap(t.nodes)
	at := int32(len(t.nodes))
	t.nodes = append(t.nodes, node{id: it.Span, up: unresolved})
	t.bytes += int64(cap(t.nodes)-before) * nodeBytes
	if t.index != nil {
		t.index[it.Span] = at
		t.bytes += indexBytes
	} else if len(t.nodes) > linearSpans {
		t.index = make(map[SpanID]int32, 2*linearSpans)
		for i := range t.nodes {
			t.index[t.nodes[i].id] = int32(i)
		}
		t.bytes += indexBytes * int64(len(t.nodes))
	}
	return at
}

// bear notes the id that a span carries itself.
func (t *trace) bear(nd *node, i int, value string, st *Stats) {
	switch own := nd.own[i]; {
	case own == ambiguous:
	case own == 0:
		at := t.value(value)
		if at == 0 {
			t.blur(nd, i, st)
			return
		}
		nd.own[i] = at
		t.bears[i]++
	case t.values[own-1] != value:
		t.blur(nd, i, st)
	}
}

// blur notes that a span has an id of its own that cannot be told: nothing for
// the spans below it, and not their ancestor's either.
func (t *trace) blur(nd *node, i int, st *Stats) {
	if nd.own[i] == ambiguous {
		return
	}
	if nd.own[i] == 0 {
		t.bears[i]++
	}
	nd.own[i] = ambiguous
	st.Conflicts++
}

// value is the place + 1 of a text; spans of one agent mostly come together, so
// looking at the last few finds most of what is there already.
func (t *trace) value(s string) uint16 {
	const few = 8
	for i := len(t.values) - 1; i >= 0 && i >= len(t.values)-few; i-- {
		if t.values[i] == s {
			return uint16(i + 1)
		}
	}
	if len(t.values) >= maxValues {
		return 0
	}
	before := cap(t.values)
	t.values = append(t.values, strings.Clone(s))
	t.bytes += int64(cap(t.values)-before)*valueBytes + int64(len(s))
	return uint16(len(t.values))
}

func (t *trace) find(id SpanID) int32 {
	if t.index != nil {
		if at, ok := t.index[id]; ok {
			return at
		}
		return unresolved
	}
	for i := range t.nodes {
		if t.nodes[i].id == id {
			return int32(i)
		}
	}
	return unresolved
}

// answer overwrites what its cache ever writes in a.
func (t *trace) answer(from SpanID, a *Answer, c *Cache) {
	t.answerWhole(a, c.traceWide)
	a.Request = SpanID{}
	if c.adopt && !t.requests && t.parentless(t.request) {
		a.Request = t.request
	}
	var open uint8 // bit i: subtree id i is still looked for
	for i := range c.below {
		a.Subtree[i] = ""
		if t.bears[i] > 0 {
			open |= 1 << i
		}
	}
	a.ParentLayer, a.Parent = 0, false
	if from == (SpanID{}) {
		return
	}
	at := t.find(from)
	a.Parent = at >= 0
	// More steps than spans means that the parents form a ring.
	for steps := 0; at >= 0 && steps <= len(t.nodes); steps++ {
		nd := &t.nodes[at]
		if a.ParentLayer == 0 {
			a.ParentLayer = nd.layer
		}
		for i := 0; open>>i != 0; i++ {
			if open&(1<<i) == 0 || nd.own[i] == 0 {
				continue
			}
			open &^= 1 << i
			if nd.own[i] != ambiguous {
				a.Subtree[i] = t.values[nd.own[i]-1]
			}
		}
		if open == 0 && a.ParentLayer != 0 {
			break
		}
		at = t.above(nd, a.Request)
	}
	if a.ParentLayer == mixedLayers { // nothing can be told, so the root's layer is no answer either
		a.ParentLayer, a.RootLayer = 0, 0
	}
}

// parentless tells whether nobody has told of a span's parent.
func (t *trace) parentless(span SpanID) bool {
	at := t.find(span)
	return at < 0 || t.nodes[at].parent == (SpanID{})
}

// answerWhole is what holds for all of the trace: what it knows itself, else what
// its group does.
func (t *trace) answerWhole(a *Answer, traceWide int) {
	for i := range traceWide {
		a.TraceIDs[i] = t.known(i)
	}
	a.RootLayer = t.rootLayer
	if t.group == nil {
		return
	}
	g := t.group.lock()
	defer g.mu.Unlock()
	t.group = g
	for i := range traceWide {
		if t.wide[i] == "" && t.conflicts&(1<<i) == 0 {
			a.TraceIDs[i] = g.known(i)
		}
	}
	if a.RootLayer == 0 {
		a.RootLayer = g.rootLayer
	}
}

// above is the place of a span's parent; of the request that adopts it when it
// has none.
func (t *trace) above(nd *node, request SpanID) int32 {
	if nd.up == unresolved && nd.parent != (SpanID{}) {
		nd.up = t.find(nd.parent)
	}
	if nd.up == unresolved && nd.parent == (SpanID{}) && request != (SpanID{}) && request != nd.id {
		return t.find(request)
	}
	return nd.up
}
