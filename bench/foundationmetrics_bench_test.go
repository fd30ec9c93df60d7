package bench

import (
	"context"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics"
)

const foundationmetricsItems = 1000

// foundationmetricsNames are the events of a batch, in the proportions of a busy
// system: mostly dispatches and lookups.
var foundationmetricsNames = []string{
	"foundation_jido.signal.dispatch", "foundation.process_registry.lookup", "foundation_jido.signal.dispatch",
	"dspex.program.execution", "foundation_jido.signal.dispatch", "foundation.process_registry.lookup",
	"dspex.optimization.iteration", "foundation_jido.coordination.auction", "foundation_jido.agent.registration", "foundation_os.request",
}

func foundationmetricsAttributes(put func(k, v string), i int) {
	put("foundation_os.layer", "dspex")
	put("foundation_os.request.id", "req-"+strconv.Itoa(i/10))
	put("foundation_os.program.id", "program-"+strconv.Itoa(i%20))
	put("foundation_os.optimization.strategy", "mipro")
	put("foundation_os.agent.type", "solver")
	put("adapter", "pubsub")
	put("target_type", "topic")
	put("foundation_os.outcome", "success")
	put("performance_score", "0.7")
}

func foundationmetricsTraces() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "foundation_os")
	rs.Resource().Attributes().PutStr("service.instance.id", "node-1")
	ss := rs.ScopeSpans().AppendEmpty().Spans()
	ss.EnsureCapacity(foundationmetricsItems)
	for i := range foundationmetricsItems {
		s := ss.AppendEmpty()
		name := foundationmetricsNames[i%len(foundationmetricsNames)]
		s.SetName(name)
		s.SetTraceID([16]byte{1, byte(i / 10), byte(i / 2560)})
		s.SetSpanID([8]byte{byte(i), byte(i >> 8), 1})
		s.SetStartTimestamp(1_700_000_000_000_000_000)
		s.SetEndTimestamp(1_700_000_000_005_000_000)
		s.Attributes().EnsureCapacity(10)
		s.Attributes().PutStr("foundation_os.event.name", name)
		foundationmetricsAttributes(s.Attributes().PutStr, i)
	}
	return td
}

func foundationmetricsLogs() plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "foundation_os")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	records.EnsureCapacity(foundationmetricsItems)
	for i := range foundationmetricsItems {
		l := records.AppendEmpty()
		name := foundationmetricsNames[i%len(foundationmetricsNames)]
		l.SetEventName(name + ".complete")
		l.SetTimestamp(1_700_000_000_005_000_000)
		l.Attributes().EnsureCapacity(12)
		l.Attributes().PutStr("foundation_os.event.name", name)
		l.Attributes().PutStr("foundation_os.phase", "complete")
		l.Attributes().PutDouble("foundation_os.duration", 0.005)
		foundationmetricsAttributes(l.Attributes().PutStr, i)
	}
	return ld
}

func foundationmetricsStart(b *testing.B) (func(context.Context, ptrace.Traces) error, func(context.Context, plog.Logs) error) {
	b.Helper()
	f := foundationmetrics.NewFactory()
	cfg := f.CreateDefaultConfig().(*foundationmetrics.Config)
	cfg.FlushInterval = time.Hour // the flush is measured by itself
	set := connectortest.NewNopSettings(f.Type())
	traces, err := f.CreateTracesToMetrics(b.Context(), set, cfg, consumertest.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	logs, err := f.CreateLogsToMetrics(b.Context(), set, cfg, consumertest.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []component.Component{traces, logs} {
		if err := c.Start(b.Context(), componenttest.NewNopHost()); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Shutdown(context.Background()) })
	}
	return traces.ConsumeTraces, logs.ConsumeLogs
}

func foundationmetricsPer(b *testing.B, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/foundationmetricsItems, unit)
}

// BenchmarkFoundationmetrics is the cost of counting a batch of a thousand items of
// ten attributes, beside that of copying the same batch. The connector only reads, so
// in a collector it adds no copy.
func BenchmarkFoundationmetrics(b *testing.B) {
	b.Run("traces/clone", func(b *testing.B) {
		td := foundationmetricsTraces()
		b.ReportAllocs()
		for b.Loop() {
			td.CopyTo(ptrace.NewTraces())
		}
		foundationmetricsPer(b, "ns/span")
	})
	b.Run("traces/count", func(b *testing.B) {
		td := foundationmetricsTraces()
		consume, _ := foundationmetricsStart(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := consume(b.Context(), td); err != nil {
				b.Fatal(err)
			}
		}
		foundationmetricsPer(b, "ns/span")
	})
	b.Run("traces/foreign", func(b *testing.B) { // spans that no metric counts
		td := foundationmetricsTraces()
		for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			s.SetName("GET /")
			s.Attributes().Remove("foundation_os.event.name")
		}
		consume, _ := foundationmetricsStart(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := consume(b.Context(), td); err != nil {
				b.Fatal(err)
			}
		}
		foundationmetricsPer(b, "ns/span")
	})
	b.Run("traces/parallel", func(b *testing.B) { // several senders, one lock
		consume, _ := foundationmetricsStart(b)
		td := foundationmetricsTraces()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := consume(b.Context(), td); err != nil {
					b.Error(err)
				}
			}
		})
		foundationmetricsPer(b, "ns/span")
	})
	b.Run("logs/clone", func(b *testing.B) {
		ld := foundationmetricsLogs()
		b.ReportAllocs()
		for b.Loop() {
			ld.CopyTo(plog.NewLogs())
		}
		foundationmetricsPer(b, "ns/record")
	})
	b.Run("logs/count", func(b *testing.B) {
		ld := foundationmetricsLogs()
		_, consume := foundationmetricsStart(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := consume(b.Context(), ld); err != nil {
				b.Fatal(err)
			}
		}
		foundationmetricsPer(b, "ns/record")
	})
}
