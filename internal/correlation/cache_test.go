package correlation

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var t0 = time.Unix(1_700_000_000, 0)

func roomy() Limits {
	return Limits{MaxTraces: 1000, TTL: time.Minute, MaxSpansPerTrace: 100, MaxBytes: 1 << 30}
}

func traceID(n int) TraceID { return TraceID{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)} }

func spanID(n int) SpanID {
	return SpanID{0: 1, 5: byte(n >> 16), 6: byte(n >> 8), 7: byte(n)}
}

type world struct {
	*Cache
	st  Stats
	now time.Time
}

func newWorld(l Limits) *world {
	return &world{Cache: New(l, Options{TraceWide: 2, Subtree: 2}), now: t0}
}

func (w *world) span(trace, id, parent int, agent string, layer uint8) Ref {
	it := &Item{Trace: traceID(trace), Span: spanID(id), Layer: layer, Subtree: [MaxSubtree]string{agent}}
	if parent != 0 {
		it.Parent = spanID(parent)
	} else {
		it.Root = Parentless
	}
	return w.Learn(w.now, it, Ref{}, &w.st)
}

func (w *world) request(trace int, id string) Ref {
	return w.LearnTraceIDs(w.now, &Item{Trace: traceID(trace), TraceIDs: [MaxTraceWide]string{id}}, Ref{}, &w.st)
}

func (w *world) ask(trace, from int) (a Answer) {
	w.Ask(w.Find(w.now, traceID(trace), Ref{}, &w.st), spanID(from), &a)
	return a
}

func TestNearestAncestorAnswers(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 0, "", 3)
	w.span(1, 2, 1, "A", 0)
	w.span(1, 3, 2, "", 4)
	w.span(1, 4, 1, "B", 0)
	w.span(1, 5, 99, "", 0) // its parent has not been seen
	for from, want := range map[int]string{1: "", 2: "A", 3: "A", 4: "B", 5: "", 77: ""} {
		assert.Equal(t, want, w.ask(1, from).Subtree[0], "below span %d", from)
	}
	for from, want := range map[int]uint8{1: 3, 2: 3, 3: 4, 4: 3, 5: 0} {
		assert.Equal(t, want, w.ask(1, from).ParentLayer, "below span %d", from)
	}
	w.span(1, 99, 4, "", 0)
	assert.Equal(t, "B", w.ask(1, 5).Subtree[0], "once the missing span is there")
}

func TestTraceIDConflict(t *testing.T) {
	w := newWorld(roomy())
	w.request(1, "r1")
	w.request(1, "r1")
	assert.Equal(t, "r1", w.ask(1, 0).TraceIDs[0])
	w.request(1, "r2")
	w.request(1, "r3")
	w.request(1, "r1")
	assert.Empty(t, w.ask(1, 0).TraceIDs[0], "neither")
	assert.EqualValues(t, 1, w.st.Conflicts, "once for a trace")
}

func TestSpanSentTwiceWithOtherAgent(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 0, "A", 0)
	w.span(1, 2, 1, "", 0)
	w.span(1, 2, 1, "B", 0)
	assert.Equal(t, "B", w.ask(1, 2).Subtree[0], "the second told more")
	w.span(1, 2, 1, "C", 0)
	assert.Empty(t, w.ask(1, 2).Subtree[0], "B or C: neither, and A stands behind them")
	assert.EqualValues(t, 1, w.st.Conflicts)
}

func TestRootLayer(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 0, "", 3)
	assert.EqualValues(t, 3, w.ask(1, 0).RootLayer)
	w.span(1, 2, 0, "", 4)
	assert.Zero(t, w.ask(1, 0).RootLayer, "two spans without parent disagree")
	w.Learn(w.now, &Item{Trace: traceID(1), Span: spanID(3), Layer: 5, Root: NamedRoot}, Ref{}, &w.st)
	w.span(1, 4, 0, "", 3)
	assert.EqualValues(t, 5, w.ask(1, 0).RootLayer, "the request itself is the better root")
}

func TestRingsEnd(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 2, "", 0)
	w.span(1, 2, 3, "", 0)
	w.span(1, 3, 1, "", 0)
	w.span(1, 4, 4, "X", 0)
	w.span(1, 5, 5, "", 0)
	assert.Empty(t, w.ask(1, 1).Subtree[0])
	assert.Empty(t, w.ask(1, 5).Subtree[0])
}

func TestZeroIDsAreNobodys(t *testing.T) {
	w := newWorld(roomy())
	assert.False(t, w.Learn(w.now, &Item{Span: spanID(1), TraceIDs: [8]string{"r"}}, Ref{}, &w.st).Found())
	assert.False(t, w.Find(w.now, TraceID{}, Ref{}, &w.st).Found())
	w.Learn(w.now, &Item{Trace: traceID(1), TraceIDs: [8]string{"r"}, Subtree: [4]string{"A"}}, Ref{}, &w.st)
	var a Answer
	w.Ask(w.Find(w.now, traceID(1), Ref{}, &w.st), SpanID{}, &a)
	assert.Equal(t, Answer{TraceIDs: [8]string{"r"}}, a)
	w.Ask(Ref{}, spanID(1), &a)
	assert.Equal(t, Answer{}, a)
}

func TestLeastRecentlyUsedTraceGoes(t *testing.T) {
	l := roomy()
	l.MaxTraces = 3
	w := newWorld(l)
	for i := 1; i <= 3; i++ {
		w.request(i, fmt.Sprint("r", i))
	}
	w.ask(1, 0)
	w.request(4, "r4")
	assert.Empty(t, w.ask(2, 0).TraceIDs[0])
	for _, i := range []int{1, 3, 4} {
		assert.Equal(t, fmt.Sprint("r", i), w.ask(i, 0).TraceIDs[0])
	}
	assert.EqualValues(t, 1, w.st.Evicted)
	assert.EqualValues(t, 3, w.st.Traces)
}

func TestOldTracesAreForgotten(t *testing.T) {
	w := newWorld(roomy())
	w.request(1, "r1")
	w.now = t0.Add(time.Minute)
	assert.Equal(t, "r1", w.ask(1, 0).TraceIDs[0])
	w.now = t0.Add(2*time.Minute + 1)
	assert.Empty(t, w.ask(1, 0).TraceIDs[0])
	assert.EqualValues(t, 1, w.st.Expired)
	assert.Zero(t, w.st.Traces)
	assert.Zero(t, w.st.Bytes)
}

// Nobody asks for most traces again: their memory must come back all the same.
func TestOldTracesMakeRoom(t *testing.T) {
	w := newWorld(roomy())
	for i := 1; i <= 40; i++ {
		w.request(i, "r")
	}
	w.now = t0.Add(2 * time.Minute)
	for i := 101; i <= 150; i++ {
		w.request(i, "r")
	}
	assert.EqualValues(t, 40, w.st.Expired)
	assert.EqualValues(t, 50, w.st.Traces)
	assert.Zero(t, w.st.Evicted)
}

// Somebody whose id cannot be read is not the one above.
func TestUnclearIDs(t *testing.T) {
	w := newWorld(roomy())
	w.span(1, 1, 0, "A", 0)
	w.Learn(w.now, &Item{Trace: traceID(1), Span: spanID(2), Parent: spanID(1), UnclearSubtree: 1}, Ref{}, &w.st)
	w.span(1, 3, 2, "", 0)
	w.span(1, 4, 1, "", 0)
	for from, want := range map[int]string{1: "A", 2: "", 3: "", 4: "A"} {
		assert.Equal(t, want, w.ask(1, from).Subtree[0], "below span %d", from)
	}
	w.request(1, "r1")
	w.LearnTraceIDs(w.now, &Item{Trace: traceID(1), UnclearWide: 1}, Ref{}, &w.st)
	w.LearnTraceIDs(w.now, &Item{Trace: traceID(1), UnclearWide: 1}, Ref{}, &w.st)
	assert.Empty(t, w.ask(1, 0).TraceIDs[0])
	assert.EqualValues(t, 2, w.st.Conflicts, "one of the span, one of the trace")
}

// More ids than a trace can number: those left out are nobody's, not the root's.
func TestMoreIDsThanATraceCanHold(t *testing.T) {
	l := roomy()
	l.MaxSpansPerTrace = maxValues
	w := newWorld(l)
	w.span(1, 1, 0, "root", 0)
	const spans = maxValues/2 + 10
	for i := 2; i <= spans; i++ {
		it := &Item{Trace: traceID(1), Span: spanID(i), Parent: spanID(1), Subtree: [MaxSubtree]string{fmt.Sprint("a", i), fmt.Sprint("b", i)}}
		w.Learn(w.now, it, Ref{}, &w.st)
	}
	a := w.ask(1, spans)
	assert.Contains(t, []string{"", fmt.Sprint("a", spans)}, a.Subtree[0])
	assert.Contains(t, []string{"", fmt.Sprint("b", spans)}, a.Subtree[1])
}

func TestFullTraceStillAnswers(t *testing.T) {
	l := roomy()
	l.MaxSpansPerTrace = 50
	w := newWorld(l)
	w.span(1, 1, 0, "A", 0)
	for i := 2; i <= 60; i++ {
		w.span(1, i, i-1, "", 0)
	}
	assert.Equal(t, "A", w.ask(1, 50).Subtree[0])
	assert.Empty(t, w.ask(1, 55).Subtree[0], "not remembered, so not guessed")
	assert.EqualValues(t, 10, w.st.SpansDropped)
}

func TestByteBudget(t *testing.T) {
	l := roomy()
	l.MaxBytes = 20_000
	w := newWorld(l)
	for i := 1; i <= 100; i++ {
		w.request(i, strings.Repeat("x", 1000)+fmt.Sprint(i))
		assert.LessOrEqual(t, w.st.Bytes, int64(20_000))
	}
	assert.Positive(t, w.st.Evicted)
	assert.Greater(t, w.st.Traces, int64(5))
	assert.NotEmpty(t, w.ask(100, 0).TraceIDs[0])
}

func TestRefOutlivesItsTrace(t *testing.T) {
	l := roomy()
	l.MaxTraces = 1
	w := newWorld(l)
	ref := w.span(1, 1, 0, "A", 0)
	w.span(2, 1, 0, "B", 0)
	var a Answer
	w.Ask(ref, spanID(1), &a)
	assert.Equal(t, "A", a.Subtree[0], "what was found stays answerable")
	// An item that comes with a Ref to an evicted trace starts it anew.
	near := w.Learn(w.now, &Item{Trace: traceID(1), Span: spanID(2), Parent: spanID(1)}, ref, &w.st)
	assert.NotEqual(t, ref, near)
	assert.EqualValues(t, 1, w.st.Traces)
}

// The cache's own count must be near the truth, or max_bytes means nothing.
func TestCountedBytesAreNearTheHeap(t *testing.T) {
	l := roomy()
	l.MaxTraces, l.MaxSpansPerTrace = 100_000, 2000
	for _, spans := range []int{1, 10, 100, 1000} {
		for _, keyed := range []bool{false, true} {
			traces := 100_000 / (spans + 5)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			w := newWorld(l)
			for tr := 1; tr <= traces; tr++ {
				for i := 1; i <= spans; i++ {
					it := &Item{Trace: traceID(tr), Span: spanID(i), Parent: spanID(i / 2), Subtree: [4]string{fmt.Sprintf("agent-%d", i/10)}}
					it.TraceIDs[0] = "0af7651916cd43dd8448eb211c80319c"
					if keyed {
						it.Keys[0] = TraceID{0: 3, 13: byte(tr >> 16), 14: byte(tr >> 8), 15: byte(tr)}
					}
					w.Learn(w.now, it, Ref{}, &w.st)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			ratio := float64(after.HeapAlloc-before.HeapAlloc) / float64(w.st.Bytes)
			t.Logf("%d spans, a key %v: %d bytes a trace counted, %.2f times that on the heap", spans, keyed, w.st.Bytes/int64(traces), ratio)
			assert.InDelta(t, 1, ratio, 0.6, "%d spans", spans)
			runtime.KeepAlive(w)
		}
	}
}

func TestManyTracesStayBounded(t *testing.T) {
	l := Limits{MaxTraces: 5000, TTL: time.Minute, MaxSpansPerTrace: 10, MaxBytes: 1 << 30}
	w := newWorld(l)
	for i := range 200_000 {
		w.span(i, 1, 0, "A", 1)
	}
	assert.LessOrEqual(t, w.st.Traces, int64(5000))
	assert.Greater(t, w.st.Traces, int64(4500), "the shards fill evenly")
	assert.EqualValues(t, 200_000, w.st.Traces+w.st.Evicted)
}

func TestConcurrentUse(t *testing.T) {
	c := New(Limits{MaxTraces: 64, TTL: time.Minute, MaxSpansPerTrace: 20, MaxBytes: 1 << 20}, Options{TraceWide: 2, Subtree: 2})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total Stats
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			var st Stats
			var near Ref
			for range 5000 {
				tr := r.IntN(100)
				near = c.Learn(t0, &Item{Trace: traceID(tr), Span: spanID(1 + r.IntN(30)), Parent: spanID(1), Subtree: [4]string{fmt.Sprint("of-", tr)}}, near, &st)
				var a Answer
				c.Ask(near, spanID(1+r.IntN(30)), &a)
				if got := a.Subtree[0]; got != "" && got != fmt.Sprint("of-", tr) {
					t.Errorf("trace %d answered %s", tr, got)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.Traces += st.Traces
			total.Bytes += st.Bytes
		})
	}
	wg.Wait()
	held, bytes := 0, int64(0)
	for i := range c.shards {
		held += len(c.shards[i].traces)
		for _, tr := range c.shards[i].traces {
			bytes += tr.bytes
		}
	}
	assert.EqualValues(t, held, total.Traces, "what the callers counted is what is there")
	assert.Equal(t, bytes, total.Bytes)
}
