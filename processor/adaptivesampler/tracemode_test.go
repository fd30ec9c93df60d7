package adaptivesampler

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadatatest"
)

const (
	lookup   = "foundation.process_registry.lookup" // 0.1
	dispatch = "foundation_jido.signal.dispatch"    // 0.2
	request  = "foundation_os.request"              // critical
)

// traceConfig is mode trace without load, and with a rate for requests: 0.25, and
// 0.375 as they are critical.
func traceConfig(change func(*Config)) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Load.Sources = nil
	cfg.Rates = map[string]float64{request: 0.25}
	cfg.SamplingPrecision = 14
	if change != nil {
		change(cfg)
	}
	return cfg
}

// spanOf describes one span of a trace.
type spanOf struct {
	id, parent byte
	name       string
	change     func(ptrace.Span)
}

// idWith is a trace id with a randomness of r, of 56 bits, as a share.
func idWith(r float64, n int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], uint64(r*(1<<56)))
	binary.BigEndian.PutUint64(id[:8], uint64(n)+1)
	return id
}

func tracesOf(id pcommon.TraceID, spans ...spanOf) ptrace.Traces {
	td := ptrace.NewTraces()
	to := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for _, of := range spans {
		s := to.AppendEmpty()
		s.SetTraceID(id)
		s.SetSpanID(pcommon.SpanID{of.id})
		if of.parent != 0 {
			s.SetParentSpanID(pcommon.SpanID{of.parent})
		}
		s.SetName(of.name)
		if of.change != nil {
			of.change(s)
		}
	}
	return td
}

func failed(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }

func (h *harness) send(td ptrace.Traces) {
	h.t.Helper()
	require.NoError(h.t, h.traces.ConsumeTraces(h.t.Context(), td))
}

// out are the spans that came out so far: "trace's randomness span" -> tracestate.
func (h *harness) out() map[string]string {
	got := map[string]string{}
	for _, td := range h.spansOut.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					id := s.TraceID()
					key := fmt.Sprintf("%x %d", id, s.SpanID()[0])
					if _, twice := got[key]; twice {
						h.t.Errorf("%s came out twice", key)
					}
					got[key] = s.TraceState().AsRaw()
				}
			}
		}
	}
	return got
}

// points are the values of a metric by the values of its attributes.
func (h *harness) points(metric string) map[string]int64 {
	h.t.Helper()
	m, err := h.telemetry.GetMetric("otelcol_adaptive_sampler_" + metric)
	require.NoError(h.t, err)
	out := map[string]int64{}
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		key := ""
		for _, kv := range dp.Attributes.ToSlice() {
			if kv.Key != "signal" {
				key += " " + kv.Value.AsString()
			}
		}
		out[key[1:]] = dp.Value
	}
	return out
}

func inBubble(t *testing.T, cfg *Config, f func(t *testing.T, h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, cfg)
		f(t, h)
		h.stop()
	})
}

// What gives a trace its rate, and what raises it: one line a case. A trace with
// the randomness just at the probability is kept, one just below is not.
func TestTraceProbability(t *testing.T) {
	root := func(name string) spanOf { return spanOf{1, 0, name, nil} }
	retried := func(s ptrace.Span) { s.Attributes().PutInt("retry_attempt", 1) }
	for name, tt := range map[string]struct {
		p      float64
		change func(*Config)
		spans  []spanOf
	}{
		"the root's name":               {0.1, nil, []spanOf{root(lookup), {2, 1, "dspex.optimization.iteration", nil}}},
		"not its children's":            {0.2, nil, []spanOf{root(dispatch), {2, 1, lookup, nil}, {3, 1, "x", nil}}},
		"an error anywhere":             {0.2, nil, []spanOf{root(lookup), {2, 1, "x", failed}}},
		"a retry anywhere":              {0.2, nil, []spanOf{root(lookup), {2, 1, "x", retried}}},
		"an error and a retry":          {0.2, nil, []spanOf{root(lookup), {2, 1, "x", failed}, {3, 1, "x", retried}}},
		"critical by itself":            {0.375, nil, []spanOf{root(request)}},
		"critical by a child":           {0.15, nil, []spanOf{root(lookup), {2, 1, "foundation_jido.coordination.x", nil}}},
		"critical and an error":         {0.75, nil, []spanOf{root(request), {2, 1, "x", failed}}},
		"the error floor":               {0.9, func(c *Config) { c.Boosts.ErrorFloor = 0.9 }, []spanOf{root(lookup), {2, 1, "x", failed}}},
		"several roots: the highest":    {0.2, nil, []spanOf{root(lookup), {2, 0, dispatch, nil}}},
		"no root: the entry":            {0.2, nil, []spanOf{{1, 9, dispatch, nil}, {2, 1, "x", nil}}},
		"no root, two entries":          {0.2, nil, []spanOf{{1, 9, dispatch, nil}, {2, 8, lookup, nil}, {3, 1, "x", nil}}},
		"a ring: all":                   {0.2, nil, []spanOf{{1, 2, dispatch, nil}, {2, 1, lookup, nil}}},
		"max_name: the highest of all":  {0.2, func(c *Config) { c.Scope = scopeMaxName }, []spanOf{root(lookup), {2, 1, dispatch, nil}}},
		"the attribute before the name": {0.1, nil, []spanOf{{1, 0, "x", func(s ptrace.Span) { s.Attributes().PutStr("foundation_os.event.name", lookup) }}}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, traceConfig(tt.change), func(t *testing.T, h *harness) {
				below, at := idWith(1-tt.p-1e-9, 1), idWith(1-tt.p+1e-9, 2)
				h.send(tracesOf(below, tt.spans...))
				h.send(tracesOf(at, tt.spans...))
				time.Sleep(31 * time.Second)
				got := h.out()
				assert.Len(t, got, len(tt.spans))
				for _, s := range tt.spans {
					state, ok := got[fmt.Sprintf("%x %d", at, s.id)]
					assert.True(t, ok)
					assert.Contains(t, state, "ot=th:")
				}
			})
		})
	}
}

func TestWhenATraceIsDecided(t *testing.T) {
	cfg := traceConfig(func(c *Config) { c.Trace.SpanLimit = 4 })
	inBubble(t, cfg, func(t *testing.T, h *harness) {
		kept := func(n int) pcommon.TraceID { return idWith(0.95, n) }
		h.send(tracesOf(kept(1), spanOf{2, 1, "x", nil}))
		time.Sleep(10 * time.Second)
		h.send(tracesOf(kept(1), spanOf{1, 0, lookup, nil}))
		time.Sleep(2*time.Second - time.Millisecond)
		assert.Empty(t, h.out(), "spans may come after their root")
		time.Sleep(releaseEvery)
		assert.Len(t, h.out(), 2, "decision_delay after its root")

		h.spansOut.Reset()
		h.send(tracesOf(kept(2), spanOf{2, 1, lookup, nil}))
		time.Sleep(30*time.Second - time.Millisecond)
		assert.Empty(t, h.out())
		time.Sleep(2 * releaseEvery)
		assert.Len(t, h.out(), 1, "without a root after its timeout")

		h.spansOut.Reset()
		h.send(tracesOf(kept(3), spanOf{2, 1, lookup, nil}, spanOf{3, 1, lookup, nil}, spanOf{4, 1, lookup, nil}))
		assert.Empty(t, h.out())
		h.send(tracesOf(kept(3), spanOf{5, 1, lookup, nil}, spanOf{6, 1, lookup, nil}))
		assert.Len(t, h.out(), 5, "at once when it has as many spans as it may, and what comes then follows")

		h.spansOut.Reset()
		h.send(tracesOf(idWith(0, 4), spanOf{2, 1, "x", nil}, spanOf{1, 0, "of no rate", nil}, spanOf{3, 1, "x", nil}))
		assert.Len(t, h.out(), 3, "at once when it is kept whatever comes")

		h.spansOut.Reset()
		h.send(tracesOf(kept(5), spanOf{1, 0, lookup, nil}))
		h.stop()
		assert.Len(t, h.out(), 1, "at the end")
		assert.Equal(t, map[string]int64{"kept root": 1, "kept timeout": 1, "kept span_limit": 1, "kept certain": 1, "kept shutdown": 1}, h.points("traces"))
		assert.Equal(t, map[string]int64{"kept sampled": 10, "kept late": 2}, h.points("items"), "the one over the limit, and the last of the certain one, are late")
	})
}

// A trace that cannot be kept, whatever comes, does not wait.
func TestHopelessTracesDoNotWait(t *testing.T) {
	cfg := traceConfig(func(c *Config) { c.DefaultRate, c.Preset, c.Rates = 0.1, presetNone, nil })
	inBubble(t, cfg, func(t *testing.T, h *harness) {
		h.send(tracesOf(idWith(0.7999, 1), spanOf{2, 1, "x", nil}))
		assert.Equal(t, map[string]int64{"dropped sampled_out": 1}, h.points("items"), "0.2 is the most that an error has")
		h.send(tracesOf(idWith(0.8001, 2), spanOf{2, 1, "x", nil}))
		h.send(tracesOf(idWith(0.8001, 2), spanOf{1, 0, "x", failed}))
		time.Sleep(3 * time.Second)
		assert.Len(t, h.out(), 2)
	})
}

func TestLateSpans(t *testing.T) {
	inBubble(t, traceConfig(nil), func(t *testing.T, h *harness) {
		kept, gone := idWith(0.95, 1), idWith(0.5, 2)
		h.send(tracesOf(kept, spanOf{1, 0, lookup, nil}))
		h.send(tracesOf(gone, spanOf{1, 0, lookup, nil}))
		time.Sleep(5 * time.Second)
		require.Len(t, h.out(), 1)
		h.send(tracesOf(kept, spanOf{2, 1, "x", nil}))
		h.send(tracesOf(gone, spanOf{2, 1, "x", failed}))
		got := h.out()
		require.Len(t, got, 2, "at once, and as was decided")
		assert.Equal(t, got[fmt.Sprintf("%x 1", kept)], got[fmt.Sprintf("%x 2", kept)], "at the threshold of their trace")
		assert.Equal(t, map[string]int64{"kept sampled": 1, "kept late": 1, "dropped sampled_out": 1, "dropped late": 1}, h.points("items"))
	})
}

// The load is read when a trace is decided, once, whenever its spans came.
func TestLoadIsReadAtTheDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		load := &movingLoad{}
		cfg := traceConfig(func(c *Config) { c.Load = createDefaultConfig().(*Config).Load })
		h := newHarness(t, cfg, load.signal())
		id := idWith(0.92, 1) // kept at 0.1, dropped at 0.05
		h.send(tracesOf(id, spanOf{2, 1, "x", nil}))
		load.set(1, nil)
		time.Sleep(20 * time.Second)
		h.send(tracesOf(id, spanOf{1, 0, lookup, nil}))
		time.Sleep(3 * time.Second)
		assert.Empty(t, h.out())
		assert.Equal(t, map[string]int64{"dropped load": 2}, h.points("items"))
		h.stop()
	})
}

func TestIncomingSamplingInformation(t *testing.T) {
	state := func(raw string) func(ptrace.Span) { return func(s ptrace.Span) { s.TraceState().FromRaw(raw) } }
	inBubble(t, traceConfig(nil), func(t *testing.T, h *harness) {
		th := idWith(0.95, 1)
		h.send(tracesOf(th,
			spanOf{1, 0, lookup, state("ot=th:f")},         // stands for 16 already
			spanOf{2, 1, "x", state("ot=th:8,other=1")},    // for 2: raised to 10
			spanOf{3, 1, "x", state("ot=th:ffffffffffff")}, // cannot be true
			spanOf{4, 1, "x", state("ot=;;;th")},           // cannot be read
		))
		rv := idWith(0, 2)
		h.send(tracesOf(rv, spanOf{1, 0, lookup, state("ot=rv:ffffffffffffff")}, spanOf{2, 1, "x", state("ot=rv:ffffffffffffff")}))
		time.Sleep(3 * time.Second)
		got := h.out()
		assert.Equal(t, "ot=th:f", got[fmt.Sprintf("%x 1", th)])
		assert.Equal(t, "ot=th:e6666666666666,other=1", got[fmt.Sprintf("%x 2", th)])
		assert.Equal(t, "ot=th:e6666666666666", got[fmt.Sprintf("%x 3", th)])
		assert.Equal(t, "ot=;;;th", got[fmt.Sprintf("%x 4", th)])
		assert.Equal(t, "ot=rv:ffffffffffffff;th:e6666666666666", got[fmt.Sprintf("%x 1", rv)], "rv decides, not the id")
		assert.Equal(t, "ot=rv:ffffffffffffff;th:e6666666666666", got[fmt.Sprintf("%x 2", rv)])
		assert.Len(t, got, 6)
		m, err := h.telemetry.GetMetric("otelcol_adaptive_sampler_inconsistent_thresholds")
		require.NoError(t, err)
		assert.EqualValues(t, 1, m.Data.(metricdata.Sum[int64]).DataPoints[0].Value)

		// Without a trace id there is nothing to wait for.
		h.spansOut.Reset()
		h.send(tracesOf(pcommon.TraceID{}, spanOf{1, 0, lookup, nil}))
		assert.Len(t, h.out(), 1)
	})
	inBubble(t, traceConfig(func(c *Config) { c.FailClosed = true }), func(t *testing.T, h *harness) {
		h.send(tracesOf(idWith(0.95, 1), spanOf{1, 0, lookup, nil}, spanOf{4, 1, "x", state("ot=;;;th")}))
		h.send(tracesOf(pcommon.TraceID{}, spanOf{1, 0, lookup, nil}))
		time.Sleep(3 * time.Second)
		assert.Len(t, h.out(), 1)
		assert.Equal(t, map[string]int64{"kept sampled": 1, "dropped malformed": 1, "dropped no_randomness": 1}, h.points("items"))
	})
}

// Over max_bytes the oldest traces are decided, as they are, and not lost.
func TestFullBuffer(t *testing.T) {
	cfg := traceConfig(func(c *Config) { c.Trace.MaxBytes = 100_000 })
	inBubble(t, cfg, func(t *testing.T, h *harness) {
		const traces = 4000
		for n := range traces {
			h.send(tracesOf(idWith(float64(n)/traces, n), spanOf{1, 0, lookup, nil}, spanOf{2, 1, "x", nil}))
			require.LessOrEqual(t, h.traces.(*traceMode).buffer.Bytes(), int64(100_000))
		}
		assert.Greater(t, h.points("traces")["dropped max_bytes"], int64(3000))
		time.Sleep(3 * time.Second)
		assert.Len(t, h.out(), traces/10*2, "each as it would have been")
		assert.Zero(t, h.traces.(*traceMode).buffer.Bytes())
	})
}

// What the next component refuses goes back to its sender as long as nothing of
// the call waits: sent again, that would come twice. Else it is lost and counted.
func TestNextRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		p, err := newTraces(t.Context(), metadatatest.NewSettings(tel), traceConfig(nil), monitorOf(traceConfig(nil)), consumertest.NewErr(errors.New("no")))
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeTraces(t.Context(), tracesOf(idWith(0.95, 1), spanOf{1, 0, lookup, nil})))
		time.Sleep(3 * time.Second)
		require.NoError(t, p.ConsumeTraces(t.Context(), tracesOf(idWith(0, 2), spanOf{2, 1, "x", nil}, spanOf{3, 1, "x", nil})))
		require.NoError(t, p.ConsumeTraces(t.Context(), tracesOf(idWith(0, 2), spanOf{1, 0, "of no rate", nil})), "two of the three had waited")
		assert.ErrorContains(t, p.ConsumeTraces(t.Context(), tracesOf(idWith(0, 2), spanOf{4, 1, "x", nil})), "no", "late: nothing waits")
		both := tracesOf(idWith(0, 3), spanOf{1, 0, "of no rate", nil})
		tracesOf(idWith(0.95, 4), spanOf{1, 0, lookup, nil}).ResourceSpans().MoveAndAppendTo(both.ResourceSpans())
		require.NoError(t, p.ConsumeTraces(t.Context(), both), "one waits")
		require.NoError(t, p.Shutdown(t.Context()))
		m, err := tel.GetMetric("otelcol_adaptive_sampler_refused_spans")
		require.NoError(t, err)
		assert.EqualValues(t, 1+3+1+1, m.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
		require.NoError(t, tel.Shutdown(context.Background()))
	})
}

// Resources, scopes and their schemas come out as they came in, once for the spans
// of one batch.
func TestOriginsAreKept(t *testing.T) {
	inBubble(t, traceConfig(nil), func(t *testing.T, h *harness) {
		td := ptrace.NewTraces()
		for _, service := range []string{"a", "b"} {
			rs := td.ResourceSpans().AppendEmpty()
			rs.SetSchemaUrl("resource of " + service)
			rs.Resource().Attributes().PutStr("service.name", service)
			for _, scope := range []string{"x", "y"} {
				ss := rs.ScopeSpans().AppendEmpty()
				ss.Scope().SetName(scope)
				ss.SetSchemaUrl("scope " + scope)
				for n := range 3 {
					tracesOf(idWith(0.95, n), spanOf{service[0] + scope[0], 0, lookup, nil}).ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).CopyTo(ss.Spans().AppendEmpty())
				}
			}
		}
		want := ptrace.NewTraces()
		td.CopyTo(want)
		h.send(td)
		time.Sleep(3 * time.Second)
		require.Len(t, h.spansOut.AllTraces(), 1)
		got := h.spansOut.AllTraces()[0]
		require.Equal(t, 2, got.ResourceSpans().Len())
		services := map[string]ptrace.ResourceSpans{}
		for _, rs := range got.ResourceSpans().All() {
			service, _ := rs.Resource().Attributes().Get("service.name")
			services[service.Str()] = rs
		}
		for _, service := range []string{"a", "b"} {
			rs := services[service]
			assert.Equal(t, "resource of "+service, rs.SchemaUrl())
			require.Equal(t, 2, rs.ScopeSpans().Len())
			for _, ss := range rs.ScopeSpans().All() {
				assert.Equal(t, "scope "+ss.Scope().Name(), ss.SchemaUrl())
				assert.Equal(t, 3, ss.Spans().Len())
			}
		}
	})
}

// A receiver gives its memory back to a pool as soon as the call is over.
func TestBufferedMemoryIsNotReused(t *testing.T) {
	was := pref.UseProtoPooling.IsEnabled()
	require.NoError(t, featuregate.GlobalRegistry().Set(pref.UseProtoPooling.ID(), true))
	defer func() { require.NoError(t, featuregate.GlobalRegistry().Set(pref.UseProtoPooling.ID(), was)) }()
	inBubble(t, traceConfig(nil), func(t *testing.T, h *harness) {
		const traces = 200
		for n := range traces {
			wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(tracesOf(idWith(0.95, n), spanOf{1, 0, lookup, func(s ptrace.Span) {
				s.Attributes().PutInt("n", int64(n))
			}}))
			require.NoError(t, err)
			td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
			require.NoError(t, err)
			pref.MarkPipelineOwnedTraces(td)
			h.send(td)
			pref.UnrefTraces(td)
		}
		time.Sleep(3 * time.Second)
		seen := map[int64]bool{}
		for _, td := range h.spansOut.AllTraces() {
			for _, rs := range td.ResourceSpans().All() {
				for _, s := range rs.ScopeSpans().At(0).Spans().All() {
					n, ok := s.Attributes().Get("n")
					require.True(t, ok)
					id := s.TraceID()
					assert.EqualValues(t, binary.BigEndian.Uint64(id[:8])-1, n.Int())
					seen[n.Int()] = true
				}
			}
		}
		assert.Len(t, seen, traces)
	})
}

// The buffer's own count must be near the truth, or max_bytes means nothing.
func TestCountedBytesAreNearTheHeap(t *testing.T) {
	for _, attributes := range []int{0, 10, 40} {
		h := newHarness(t, traceConfig(nil))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for n := range 100 {
			td := ptrace.NewTraces()
			for i := range 100 {
				one := tracesOf(idWith(0.95, 10*n+i/10), spanOf{byte(i), 200, "dspex.program.execution", func(s ptrace.Span) {
					for a := range attributes {
						s.Attributes().PutStr(fmt.Sprint("an.attribute.", a), fmt.Sprint("the value of ", n, " ", i))
					}
				}})
				one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
			}
			wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			require.NoError(t, err)
			td, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
			require.NoError(t, err)
			h.send(td)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		counted := h.traces.(*traceMode).buffer.Bytes()
		ratio := float64(after.HeapAlloc-before.HeapAlloc) / float64(counted)
		t.Logf("%d attributes: %d bytes a span counted, %.2f times that on the heap", attributes, counted/10_000, ratio)
		assert.InDelta(t, 1, ratio, 0.3)
		h.stop()
	}
}

// A span that waits keeps nothing alive but itself, its resource and its scope.
func TestWaitingSpansDoNotKeepTheirBatches(t *testing.T) {
	h := newHarness(t, traceConfig(nil))
	h.traces.(*traceMode).next = consumertest.NewNop()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 200 {
		td := tracesOf(idWith(0, 1000+n), spanOf{1, 0, "of no rate", nil})
		for range 1000 {
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).CopyTo(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty())
		}
		tracesOf(idWith(0.95, n), spanOf{1, 9, lookup, nil}).ResourceSpans().At(0).ScopeSpans().At(0).Spans().MoveAndAppendTo(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans())
		for i := range 30 {
			td.ResourceSpans().At(0).Resource().Attributes().PutStr(fmt.Sprint("a.resource.attribute.", i), fmt.Sprint("its value ", n))
		}
		h.send(td)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	counted := h.traces.(*traceMode).buffer.Bytes()
	assert.InDelta(t, 1, float64(after.HeapAlloc-before.HeapAlloc)/float64(counted), 0.4, "%d bytes counted", counted)
	h.stop()
}

// A next component that hangs must not hang the collector's end.
func TestTraceModeShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, traceConfig(nil))
		hang, err := consumer.NewTraces(func(ctx context.Context, _ ptrace.Traces) error { <-ctx.Done(); return ctx.Err() })
		require.NoError(t, err)
		h.traces.(*traceMode).next = hang
		h.send(tracesOf(idWith(0.95, 1), spanOf{1, 0, lookup, nil}))
		time.Sleep(3 * time.Second) // it hangs
		h.send(tracesOf(idWith(0.95, 2), spanOf{1, 0, lookup, nil}))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		require.NoError(t, h.traces.Shutdown(ctx))
		assert.Equal(t, 5*time.Second, time.Since(begin))
		require.NoError(t, h.logs.Shutdown(ctx))
	})
}

// A batch that is sent on is no larger than exporters like it.
func TestOutputIsBounded(t *testing.T) {
	inBubble(t, traceConfig(nil), func(t *testing.T, h *harness) {
		for n := range 300 {
			var spans []spanOf
			for i := range 100 {
				spans = append(spans, spanOf{byte(i) + 1, 0, lookup, nil})
			}
			h.send(tracesOf(idWith(0.95, n), spans...))
		}
		time.Sleep(3 * time.Second)
		for _, td := range h.spansOut.AllTraces() {
			assert.Less(t, td.SpanCount(), maxOutput+100)
		}
		assert.Equal(t, 30_000, h.spansOut.SpanCount())
	})
}

// Writers, a full buffer and decisions at once: every trace comes out whole or not
// at all.
func TestTraceModeWithEightWriters(t *testing.T) {
	cfg := traceConfig(func(c *Config) {
		c.Trace.DecisionDelay, c.Trace.MaxBytes = 20*time.Millisecond, 200_000
	})
	h := newHarness(t, cfg)
	const traces, spans = 2000, 8
	var wg sync.WaitGroup
	for w := range byte(8) {
		wg.Go(func() {
			for _, n := range rand.New(rand.NewPCG(uint64(w), 1)).Perm(traces) {
				parent := byte(1)
				if w == 0 {
					parent = 0
				}
				h.send(tracesOf(idWith(float64(n)/traces, n), spanOf{w + 1, parent, dispatch, nil}))
			}
		})
	}
	wg.Wait()
	time.Sleep(200 * time.Millisecond)
	h.stop()
	whole := map[string]int{}
	for key := range h.out() {
		whole[key[:32]]++
	}
	for id, n := range whole {
		assert.Equal(t, spans, n, "trace %s", id)
	}
	assert.Len(t, whole, traces/5)
}
