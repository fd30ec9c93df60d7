package adaptivesampler

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// BenchmarkKeep times the decision alone, without the removal of what is
// dropped and without a copy of the payload: the comparison with other
// processors is in the bench folder.
func BenchmarkKeep(b *testing.B) {
	names := []string{
		"foundation.process_registry.lookup", "foundation_jido.signal.dispatch", "foundation_jido.agent.registration",
		"dspex.program.execution", "foundation_jido.coordination.auction", "dspex.optimization.iteration", "foundation_os.request",
	}
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
			rng := rand.New(rand.NewPCG(1, 2))
			spans := ptrace.NewSpanSlice()
			for i := range 512 {
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
