package adaptivesampler

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// benchmarkSpans are spans with ten attributes, the event name last, as
// layer_enricher leaves them.
func benchmarkSpans(spans ptrace.SpanSlice, n int) {
	names := []string{
		"foundation.process_registry.lookup", "foundation_jido.signal.dispatch", "foundation_jido.agent.registration",
		"dspex.program.execution", "foundation_jido.coordination.auction", "dspex.optimization.iteration", "foundation_os.request",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		span := spans.AppendEmpty()
		span.SetName(names[i%len(names)])
		var id pcommon.TraceID
		binary.BigEndian.PutUint64(id[8:], rng.Uint64())
		span.SetTraceID(id)
		a := span.Attributes()
		a.PutStr("namespace", "default")
		a.PutStr("process_type", "worker")
		a.PutStr("request_id", "req-0001")
		a.PutInt("participant_count", 7)
		a.PutBool("success", true)
		a.PutStr("foundation_os.request.id", "req-0001")
		a.PutStr("foundation_os.outcome", "success")
		a.PutStr("foundation_os.layer", "foundation")
		a.PutDouble("foundation_os.duration", 0.25)
		a.PutStr("foundation_os.event.name", names[i%len(names)])
	}
}

// BenchmarkKeep times the decision alone, without the removal of what is
// dropped and without a copy of the payload: the comparison with other
// processors is in the bench folder.
func BenchmarkKeep(b *testing.B) {
	for _, row := range []struct {
		name, tracestate string
		rate, floor      float64
		perSecond        float64 // budget, with a demand of ten times as much
	}{
		{"kept at 1", "", 1, 0, 0},
		{"kept at 0.9999", "", 0.9999, 0, 0},
		{"kept at 0.9999, floor 1", "", 0.9999, 1, 0},
		{"dropped at 0", "", 0, 0, 0},
		{"dropped at 0.0001", "", 0.0001, 0, 0},
		{"dropped at 0.0001, floor 1", "", 0.0001, 1, 0},
		{"kept at 1, th in", "ot=th:0", 1, 0, 0},
		{"kept at 0.9999, th in", "ot=th:0", 0.9999, 0, 0},
		{"kept at 0.9999, vendors in", "dd=s:1;t.dm:-4,congo=t61rcWkgMzE", 0.9999, 0, 0},
		{"dropped at 0.0001, vendors in", "dd=s:1;t.dm:-4,congo=t61rcWkgMzE", 0.0001, 0, 0},
		{"budget, most kept", "", 1, 0, 1e6},
		{"budget, a tenth kept", "", 1, 0, 1e3},
		{"budget, a tenth kept, th in", "ot=th:0", 1, 0, 1e3},
		{"budget, dropped at 0.0001", "", 0.0001, 0, 1e3},
	} {
		b.Run(row.name, func(b *testing.B) {
			cfg := spanMode()
			cfg.Preset, cfg.DefaultRate, cfg.Boosts.ErrorFloor = presetNone, row.rate, row.floor
			cfg.Budget.SpansPerSecond = row.perSecond
			m := monitorOf(cfg)
			s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
			require.NoError(b, err)
			if m.budget != nil {
				m.tick(time.Now().Add(-time.Second))
				m.budget.observe(&tally{demand: [sampling.Contents]float64{1e4}})
				m.tick(time.Now())
			}
			spans := ptrace.NewSpanSlice()
			benchmarkSpans(spans, 512)
			batch := s.begin()
			kept, n := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				span := spans.At(n & 511)
				n++
				span.TraceState().FromRaw(row.tracestate)
				if keep(s, batch, spanItem{span}) {
					kept++
				}
			}
			b.ReportMetric(float64(kept)/float64(n), "kept/span")
		})
	}
}

// BenchmarkProcess times all that the processor does to a batch that was just
// copied, but not the copy. It reports the median of all batches and, for a
// machine that others use, what the fastest tenth stays below. The row "remove"
// drops all spans and decides nothing, "look" keeps all and looks up the last
// attribute.
func BenchmarkProcess(b *testing.B) {
	const size = 1000
	payload := ptrace.NewTraces()
	benchmarkSpans(payload.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans(), size)
	run := func(b *testing.B, process func(ptrace.Traces)) {
		var spent []time.Duration
		for b.Loop() {
			td := ptrace.NewTraces()
			payload.CopyTo(td)
			begin := time.Now()
			process(td)
			spent = append(spent, time.Since(begin))
		}
		slices.Sort(spent)
		b.ReportMetric(0, "ns/op") // with the copy
		b.ReportMetric(float64(spent[len(spent)/10].Nanoseconds())/size, "p10-ns/span")
		b.ReportMetric(float64(spent[len(spent)/2].Nanoseconds())/size, "p50-ns/span")
	}
	remove := func(b *testing.B, f func(ptrace.Span) bool) {
		run(b, func(td ptrace.Traces) { td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(f) })
	}
	b.Run("remove", func(b *testing.B) { remove(b, func(ptrace.Span) bool { return true }) })
	b.Run("look", func(b *testing.B) {
		remove(b, func(s ptrace.Span) bool {
			_, ok := s.Attributes().Get("foundation_os.event.name")
			return !ok
		})
	})
	for _, row := range []struct {
		name        string
		rate, floor float64
	}{
		{"kept at 1", 1, 0},
		{"kept at 0.9999", 0.9999, 0},
		{"a half", 0.5, 0},
		{"a half, floor 1", 0.5, 1},
		{"dropped at 0", 0, 0},
		{"dropped at 0.0001", 0.0001, 0},
		{"dropped at 0.0001, floor 1", 0.0001, 1},
	} {
		b.Run(row.name, func(b *testing.B) {
			cfg := spanMode()
			cfg.Preset, cfg.DefaultRate, cfg.Boosts.ErrorFloor = presetNone, row.rate, row.floor
			s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", monitorOf(cfg))
			require.NoError(b, err)
			run(b, func(td ptrace.Traces) { _, _ = s.processTraces(b.Context(), td) })
		})
	}
}
