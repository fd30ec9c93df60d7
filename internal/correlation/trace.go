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

	root      Root
	rootLayer uint8 // 0 when two roots of the same kind disagree

	conflicts uint8 // bit i: trace-wide id i has two values
	wide      [MaxTraceWide]string

	nodes  []node
	index  map[SpanID]int32   // nil while the nodes are few enough to look through
	values []string           // the subtree ids that nodes point to
	bears  [MaxSubtree]uint32 // how many nodes carry an id of their own
}

// node is one span, kept to 32 bytes.
type node struct {
	id, parent SpanID
	up         int32 // the parent's place, once found
	layer      uint8
	own        [MaxSubtree]uint16 // place in values + 1; 0 none; ambiguous
}

const (
	unresolved  = -1
	ambiguous   = 1<<16 - 1 // an id that cannot be told, as when two came for one span
	maxValues   = ambiguous - 1
	linearSpans = 32 // up to here looking through is faster than hashing

	traceOverhead = int64(unsafe.Sizeof(trace{})) + 64 // and its place in the shard's map
	nodeBytes     = int64(unsafe.Sizeof(node{}))
	valueBytes    = int64(unsafe.Sizeof(""))
	indexBytes    = 32 // measured: a map entry of 12 bytes at the usual load
)

func (t *trace) learnTraceIDs(it *Item, n int, st *Stats) {
	for i := range n {
		v, bit := it.TraceIDs[i], uint8(1)<<i
		unclear := it.UnclearWide&bit != 0
		if !unclear && (v == "" || t.wide[i] == v) {
			continue
		}
		switch {
		case t.conflicts&bit != 0:
		case !unclear && t.wide[i] == "":
			t.wide[i] = strings.Clone(v)
			t.bytes += int64(len(v))
		default:
			t.conflicts |= bit
			st.Conflicts++
		}
	}
}

func (t *trace) learnSpan(it *Item, n, maxSpans int, st *Stats) {
	if it.Root != NotRoot && it.Layer != 0 {
		switch {
		case it.Root > t.root:
			t.root, t.rootLayer = it.Root, it.Layer
		case it.Root == t.root && t.rootLayer != it.Layer:
			t.rootLayer = 0
		}
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
	if nd.layer == 0 {
		nd.layer = it.Layer
	}
	for i := range n {
		if it.Subtree[i] != "" {
			t.bear(nd, i, it.Subtree[i], st)
		} else if it.UnclearSubtree&(1<<i) != 0 {
			t.blur(nd, i, st)
		}
	}
}

func (t *trace) add(it *Item) int32 {
	before := cap(t.nodes)
	at := int32(len(t.nodes))
	parent := it.Parent
	if parent == it.Span {
		parent = SpanID{}
	}
	t.nodes = append(t.nodes, node{id: it.Span, parent: parent, up: unresolved})
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
func (t *trace) answer(from SpanID, a *Answer, traceWide, below int) {
	for i := range traceWide {
		a.TraceIDs[i] = t.wide[i]
		if t.conflicts&(1<<i) != 0 {
			a.TraceIDs[i] = ""
		}
	}
	var open uint8 // bit i: subtree id i is still looked for
	for i := range below {
		a.Subtree[i] = ""
		if t.bears[i] > 0 {
			open |= 1 << i
		}
	}
	a.ParentLayer, a.RootLayer, a.Parent = 0, t.rootLayer, false
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
			return
		}
		if nd.up == unresolved && nd.parent != (SpanID{}) {
			nd.up = t.find(nd.parent)
		}
		at = nd.up
	}
}
