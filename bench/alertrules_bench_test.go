package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules"
)

const alertrulesSeries = 1000

// alertrulesPayload is one export: a gauge of 1000 series with five attributes.
func alertrulesPayload(name string, at time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	rm.Resource().Attributes().PutStr("service.instance.id", "i1")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	g := m.SetEmptyGauge()
	for i := range alertrulesSeries {
		dp := g.DataPoints().AppendEmpty()
		dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
		dp.SetDoubleValue(float64(i))
		for a := range 4 {
			dp.Attributes().PutStr(fmt.Sprintf("attribute.%d", a), "some value")
		}
		dp.Attributes().PutInt("series", int64(i))
	}
	return md
}

func alertrulesSettings(b *testing.B) (component.Config, func(m map[string]any)) {
	f := alertrules.NewFactory()
	cfg := f.CreateDefaultConfig()
	return cfg, func(m map[string]any) {
		require.NoError(b, confmap.NewFromStringMap(m).Unmarshal(cfg))
		require.NoError(b, confmap.Validate(cfg))
	}
}

// BenchmarkAlertRulesIngest is the cost of a point on its way in.
func BenchmarkAlertRulesIngest(b *testing.B) {
	perPoint := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/alertrulesSeries, "ns/point")
	}
	b.Run("clone", func(b *testing.B) {
		md, to := alertrulesPayload("m", time.Now()), pmetric.NewMetrics()
		b.ReportAllocs()
		for b.Loop() {
			to = pmetric.NewMetrics()
			md.CopyTo(to)
		}
		_ = to
		perPoint(b)
	})
	for _, row := range []string{"unreferenced", "referenced"} {
		b.Run(row, func(b *testing.B) {
			f := alertrules.NewFactory()
			cfg, load := alertrulesSettings(b)
			load(map[string]any{"evaluation_interval": "1h", "rules": []any{map[string]any{
				"name": "R", "metric": "referenced", "aggregate": "avg", "window": "1m", "op": "gt", "threshold": 1,
			}}})
			c, err := f.CreateMetricsToLogs(b.Context(), connectortest.NewNopSettings(f.Type()), cfg, consumertest.NewNop())
			require.NoError(b, err)
			require.NoError(b, c.Start(b.Context(), componenttest.NewNopHost()))
			defer func() { require.NoError(b, c.Shutdown(context.Background())) }()
			at := time.Now().Add(-time.Minute)
			md := alertrulesPayload(row, at)
			dps := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				// Each export has a time of its own; it is the same cost in both rows.
				ts := pcommon.NewTimestampFromTime(at.Add(time.Duration(i) * time.Millisecond))
				for _, dp := range dps.All() {
					dp.SetTimestamp(ts)
				}
				if err := c.ConsumeMetrics(b.Context(), md); err != nil {
					b.Fatal(err)
				}
			}
			perPoint(b)
		})
	}
}

// BenchmarkAlertRulesEvents is the cost of a log record that an event rule looks
// at and does not match.
func BenchmarkAlertRulesEvents(b *testing.B) {
	const records = 1000
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	for i := range records {
		lr := sl.LogRecords().AppendEmpty()
		lr.Attributes().PutStr("foundation_os.event.name", "dspex.optimization.iteration")
		lr.Attributes().PutInt("iteration", int64(i))
	}
	perRecord := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
	}
	b.Run("clone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ld.CopyTo(plog.NewLogs())
		}
		perRecord(b)
	})
	b.Run("no match", func(b *testing.B) {
		f := alertrules.NewFactory()
		cfg, load := alertrulesSettings(b)
		load(map[string]any{"events": []any{map[string]any{
			"name":         "Circuit Breaker Open",
			"condition":    `log.attributes["foundation_os.event.name"] == "foundation.infrastructure.circuit_breaker.state_change" and log.attributes["foundation_os.circuit_breaker.to"] == "open"`,
			"expire_after": "1h",
		}}})
		c, err := f.CreateLogsToLogs(b.Context(), connectortest.NewNopSettings(f.Type()), cfg, consumertest.NewNop())
		require.NoError(b, err)
		require.NoError(b, c.Start(b.Context(), componenttest.NewNopHost()))
		defer func() { require.NoError(b, c.Shutdown(context.Background())) }()
		b.ReportAllocs()
		for b.Loop() {
			if err := c.ConsumeLogs(b.Context(), ld); err != nil {
				b.Fatal(err)
			}
		}
		perRecord(b)
	})
}
