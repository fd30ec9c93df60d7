package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation"
)

const datadogPoints = 2000

// BenchmarkDatadogFoundation drives the exporter through its factory, without
// queue, to a server on the loopback that reads the body and answers 202. The
// rows therefore hold mapping, encoding, zstd and one or two requests a batch;
// the clone row is what copying the batch alone costs, and is part of the others.
func BenchmarkDatadogFoundation(b *testing.B) {
	for _, kind := range []string{"delta_counters", "cumulative_counters", "gauges", "histograms", "exponential_histograms"} {
		payload := datadogPayload(kind)
		b.Run(kind+"/clone", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				md := pmetric.NewMetrics()
				payload.CopyTo(md)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/datadogPoints, "ns/point")
		})
		b.Run(kind+"/export", func(b *testing.B) { datadogExport(b, payload, kind == "cumulative_counters") })
	}
}

func datadogExport(b *testing.B, payload pmetric.Metrics, advance bool) {
	intake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer intake.Close()
	factory := datadogfoundation.NewFactory()
	cfg := factory.CreateDefaultConfig().(*datadogfoundation.Config)
	cfg.API.Key = "0123456789abcdef0123456789abcdef"
	cfg.ClientConfig.Endpoint = intake.URL
	cfg.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	cfg.OutOfWindow = datadogfoundation.Send
	exp, err := factory.CreateMetrics(context.Background(), exportertest.NewNopSettings(factory.Type()), cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := exp.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = exp.Shutdown(context.Background()) }()
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		md := pmetric.NewMetrics()
		payload.CopyTo(md)
		if advance { // a cumulative point is new only when its time is
			at = at.Add(time.Second)
			datadogSetTime(md, at)
		}
		if err := exp.ConsumeMetrics(context.Background(), md); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/datadogPoints, "ns/point")
}

func datadogSetTime(md pmetric.Metrics, at time.Time) {
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		for _, dp := range m.Sum().DataPoints().All() {
			dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
		}
	}
}

// datadogPayload has one resource, 20 metrics and 100 points each, with four attributes.
func datadogPayload(kind string) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "multi-agent")
	rm.Resource().Attributes().PutStr("host.name", "beam-1")
	rm.Resource().Attributes().PutStr("deployment.environment.name", "production")
	ms := rm.ScopeMetrics().AppendEmpty().Metrics()
	now := time.Now()
	fill := func(dp datadogDataPoint, i int) {
		dp.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-10 * time.Second)))
		dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
		dp.Attributes().PutStr("foundation_os.layer", "foundation_jido")
		dp.Attributes().PutStr("adapter", fmt.Sprintf("adapter-%d", i%7))
		dp.Attributes().PutStr("outcome", "success")
		dp.Attributes().PutInt("agent_count", int64(i))
	}
	for i := range 20 {
		m := ms.AppendEmpty()
		m.SetName(fmt.Sprintf("foundation_jido.signal.metric_%d", i))
		m.SetUnit("s")
		for j := range datadogPoints / 20 {
			fill(datadogPoint(m, kind, j), j)
		}
	}
	return md
}

type datadogDataPoint interface {
	SetStartTimestamp(pcommon.Timestamp)
	SetTimestamp(pcommon.Timestamp)
	Attributes() pcommon.Map
}

func datadogPoint(m pmetric.Metric, kind string, j int) datadogDataPoint {
	first := j == 0
	switch kind {
	case "gauges":
		if first {
			m.SetEmptyGauge()
		}
		dp := m.Gauge().DataPoints().AppendEmpty()
		dp.SetDoubleValue(float64(j) * 0.37)
		return dp
	case "histograms":
		if first {
			m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		}
		dp := m.Histogram().DataPoints().AppendEmpty()
		dp.ExplicitBounds().FromRaw([]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})
		dp.BucketCounts().FromRaw([]uint64{0, 1, 4, 9, 20, 30, 17, 8, 3, 1, 0, 0})
		dp.SetCount(93)
		dp.SetSum(25)
		return dp
	case "exponential_histograms":
		if first {
			m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		}
		dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
		dp.SetScale(4)
		dp.Positive().SetOffset(-100)
		counts := make([]uint64, 60)
		for i := range counts {
			counts[i] = uint64(i % 9)
			dp.SetCount(dp.Count() + counts[i])
		}
		dp.Positive().BucketCounts().FromRaw(counts)
		dp.SetSum(25)
		return dp
	}
	if first {
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		if kind == "cumulative_counters" {
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		}
	}
	dp := m.Sum().DataPoints().AppendEmpty()
	dp.SetIntValue(int64(j + 1))
	return dp
}
