package correlation

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyed learns a span of a trace with alternate keys, and perhaps an id.
func (w *world) keyed(trace, span int, request string, keys ...TraceID) Ref {
	it := &Item{Trace: traceID(trace), Span: spanID(span), TraceIDs: [MaxTraceWide]string{request}}
	copy(it.Keys[:], keys)
	return w.Learn(w.now, it, Ref{}, &w.st)
}

func keyID(n int) TraceID { return TraceID{0: 2, 15: byte(n)} }

func TestTracesOfOneKeyAreOne(t *testing.T) {
	w := newWorld(roomy())
	w.keyed(1, 1, "", keyID(1))
	w.keyed(2, 1, "r", keyID(1))
	w.keyed(3, 1, "")
	assert.Equal(t, "r", w.ask(1, 1).TraceIDs[0])
	assert.Equal(t, "r", w.ask(2, 1).TraceIDs[0])
	assert.Empty(t, w.ask(3, 1).TraceIDs[0], "has no key")
	assert.EqualValues(t, 2, w.st.Joined, "the key's own entry, and two traces")
	w.keyed(1, 2, "", keyID(1))
	assert.EqualValues(t, 2, w.st.Joined, "once")

	// What a trace learns later is known to all of them.
	w.LearnTraceIDs(w.now, &Item{Trace: traceID(1), TraceIDs: [MaxTraceWide]string{"", "p"}}, Ref{}, &w.st)
	assert.Equal(t, "p", w.ask(2, 1).TraceIDs[1])
	// Also an item that has no trace, only the key.
	var a Answer
	w.Ask(w.LearnTraceIDs(w.now, &Item{Keys: [MaxKeys]TraceID{keyID(1)}}, Ref{}, &w.st), SpanID{}, &a)
	assert.Equal(t, "r", a.TraceIDs[0])
}

// The alternate key of an asynchronous child may be the id of the trace that it
// came from.
func TestKeyThatIsATrace(t *testing.T) {
	for _, traceFirst := range []bool{true, false} {
		w := newWorld(roomy())
		if traceFirst {
			w.keyed(1, 1, "r")
		}
		w.keyed(2, 1, "", traceID(1))
		if !traceFirst {
			w.keyed(1, 1, "r", traceID(1))
		}
		assert.Equal(t, "r", w.ask(2, 1).TraceIDs[0])
		assert.EqualValues(t, 2, w.st.Traces)
	}
}

func TestGroupsOfSpansDoNotMix(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 0, "A", 3)
	w.keyed(1, 1, "", keyID(1))
	w.keyed(2, 2, "", keyID(1))
	assert.Empty(t, w.ask(2, 1).Subtree[0], "span 1 of another trace is nobody's parent here")
	assert.Zero(t, w.ask(2, 1).ParentLayer)
	assert.EqualValues(t, 3, w.ask(2, 2).RootLayer, "the only root of the group")
	w.span(2, 3, 0, "", 4)
	assert.EqualValues(t, 4, w.ask(2, 2).RootLayer, "its own root is nearer")
	assert.EqualValues(t, 3, w.ask(1, 1).RootLayer)
	w.Learn(w.now, &Item{Trace: traceID(3), Span: spanID(1), Layer: 5, Root: NamedRoot, Keys: [MaxKeys]TraceID{keyID(1)}}, Ref{}, &w.st)
	assert.EqualValues(t, 4, w.ask(2, 2).RootLayer, "even than the request, which ran in another trace")
	w.keyed(4, 1, "", keyID(1))
	assert.EqualValues(t, 5, w.ask(4, 1).RootLayer, "and who has none has the request's")
}

func TestGroupsThatMeet(t *testing.T) {
	w := newWorld(roomy())
	w.keyed(1, 1, "r", keyID(1))
	w.keyed(2, 1, "r", keyID(2))
	w.keyed(3, 1, "", keyID(1), keyID(2))
	assert.Equal(t, "r", w.ask(3, 1).TraceIDs[0])
	assert.Zero(t, w.st.Conflicts)
	w.keyed(4, 1, "other", keyID(4))
	assert.Equal(t, "other", w.ask(4, 1).TraceIDs[0])
	w.keyed(4, 2, "", keyID(2))
	for trace, want := range map[int]string{1: "r", 2: "r", 3: "", 4: "other"} {
		assert.Equal(t, want, w.ask(trace, 1).TraceIDs[0], "two requests in one group: nobody gets another trace's")
	}
	assert.EqualValues(t, 1, w.st.Conflicts, "once for a group")
	w.keyed(1, 2, "third")
	assert.Empty(t, w.ask(1, 1).TraceIDs[0], "two in one trace")
	assert.EqualValues(t, 2, w.st.Conflicts)
}

// What a trace learns after it has joined is the group's too.
func TestGroupsLearn(t *testing.T) {
	w := newWorld(roomy())
	w.keyed(1, 1, "", keyID(1))
	w.keyed(2, 1, "", keyID(1))
	w.span(1, 2, 0, "", 3)
	w.request(1, "r")
	a := w.ask(2, 1)
	assert.EqualValues(t, 3, a.RootLayer)
	assert.Equal(t, "r", a.TraceIDs[0])
}

// A key is remembered as long as a trace that has it is heard of.
func TestKeysLiveAsLongAsTheirTraces(t *testing.T) {
	w := newWorld(roomy())
	w.keyed(1, 1, "r", keyID(1))
	for i := range 5 {
		w.now = w.now.Add(40 * time.Second)
		w.span(1, 2+i, 1, "", 0) // one span of a trace carries the key, the others keep it
	}
	w.keyed(2, 1, "", keyID(1))
	assert.Equal(t, "r", w.ask(2, 1).TraceIDs[0])

	// Pushed out, it comes back with the next item that has it.
	l := roomy()
	l.MaxTraces = 3
	w = newWorld(l)
	w.keyed(1, 1, "r", keyID(1))
	w.keyed(1, 2, "", keyID(1))
	w.span(5, 1, 0, "", 0)
	w.ask(1, 0)
	w.span(6, 1, 0, "", 0) // evicts the key
	w.now = w.now.Add(time.Second)
	w.span(1, 3, 1, "", 0)
	w.keyed(2, 1, "", keyID(1))
	assert.Equal(t, "r", w.ask(2, 1).TraceIDs[0])
	assert.Positive(t, w.st.Evicted)
}

// Whatever the order, a group knows what the union of its traces knows.
func TestGroupsAgreeWithSets(t *testing.T) {
	shared, alone := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		w := newWorld(roomy())
		const traces, keys = 12, 8
		set := make([]int, traces+keys) // the smallest member
		for i := range set {
			set[i] = i
		}
		values := make([]map[string]bool, traces)
		for i := range values {
			values[i] = map[string]bool{}
		}
		for range 5 + r.IntN(40) {
			tr, request := r.IntN(traces), ""
			if r.IntN(6) == 0 {
				request = fmt.Sprint("r", r.IntN(2))
				values[tr][request] = true
			}
			var with []TraceID
			if r.IntN(3) == 0 {
				k := r.IntN(keys)
				with = append(with, keyID(k))
				a, b := set[tr], set[traces+k]
				for i := range set {
					if set[i] == max(a, b) {
						set[i] = min(a, b)
					}
				}
			}
			w.keyed(tr, 1+r.IntN(5), request, with...)
		}
		for tr := range traces {
			union := map[string]bool{}
			for other := range traces {
				if len(values[tr]) > 0 { // its own are nearer
					union = values[tr]
					break
				}
				if set[other] == set[tr] {
					for v := range values[other] {
						union[v] = true
					}
				}
			}
			want := ""
			if len(union) == 1 {
				for v := range union {
					want = v
				}
				if len(values[tr]) == 0 {
					shared++
				} else {
					alone++
				}
			}
			require.Equal(t, want, w.ask(tr, 1).TraceIDs[0], "seed %d trace %d", seed, tr)
		}
	}
	assert.Greater(t, shared, 100)
	assert.Greater(t, alone, 100)
}

func TestConcurrentJoins(t *testing.T) {
	for round := range 50 {
		c := New(Limits{MaxTraces: 1000, TTL: time.Minute, MaxSpansPerTrace: 20, MaxBytes: 1 << 20}, Options{TraceWide: 1})
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), uint64(round)))
				var st Stats
				var near Ref
				for _, i := range r.Perm(64) {
					// 64 traces in a chain of 64 keys, joined from all sides
					it := &Item{Trace: traceID(i), Span: spanID(1), Keys: [MaxKeys]TraceID{keyID(i), keyID((i + 1) % 64)}}
					if i == 17 {
						it.TraceIDs[0] = "r"
					}
					near = c.Learn(t0, it, near, &st)
					var a Answer
					c.Ask(near, SpanID{}, &a)
				}
			})
		}
		wg.Wait()
		for i := range 64 {
			var st Stats
			var a Answer
			c.Ask(c.Find(t0, traceID(i), Ref{}, &st), SpanID{}, &a)
			require.Equal(t, "r", a.TraceIDs[0], "trace %d", i)
		}
	}
}

// Traces that name each other must not keep each other alive.
func TestEvictedTracesAreGone(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	l := roomy()
	l.MaxTraces, l.MaxBytes, l.MaxSpansPerTrace = 2000, 1<<20, 2000
	w := newWorld(l)
	before := heap()
	for n := range 50_000 { // each is the key of the next
		w.keyed(n+1, 1, "", traceID(n))
	}
	for n := range 300 { // large ones, each the key of a small one that goes on
		for i := range 1000 {
			w.span(100_000+n, i+1, 0, "", 0)
		}
		w.keyed(200_000+n, 1, "", traceID(100_000+n))
		for k := range n {
			w.span(200_000+k, 1, 0, "", 0)
		}
	}
	assert.Less(t, heap()-before, int64(4<<20), "max_bytes is 1 MiB")
	runtime.KeepAlive(w)
}

// What is counted is what is there, after anything.
func TestBytesAreCounted(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := roomy()
		l.MaxTraces, l.MaxBytes = 2+r.IntN(8), int64(1000+r.IntN(6000))
		w := newWorld(l)
		for range 400 {
			it := &Item{Trace: traceID(1 + r.IntN(10)), Span: spanID(r.IntN(80)), TraceIDs: [MaxTraceWide]string{fmt.Sprint(r.IntN(3))}}
			if r.IntN(3) == 0 {
				it.Keys[0], it.Keys[2] = keyID(r.IntN(4)), traceID(1+r.IntN(10))
			}
			w.Learn(w.now, it, Ref{}, &w.st)
			w.now = w.now.Add(time.Duration(r.IntN(3)) * time.Second)
			var bytes, shards, traces int64
			for i := range w.shards {
				shards += w.shards[i].bytes
				for _, tr := range w.shards[i].traces {
					bytes += tr.bytes
					traces++
					least := traceOverhead + int64(cap(tr.nodes))*nodeBytes
					if tr.group != nil {
						least += groupBytes
					}
					require.GreaterOrEqual(t, tr.bytes, least)
				}
			}
			require.Equal(t, bytes, shards, "seed %d", seed)
			require.Equal(t, bytes, w.st.Bytes, "seed %d", seed)
			require.Equal(t, traces, w.st.Traces, "seed %d", seed)
		}
	}
}

// An item that waits may see its trace evicted and come again.
func TestAskForATraceThatCameAgain(t *testing.T) {
	l := roomy()
	l.MaxTraces = 1
	w := newWorld(l)
	ref := w.span(1, 1, 0, "", 0)
	w.span(2, 1, 0, "", 0)
	w.keyed(1, 2, "r")
	var a Answer
	w.Ask(ref, SpanID{}, &a)
	assert.Equal(t, "r", a.TraceIDs[0])
}

// A span may be sent twice, with more in it or with something else: what comes
// out is the same in either order.
func TestSpanSentTwice(t *testing.T) {
	type version struct {
		parent int
		layer  uint8
	}
	for _, c := range []struct {
		name   string
		a, b   version
		agent  string
		parent uint8
	}{
		{"the second has a parent", version{0, 4}, version{1, 4}, "A", 4},
		{"two parents", version{1, 4}, version{2, 4}, "", 4},
		{"the second has a layer", version{1, 0}, version{1, 4}, "A", 4},
		{"two layers", version{1, 3}, version{1, 4}, "A", 0},
	} {
		for _, order := range [][2]version{{c.a, c.b}, {c.b, c.a}} {
			w := newWorld(roomy())
			w.span(1, 1, 0, "A", 2)
			w.span(1, 2, 1, "B", 2)
			for _, v := range order {
				it := &Item{Trace: traceID(1), Span: spanID(3), Layer: v.layer}
				if v.parent != 0 {
					it.Parent = spanID(v.parent)
				}
				w.Learn(w.now, it, Ref{}, &w.st)
			}
			a := w.ask(1, 3)
			assert.Equal(t, c.agent, a.Subtree[0], c.name)
			assert.Equal(t, c.parent, a.ParentLayer, c.name)
		}
	}
}

func TestRequestAdoptsSpansWithoutParent(t *testing.T) {
	w := &world{Cache: New(roomy(), Options{TraceWide: 1, Subtree: 1, Adopt: true}), now: t0}
	request := func(span, parent int, agent string) {
		it := &Item{Trace: traceID(1), Span: spanID(span), Layer: 2, Root: NamedRoot, Subtree: [MaxSubtree]string{agent}}
		if parent != 0 {
			it.Parent = spanID(parent)
		}
		w.Learn(w.now, it, Ref{}, &w.st)
	}
	w.span(1, 2, 0, "", 0)
	w.span(1, 3, 2, "", 0)
	request(4, 2, "below") // has a parent: to adopt its own ancestor would make a ring
	assert.Equal(t, Answer{Parent: true, RootLayer: 2}, w.ask(1, 3))
	request(1, 0, "A")
	want := Answer{Parent: true, ParentLayer: 2, RootLayer: 2, Request: spanID(1), Subtree: [MaxSubtree]string{"A"}}
	assert.Equal(t, want, w.ask(1, 3), "over its parent, which has none, to the request")
	assert.Equal(t, want, w.ask(1, 1), "the request itself")
	request(5, 0, "B")
	assert.Equal(t, Answer{Parent: true, RootLayer: 2}, w.ask(1, 3), "two requests: neither")

	// The request comes again, and has a parent after all: to adopt it would make a ring.
	for _, order := range [][2]int{{2, 0}, {0, 2}} {
		w = &world{Cache: New(roomy(), Options{TraceWide: 1, Subtree: 1, Adopt: true}), now: t0}
		w.span(1, 2, 0, "", 0)
		request(1, order[0], "")
		request(1, order[1], "")
		assert.Equal(t, SpanID{}, w.ask(1, 0).Request)
	}
}
