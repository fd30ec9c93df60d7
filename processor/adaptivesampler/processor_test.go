package adaptivesampler

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

func TestGoldenTraces(t *testing.T) {
	goldentest.Run(t, "testdata/traces", func(t *testing.T, c goldentest.Case) {
		factory := NewFactory()
		cfg := factory.CreateDefaultConfig()
		c.Config(t, cfg)
		var sink consumertest.TracesSink
		p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, &sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		for _, td := range c.Traces(t) {
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
		}
		require.NoError(t, p.Shutdown(context.Background()))
		c.ExpectTraces(t, sink.AllTraces())
	})
}

func TestGoldenLogs(t *testing.T) {
	goldentest.Run(t, "testdata/logs", func(t *testing.T, c goldentest.Case) {
		factory := NewFactory()
		cfg := factory.CreateDefaultConfig()
		c.Config(t, cfg)
		var sink consumertest.LogsSink
		p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, &sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		for _, ld := range c.Logs(t) {
			require.NoError(t, p.ConsumeLogs(t.Context(), ld))
		}
		require.NoError(t, p.Shutdown(context.Background()))
		c.ExpectLogs(t, sink.AllLogs())
	})
}

// operations are names with the probability that the preset gives them.
var operations = []struct {
	name string
	p    float64
}{
	{"foundation.process_registry.lookup", 0.1},
	{"foundation_jido.signal.dispatch.complete", 0.2},
	{"foundation_jido.agent.registration", 0.5},
	{"dspex.program.execution", 0.8},
	{"foundation_jido.coordination.auction", 1},
	{"unlisted", 0.3}, // the default rate of these tests
}

// Nothing that arrives may panic, and what is sound beside it passes.
func TestHostileInput(t *testing.T) {
	h := newHarness(t, quiet(func(c *Config) { c.Logs.HashAttribute = "request_id" }))
	defer h.stop()
	poison := func(m pcommon.Map) {
		m.PutDouble("retry_attempt", math.NaN())
		m.PutDouble("error_context", math.Inf(1))
		m.PutEmpty("foundation_os.event.name")
		m.PutEmptySlice("foundation_os.outcome").AppendEmpty().SetStr("failure")
		m.PutStr("", "\xff\xfe")
		m.PutStr("exception.\xff", strings.Repeat("x", 1<<20))
		m.PutEmptyMap("request_id").PutDouble("nan", math.NaN())
		m.PutEmptyBytes("sampling.threshold").Append(0xff)
		for range 1000 {
			m.PutStr("k"+strings.Repeat("x", m.Len()%50), "v")
		}
	}
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty() // no scope
	rs := td.ResourceSpans().AppendEmpty()
	rs.ScopeSpans().AppendEmpty() // no span
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for _, name := range []string{"", ".", "\xff", strings.Repeat("a.", 100_000), "nil"} {
		for _, state := range []string{"", "\x00", "ot=", strings.Repeat("x", 1<<20), "ot=th:ffffffffffffff;rv:00000000000000"} {
			s := spans.AppendEmpty()
			s.SetName(name)
			s.TraceState().FromRaw(state)
			s.SetStartTimestamp(math.MaxUint64)
			s.Status().SetCode(99)
			s.Events().AppendEmpty()
			poison(s.Attributes())
		}
	}
	spans.AppendEmpty().SetTraceID(traceID(5)) // sound
	sent := td.SpanCount()
	require.NoError(t, h.traces.ConsumeTraces(t.Context(), td))
	out := h.spansOut.AllTraces()
	require.Len(t, out, 1)
	assert.Equal(t, 1, out[0].ResourceSpans().Len(), "what was empty is not passed on")
	last := out[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	assert.Equal(t, "ot=th:0", last.At(last.Len()-1).TraceState().AsRaw())

	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, severity := range []plog.SeverityNumber{-5, 0, 99} {
		r := records.AppendEmpty()
		r.SetSeverityNumber(severity)
		poison(r.Attributes())
		r.Attributes().CopyTo(records.AppendEmpty().Attributes())
		records.At(records.Len() - 1).Attributes().Remove("sampling.threshold")
	}
	records.AppendEmpty().SetTraceID(traceID(5))
	sentLogs := ld.LogRecordCount()
	require.NoError(t, h.logs.ConsumeLogs(t.Context(), ld))
	assert.NotZero(t, h.logsOut.LogRecordCount())

	counted := int64(0)
	for _, n := range h.items() {
		counted += n
	}
	assert.Equal(t, int64(sent+sentLogs), counted, "every item is accounted for")

	require.NoError(t, h.traces.ConsumeTraces(t.Context(), ptrace.NewTraces()))
	require.NoError(t, h.logs.ConsumeLogs(t.Context(), plog.NewLogs()))
}

// A batch of which nothing is left is not passed on, and its resource leaves
// with its last span.
func TestEmptyBatches(t *testing.T) {
	h := newHarness(t, quiet(func(c *Config) { c.Rates = map[string]float64{"drop": 0} }))
	defer h.stop()
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("drop")
	all := ptrace.NewTraces()
	td.CopyTo(all)
	require.NoError(t, h.traces.ConsumeTraces(t.Context(), all))
	assert.Empty(t, h.spansOut.AllTraces())
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "kept")
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("keep")
	require.NoError(t, h.traces.ConsumeTraces(t.Context(), td))
	require.Len(t, h.spansOut.AllTraces(), 1)
	require.Equal(t, 1, h.spansOut.AllTraces()[0].ResourceSpans().Len())
	assert.Equal(t, map[string]any{"service.name": "kept"}, h.spansOut.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().AsRaw())
}

func TestErrorsOfTheNextConsumerPass(t *testing.T) {
	refused := errors.New("refused")
	p, err := newTraces(t.Context(), processortest.NewNopSettings(metadata.Type), quiet(nil), monitorOf(quiet(nil)), consumertest.NewErr(refused))
	require.NoError(t, err)
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	assert.ErrorIs(t, p.ConsumeTraces(t.Context(), td), refused)
	require.NoError(t, p.Shutdown(t.Context()), "also when it was never started")
}

// Many senders while the load steps: nothing is lost or counted twice.
func TestConcurrent(t *testing.T) {
	const senders, batches, size = 8, 40, 50
	cfg := spanMode()
	cfg.Load.Tick, cfg.Load.MinDwell, cfg.Load.ExitMargin = 10e6, 0, 0
	h := newHarness(t, cfg, fixedLoad(0.7))
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(sender), 1))
			for range batches {
				td, ld := ptrace.NewTraces(), plog.NewLogs()
				spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
				records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
				for i := range size {
					s, r := spans.AppendEmpty(), records.AppendEmpty()
					s.SetName(operations[i%len(operations)].name)
					s.SetTraceID(randomTraceID(rng))
					r.SetEventName(s.Name())
					r.SetTraceID(s.TraceID())
				}
				if err := h.traces.ConsumeTraces(t.Context(), td); err != nil {
					t.Error(err)
				}
				if err := h.logs.ConsumeLogs(t.Context(), ld); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	h.stop()
	byDecision := map[string]int64{}
	for key, n := range h.items() {
		byDecision[key[:strings.LastIndexByte(key, ' ')]] += n
	}
	assert.Equal(t, int64(senders*batches*size), byDecision["traces kept"]+byDecision["traces dropped"])
	assert.Equal(t, int64(senders*batches*size), byDecision["logs kept"]+byDecision["logs dropped"])
	assert.Equal(t, int64(h.spansOut.SpanCount()), byDecision["traces kept"])
	assert.Equal(t, int64(h.logsOut.LogRecordCount()), byDecision["logs kept"])
}

// The hot path allocates nothing for a span without a tracestate, whether it
// is kept or dropped, nor for one that carries only a threshold.
func TestAllocations(t *testing.T) {
	for _, tt := range []struct {
		rate, floor float64
		state       string
		keep        bool
	}{{1, 0, "", true}, {0.9999, 1, "", true}, {0.0001, 0, "", false}, {0.0001, 1, "", false}, {0, 0, "", false}, {0.9999, 0, "ot=th:0", true}} {
		cfg := quiet(func(c *Config) {
			c.Preset, c.DefaultRate, c.Boosts.ErrorFloor = presetNone, tt.rate, tt.floor
		})
		s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", monitorOf(cfg))
		require.NoError(t, err)
		span := ptrace.NewSpan()
		span.SetName("operation")
		span.SetTraceID(traceID(1 << 55))
		span.Attributes().PutStr("foundation_os.event.name", "an.operation")
		span.Attributes().PutStr("foundation_os.outcome", "success")
		b := s.begin()
		keep(s, b, spanItem{span}) // the first time a name is matched
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			span.TraceState().FromRaw(tt.state)
			assert.Equal(t, tt.keep, keep(s, b, spanItem{span}))
		}), "%v", tt)
	}
}

// Bytes of any kind: what the wire decodes, the processor survives, and the
// items add up.
func FuzzLogs(f *testing.F) {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetEventName("foundation.process_registry.lookup")
	r.Attributes().PutStr("sampling.threshold", "8")
	seed, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(f, err)
	f.Add(seed)
	cfg := quiet(func(c *Config) { c.Logs.HashAttribute = "request_id" })
	f.Fuzz(func(t *testing.T, data []byte) {
		req := plogotlp.NewExportRequest()
		if req.UnmarshalProto(data) != nil {
			return
		}
		h := newHarness(t, cfg)
		defer h.stop()
		sent := req.Logs().LogRecordCount()
		require.NoError(t, h.logs.ConsumeLogs(t.Context(), req.Logs()))
		counted := int64(0)
		for _, n := range h.items() {
			counted += n
		}
		assert.Equal(t, int64(sent), counted)
	})
}
