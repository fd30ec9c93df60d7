package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/spanmetricsconnector"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// BenchmarkDegradationBesideSpanmetrics: processor time of a watched point,
// beyond the clone that is made for the processor, and of a span in contrib's
// spanmetrics, which needs no clone: both keep as many series, of as many
// attributes, and see each of them once a minute. spanmetrics has its default
// buckets and does not flush while it is timed, which is in its favour.
func BenchmarkDegradationBesideSpanmetrics(b *testing.B) {
	for _, p := range degradationPayloads() {
		b.Run(p.name, func(b *testing.B) {
			md, next := p.make(degradationSeries)
			proc := degradationProcessor(b, "guarded", "http.server.request.duration", degradationSeries)
			consumeSpans := spanmetrics(b)
			var clone, watched, spans int64
			once := func() {
				for range 5 {
					next()
					t0 := int64(cpuTime())
					to := pmetric.NewMetrics()
					md.CopyTo(to)
					t1 := int64(cpuTime())
					_ = proc.ConsumeMetrics(context.Background(), to)
					t2 := int64(cpuTime())
					consumeSpans()
					t3 := int64(cpuTime())
					clone, watched, spans = clone+t1-t0, watched+t2-t1, spans+t3-t2
				}
			}
			for range 16 { // until every pane of the window has its memory
				once()
			}
			clone, watched, spans = 0, 0, 0
			for b.Loop() {
				once()
			}
			n := float64(b.N) * 5 * degradationSeries
			b.ReportMetric(0, "ns/op") // that of all together says nothing
			b.ReportMetric(float64(clone)/n, "clone-ns/point")
			b.ReportMetric(float64(watched)/n, "guarded-ns/point")
			b.ReportMetric(float64(spans)/n, "spanmetrics-ns/span")
			b.ReportMetric(float64(watched)/float64(spans), "ratio")
		})
	}
}

// spanmetrics returns what feeds the connector a span of each series.
func spanmetrics(b *testing.B) (consume func()) {
	f := spanmetricsconnector.NewFactory()
	cfg := f.CreateDefaultConfig().(*spanmetricsconnector.Config)
	cfg.MetricsFlushInterval = 24 * time.Hour
	for _, name := range []string{"http.request.method", "http.route", "http.response.status_code", "foundation_os.layer", "server.address"} {
		cfg.Dimensions = append(cfg.Dimensions, spanmetricsconnector.Dimension{Name: name})
	}
	require.NoError(b, cfg.Validate())
	c, err := f.CreateTracesToMetrics(context.Background(), connectortest.NewNopSettings(component.MustNewType("spanmetrics")), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, c.Start(context.Background(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, c.Shutdown(context.Background())) })

	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	rs.Resource().Attributes().PutStr("deployment.environment.name", "production")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range degradationSeries {
		s := spans.AppendEmpty()
		s.SetName(fmt.Sprintf("GET /api/v1/things/%d", i))
		s.SetKind(ptrace.SpanKindServer)
		s.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8)})
		s.SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(degradationEpoch))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(degradationEpoch.Add(time.Duration(90+i%30) * time.Millisecond)))
		degradationAttributes(s.Attributes(), i)
	}
	return func() { _ = c.ConsumeTraces(context.Background(), td) }
}
