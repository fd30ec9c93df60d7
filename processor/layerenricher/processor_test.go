package layerenricher

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/ptracetest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadatatest"
)

// An agent's collector and a gateway's may both run the processor.
func TestTwiceChangesNothing(t *testing.T) {
	goldentest.Run(t, "testdata/traces", func(t *testing.T, c goldentest.Case) {
		cfg := createDefaultConfig()
		c.Config(t, cfg)
		first, second := newTestEnricher(t, cfg), newTestEnricher(t, cfg)
		for _, batch := range c.Traces(t) {
			_, err := first.traces(t.Context(), batch)
			require.NoError(t, err)
			once := ptrace.NewTraces()
			batch.CopyTo(once)
			_, err = second.traces(t.Context(), batch)
			require.NoError(t, err)
			assert.NoError(t, ptracetest.CompareTraces(once, batch))
		}
	})
	goldentest.Run(t, "testdata/logs", func(t *testing.T, c goldentest.Case) {
		cfg := createDefaultConfig()
		c.Config(t, cfg)
		first, second := newTestEnricher(t, cfg), newTestEnricher(t, cfg)
		for _, batch := range c.Logs(t) {
			_, err := first.logs(t.Context(), batch)
			require.NoError(t, err)
			once := plog.NewLogs()
			batch.CopyTo(once)
			_, err = second.logs(t.Context(), batch)
			require.NoError(t, err)
			assert.NoError(t, plogtest.CompareLogs(once, batch))
		}
	})
	goldentest.Run(t, "testdata/metrics", func(t *testing.T, c goldentest.Case) {
		cfg := createDefaultConfig()
		c.Config(t, cfg)
		e := newTestEnricher(t, cfg)
		for _, batch := range c.Metrics(t) {
			_, err := e.metrics(t.Context(), batch)
			require.NoError(t, err)
			once := pmetric.NewMetrics()
			batch.CopyTo(once)
			_, err = e.metrics(t.Context(), batch)
			require.NoError(t, err)
			assert.NoError(t, pmetrictest.CompareMetrics(once, batch))
		}
	})
}

// randomTrace is a tree of spans, some of which carry agents; parents may come
// after their children, and some values are nil.
type randomTrace struct {
	parent []int // -1: no parent
	agent  []string
	bearer []bool // carries the request's id
}

func newRandomTrace(r *rand.Rand) randomTrace {
	n := 1 + r.IntN(60)
	tr := randomTrace{parent: make([]int, n), agent: make([]string, n), bearer: make([]bool, n)}
	for i := range n {
		tr.parent[i] = -1
		if i > 0 && r.IntN(10) > 0 {
			tr.parent[i] = r.IntN(i)
		}
		switch r.IntN(6) {
		case 0:
			tr.agent[i] = fmt.Sprintf("agent-%d", i)
		case 1:
			tr.agent[i] = []string{"nil", "undefined", ""}[r.IntN(3)]
		}
		tr.bearer[i] = r.IntN(8) == 0
	}
	return tr
}

func (tr randomTrace) own(i int) string {
	if strings.HasPrefix(tr.agent[i], "agent-") {
		return tr.agent[i]
	}
	return ""
}

func (tr randomTrace) inherited(i int) string {
	for at := i; at >= 0; at = tr.parent[at] {
		if own := tr.own(at); own != "" {
			return own
		}
	}
	return ""
}

func spanID(i int) pcommon.SpanID { return pcommon.SpanID{1, byte(i >> 8), byte(i)} }

func (tr randomTrace) add(i int, trace byte, to ptrace.SpanSlice) {
	s := to.AppendEmpty()
	s.SetName("work")
	s.SetTraceID(pcommon.TraceID{1, trace})
	s.SetSpanID(spanID(i))
	if tr.parent[i] >= 0 {
		s.SetParentSpanID(spanID(tr.parent[i]))
	}
	if tr.agent[i] != "" {
		s.Attributes().PutStr("agent_id", tr.agent[i])
	}
	if tr.bearer[i] {
		s.Attributes().PutStr("request_id", fmt.Sprintf("request-%d", trace))
	}
}

func get(attrs pcommon.Map, key string) string {
	if v, ok := attrs.Get(key); ok {
		return v.AsString()
	}
	return ""
}

func TestAnySplitGivesNoWrongIDs(t *testing.T) {
	filled, missed := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		e := newTestEnricher(t, createDefaultConfig())
		traces := []randomTrace{newRandomTrace(r), newRandomTrace(r)}
		type at struct{ trace, span int }
		var order []at
		for k, tr := range traces {
			for i := range tr.parent {
				order = append(order, at{k, i})
			}
		}
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		known := make([]bool, len(traces))
		for len(order) > 0 {
			n := min(1+r.IntN(30), len(order))
			batch := order[:n]
			order = order[n:]
			td := ptrace.NewTraces()
			spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			for _, b := range batch {
				traces[b.trace].add(b.span, byte(b.trace), spans)
				known[b.trace] = known[b.trace] || traces[b.trace].bearer[b.span]
			}
			_, err := e.traces(t.Context(), td)
			require.NoError(t, err)
			for i, b := range batch {
				tr, attrs := traces[b.trace], spans.At(i).Attributes()
				agent := get(attrs, "foundation_os.agent.id")
				if own := tr.own(b.span); own != "" {
					require.Equal(t, own, agent, "seed %d: own value", seed)
				} else if agent != "" {
					filled++
					require.Equal(t, tr.inherited(b.span), agent, "seed %d: of the nearest ancestor", seed)
				} else if tr.inherited(b.span) != "" {
					missed++
				}
				want := ""
				if known[b.trace] {
					want = fmt.Sprintf("request-%d", b.trace)
				}
				require.Equal(t, want, get(attrs, "foundation_os.request.id"), "seed %d", seed)
			}
		}
	}
	assert.Greater(t, filled, 1000, "the test fills something")
	assert.Positive(t, missed, "the test has children before their parents")
}

func TestWholeTraceInOneBatchMissesNothing(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		tr := newRandomTrace(r)
		td := ptrace.NewTraces()
		spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		order := r.Perm(len(tr.parent))
		for _, i := range order {
			tr.add(i, 0, spans)
		}
		_, err := newTestEnricher(t, createDefaultConfig()).traces(t.Context(), td)
		require.NoError(t, err)
		for at, i := range order {
			require.Equal(t, tr.inherited(i), get(spans.At(at).Attributes(), "foundation_os.agent.id"), "seed %d", seed)
		}
	}
}

func TestSignalsOfOneComponentShareTheirTraces(t *testing.T) {
	f := NewFactory()
	cfg := f.CreateDefaultConfig()
	set := processortest.NewNopSettings(metadata.Type)
	tp, err := f.CreateTraces(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	sink := new(consumertest.LogsSink)
	lp, err := f.CreateLogs(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, tp.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, lp.Start(t.Context(), componenttest.NewNopHost()))

	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	tr := randomTrace{parent: []int{-1, 0}, agent: []string{"agent-0", ""}, bearer: []bool{true, false}}
	tr.add(0, 0, spans)
	tr.add(1, 0, spans)
	spans.At(0).SetName("dspex.program.execution")
	require.NoError(t, tp.ConsumeTraces(t.Context(), td))

	ld := plog.NewLogs()
	rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.SetTraceID(pcommon.TraceID{1, 0})
	rec.SetSpanID(spanID(1))
	require.NoError(t, lp.ConsumeLogs(t.Context(), ld))

	mp, err := f.CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	md := pmetric.NewMetrics()
	point := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty()
	for range 2 {
		x := point.Exemplars().AppendEmpty()
		x.SetTraceID(pcommon.TraceID{1, 0})
		x.SetSpanID(spanID(1))
	}
	point.Exemplars().At(1).FilteredAttributes().PutStr("foundation_os.request.id", "its own")
	point.Exemplars().AppendEmpty() // of no trace
	require.NoError(t, mp.ConsumeMetrics(t.Context(), md))
	assert.Equal(t, map[string]any{"foundation_os.request.id": "request-0", "foundation_os.agent.id": "agent-0"}, point.Exemplars().At(0).FilteredAttributes().AsRaw())
	assert.Equal(t, map[string]any{"foundation_os.request.id": "its own", "foundation_os.agent.id": "agent-0"}, point.Exemplars().At(1).FilteredAttributes().AsRaw())
	assert.Zero(t, point.Exemplars().At(2).FilteredAttributes().Len())
	assert.Equal(t, map[string]any{"foundation_os.layer": "unknown"}, point.Attributes().AsRaw(), "ids are no attributes of data points")

	for _, c := range []component.Component{tp, lp, mp} {
		require.NoError(t, c.Shutdown(t.Context()))
		require.NoError(t, c.Shutdown(t.Context()), "a second Shutdown is harmless")
	}
	assert.Equal(t, map[string]any{
		"foundation_os.request.id": "request-0", "foundation_os.agent.id": "agent-0", "gen_ai.agent.id": "agent-0", "foundation_os.layer": "dspex",
	}, sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw())

	// A component that was shut down starts without memory.
	lp, err = f.CreateLogs(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	again := plog.NewLogs()
	rec = again.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.SetTraceID(pcommon.TraceID{1, 0})
	require.NoError(t, lp.ConsumeLogs(t.Context(), again))
	require.NoError(t, lp.Shutdown(t.Context()))
	assert.Equal(t, "unknown", get(rec.Attributes(), "foundation_os.layer"))
	assert.Empty(t, get(rec.Attributes(), "foundation_os.request.id"))
}

func TestEightWriters(t *testing.T) {
	cfg := createDefaultConfig()
	cfg.Correlation.Cache.MaxTraces = 20 // evictions while others read
	e := newTestEnricher(t, cfg)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			for range 50 {
				td := ptrace.NewTraces()
				spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
				trace := byte(r.IntN(40))
				// All writers send the same tree of a trace, in pieces.
				tr := newRandomTrace(rand.New(rand.NewPCG(uint64(trace), 4)))
				var sent []int
				for i := range tr.parent {
					if r.IntN(2) == 0 {
						tr.add(i, trace, spans)
						sent = append(sent, i)
					}
				}
				_, err := e.traces(t.Context(), td)
				assert.NoError(t, err)
				ld := plog.NewLogs()
				rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
				rec.SetTraceID(pcommon.TraceID{1, trace})
				rec.SetSpanID(spanID(0))
				_, err = e.logs(t.Context(), ld)
				assert.NoError(t, err)
				for at, i := range sent {
					if agent := get(spans.At(at).Attributes(), "foundation_os.agent.id"); agent != "" {
						assert.Equal(t, tr.inherited(i), agent)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestHostileInput(t *testing.T) {
	e := newTestEnricher(t, createDefaultConfig())
	long := strings.Repeat("x", 1<<20)
	fill := func(attrs pcommon.Map) {
		for _, key := range e.plan.keys.all() {
			switch len(key) % 6 {
			case 0:
				attrs.PutDouble(key, math.NaN())
			case 1:
				attrs.PutStr(key, "\xff\xfe"+long)
			case 2:
				attrs.PutEmptyMap(key).PutEmptyMap("").PutEmptySlice("a").AppendEmpty().SetEmptyMap()
			case 3:
				attrs.PutEmptySlice(key).AppendEmpty()
			case 4:
				attrs.PutEmptyBytes(key).Append(1, 2)
			case 5:
				attrs.PutInt(key, math.MinInt64)
			}
		}
		attrs.PutStr("", "empty key")
	}
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty()
	rs := td.ResourceSpans().AppendEmpty()
	fill(rs.Resource().Attributes())
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	spans.AppendEmpty() // zero ids, no name, no times
	wild := spans.AppendEmpty()
	fill(wild.Attributes())
	wild.SetTraceID(pcommon.TraceID{9})
	wild.SetStartTimestamp(math.MaxUint64)
	wild.SetName("dspex." + long)
	wild.Events().AppendEmpty().SetName("[::]")
	fill(wild.Events().AppendEmpty().Attributes())
	for i := range 2 { // a ring
		ring := spans.AppendEmpty()
		ring.SetTraceID(pcommon.TraceID{9})
		ring.SetSpanID(spanID(i))
		ring.SetParentSpanID(spanID(1 - i))
		ring.SetEndTimestamp(1)
		ring.SetStartTimestamp(2)
	}
	self := spans.AppendEmpty()
	self.SetTraceID(pcommon.TraceID{9})
	self.SetSpanID(spanID(7))
	self.SetParentSpanID(spanID(7))
	good := spans.AppendEmpty()
	good.SetName("dspex.program.execution.stop")
	good.SetTraceID(pcommon.TraceID{8})
	good.SetSpanID(spanID(8))
	_, err := e.traces(t.Context(), td)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"foundation_os.layer": "dspex", "foundation_os.event.name": "dspex.program.execution", "foundation_os.phase": "complete",
	}, good.Attributes().AsRaw())
	assert.Equal(t, map[string]any{"foundation_os.layer": "unknown"}, spans.At(0).Attributes().AsRaw())

	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	fill(records.AppendEmpty().Attributes())
	records.AppendEmpty().Body().SetEmptySlice().AppendEmpty().SetEmptyMap()
	records.AppendEmpty().Body().SetStr("[]")
	_, err = e.logs(t.Context(), ld)
	require.NoError(t, err)

	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	metrics.AppendEmpty() // no type
	point := metrics.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	fill(point.Attributes())
	_, err = e.metrics(t.Context(), md)
	require.NoError(t, err)
	assert.NotEmpty(t, get(point.Attributes(), "foundation_os.layer"))
}

// Items with ids that are none must not join what is known about others.
func TestZeroIDsShareNothing(t *testing.T) {
	e := newTestEnricher(t, createDefaultConfig())
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	a, b := spans.AppendEmpty(), spans.AppendEmpty()
	a.SetSpanID(spanID(1))
	a.SetName("dspex.a")
	a.Attributes().PutStr("request_id", "r")
	a.Attributes().PutStr("agent_id", "a")
	b.SetSpanID(spanID(2))
	b.SetParentSpanID(spanID(1))
	_, err := e.traces(t.Context(), td)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"foundation_os.layer": "unknown"}, b.Attributes().AsRaw())

	// A legal trace with zero span ids: the trace's ids, nobody's agent.
	for _, s := range []ptrace.Span{a, b} {
		s.SetTraceID(pcommon.TraceID{1})
		s.SetSpanID(pcommon.SpanID{})
		s.SetParentSpanID(pcommon.SpanID{})
	}
	_, err = e.traces(t.Context(), td)
	require.NoError(t, err)
	assert.Equal(t, "r", get(b.Attributes(), "foundation_os.request.id"))
	assert.Empty(t, get(b.Attributes(), "foundation_os.agent.id"))
}

func TestOwnMetrics(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	cfg := createDefaultConfig()
	cfg.Correlation.Cache.MaxTraces = 1
	cfg.Correlation.Cache.MaxSpansPerTrace = 2
	f := NewFactory()
	p, err := f.CreateTraces(t.Context(), metadatatest.NewSettings(tel), cfg, consumertest.NewNop())
	require.NoError(t, err)
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	tr := randomTrace{parent: []int{-1, 0, 0}, agent: []string{"agent-0", "", ""}, bearer: []bool{true, false, false}}
	for i := range 3 {
		tr.add(i, 0, spans)
	}
	spans.At(2).Attributes().PutStr("program_id", "p")
	tr.add(0, 5, spans)
	spans.At(3).Attributes().PutInt("duration", 5)
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	require.NoError(t, p.Shutdown(t.Context()))

	points := func(metric string) map[string]int64 {
		m, err := tel.GetMetric("otelcol_layer_enricher_" + metric)
		require.NoError(t, err, metric)
		out := map[string]int64{}
		for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
			enc := ""
			for _, kv := range dp.Attributes.ToSlice() {
				enc += string(kv.Key) + "=" + kv.Value.String() + " "
			}
			out[strings.TrimSpace(enc)] = dp.Value
		}
		return out
	}
	assert.Equal(t, map[string]int64{"signal=span source=default": 4}, points("items"))
	assert.Equal(t, map[string]int64{
		"attribute=foundation_os.request.id signal=span": 2,
		"attribute=foundation_os.agent.id signal=span":   2,
		"attribute=foundation_os.program.id signal=span": 2,
	}, points("ids_filled"))
	assert.Equal(t, map[string]int64{"": 2}, points("cache_hits"))
	assert.Equal(t, map[string]int64{"": 2}, points("cache_misses"))
	assert.Equal(t, map[string]int64{"": 1}, points("cache_evictions"))
	assert.Equal(t, map[string]int64{"": 1}, points("cache_spans_dropped"))
	assert.Equal(t, map[string]int64{"": 1}, points("cache_traces"))
	assert.Equal(t, map[string]int64{"signal=span": 1}, points("durations_undecided"))
	metadatatest.AssertEqualLayerEnricherCacheTraces(t, tel, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
}

// Any attribute that the preset knows with any kind of value: a second run must
// find nothing more to do, and leave every canonical attribute that came along.
func TestRandomItemsTwice(t *testing.T) {
	p, err := newPlan(createDefaultConfig())
	require.NoError(t, err)
	keys := p.keys.all()
	texts := []string{
		"nil", "undefined", "", ":ok", "ok", "true", "false", "3", "3.5", "NaN", "dspex", ":foundation", "DSPEx", "unknown", "Elixir.MyApp.Foo",
		"closed", "{:closed, :open}", "x@y", "prod", "warning", "start", ":stop", "bid_received", "state_change", "[:dspex, :a, :stop]",
		"dspex.a.start", "foundation.infrastructure.circuit_breaker", "request.x.stop", "session.start", "0af7651916cd43dd8448eb211c80319c",
		"00f067aa0ba902b7", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", "ms", "[:a, :b]", " padded ", "\xff",
	}
	names := append([]string{"", "GET /", "work"}, texts[len(texts)-12:]...)
	randomAttrs := func(r *rand.Rand, attrs pcommon.Map) {
		attrs.EnsureCapacity(r.IntN(40)) // with and without room for what is added
		for range r.IntN(9) {
			v := attrs.PutEmpty(keys[r.IntN(len(keys))])
			switch r.IntN(8) {
			case 0:
				v.SetInt(int64(r.IntN(40)))
			case 1:
				v.SetDouble(r.Float64() * 20)
			case 2:
				v.SetBool(r.IntN(2) == 0)
			case 3:
				s := v.SetEmptySlice()
				for range r.IntN(4) {
					s.AppendEmpty().SetStr(texts[r.IntN(len(texts))])
				}
			case 4:
				v.SetEmptyMap().PutStr("k", texts[r.IntN(len(texts))])
			default:
				v.SetStr(texts[r.IntN(len(texts))])
			}
		}
	}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 5))
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		randomAttrs(r, rs.Resource().Attributes())
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName([]string{"jido_otel", "dspex", ""}[r.IntN(3)])
		ld := plog.NewLogs()
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for i := range 1 + r.IntN(4) {
			s := ss.Spans().AppendEmpty()
			s.SetName(names[r.IntN(len(names))])
			s.SetTraceID(pcommon.TraceID{1})
			s.SetSpanID(spanID(i))
			if i > 0 && r.IntN(2) == 0 {
				s.SetParentSpanID(spanID(r.IntN(i)))
			}
			s.SetStartTimestamp(1)
			s.SetEndTimestamp(pcommon.Timestamp(r.IntN(20_000_000)))
			randomAttrs(r, s.Attributes())
			ev := s.Events().AppendEmpty()
			ev.SetName(names[r.IntN(len(names))])
			randomAttrs(r, ev.Attributes())

			rec := records.AppendEmpty()
			rec.SetEventName(names[r.IntN(len(names))])
			rec.Body().SetStr(texts[r.IntN(len(texts))])
			randomAttrs(r, rec.Attributes())
		}
		want := ptrace.NewTraces()
		cfg := createDefaultConfig()
		cfg.Layers.RecordSource = r.IntN(2) == 0
		_, err := newTestEnricher(t, cfg).traces(t.Context(), td)
		require.NoError(t, err)
		td.CopyTo(want)
		_, err = newTestEnricher(t, cfg).traces(t.Context(), td)
		require.NoError(t, err)
		require.NoError(t, ptracetest.CompareTraces(want, td), "seed %d", seed)
		for _, s := range ss.Spans().All() {
			for _, id := range []string{"request", "program", "agent", "coordination"} {
				got := get(s.Attributes(), "foundation_os."+id+".id")
				require.NotContains(t, []string{"nil", "undefined", ":nil"}, got, "seed %d", seed)
			}
		}

		wantLogs := plog.NewLogs()
		_, err = newTestEnricher(t, cfg).logs(t.Context(), ld)
		require.NoError(t, err)
		ld.CopyTo(wantLogs)
		_, err = newTestEnricher(t, cfg).logs(t.Context(), ld)
		require.NoError(t, err)
		require.NoError(t, plogtest.CompareLogs(wantLogs, ld), "seed %d", seed)
	}
}
