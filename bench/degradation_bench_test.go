package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/degradation"
)

// degradationEpoch lies in the past, so that event time can run faster than the
// clock.
var degradationEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

const degradationSeries = 1000

// degradationBounds grow by 1.5 from 1 ms to 600 s, as foundation_metrics' do.
var degradationBounds = func() (b []float64) {
	for v := 0.001; v < 600; v *= 1.5 {
		b = append(b, v)
	}
	return b
}()

// degradationPayload is one export of n series, each with five attributes: the
// i-th of a run, one minute after the one before. Cumulative ones carry on.
type degradationPayload struct {
	name string
	make func(n int) (md pmetric.Metrics, next func())
}

func degradationPayloads() []degradationPayload {
	return []degradationPayload{
		{"gauge", func(n int) (pmetric.Metrics, func()) {
			md, m := degradationMetric()
			points := m.SetEmptyGauge().DataPoints()
			for i := range n {
				dp := points.AppendEmpty()
				degradationAttributes(dp.Attributes(), i)
				dp.SetDoubleValue(0.1 + 0.01*float64(i%7))
			}
			now := degradationEpoch
			return md, func() {
				now = now.Add(time.Minute)
				for _, dp := range points.All() {
					dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
				}
			}
		}},
		{"cumulative histogram", func(n int) (pmetric.Metrics, func()) {
			md, m := degradationMetric()
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			for i := range n {
				dp := h.DataPoints().AppendEmpty()
				degradationAttributes(dp.Attributes(), i)
				dp.SetStartTimestamp(pcommon.NewTimestampFromTime(degradationEpoch))
				dp.ExplicitBounds().FromRaw(degradationBounds)
				dp.BucketCounts().FromRaw(make([]uint64, len(degradationBounds)+1))
			}
			now := degradationEpoch
			return md, func() {
				now = now.Add(time.Minute)
				for _, dp := range h.DataPoints().All() {
					for b := 8; b < 14; b++ {
						dp.BucketCounts().SetAt(b, dp.BucketCounts().At(b)+5)
					}
					dp.SetCount(dp.Count() + 30)
					dp.SetSum(dp.Sum() + 3)
					dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
				}
			}
		}},
		{"delta exponential histogram", func(n int) (pmetric.Metrics, func()) {
			rng := rand.New(rand.NewPCG(1, 1))
			md, m := degradationMetric()
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			for i := range n {
				dp := h.DataPoints().AppendEmpty()
				degradationAttributes(dp.Attributes(), i)
				dp.SetScale(3)
				counts := make([]uint64, 40)
				for range 200 {
					at := int(20 + 6*rng.NormFloat64())
					counts[max(0, min(39, at))]++
				}
				dp.Positive().SetOffset(-50)
				dp.Positive().BucketCounts().FromRaw(counts)
				dp.SetCount(200)
				dp.SetSum(200 * math.Exp2(-30.0/8))
			}
			now := degradationEpoch
			return md, func() {
				start := now
				now = now.Add(time.Minute)
				for _, dp := range h.DataPoints().All() {
					dp.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
					dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
				}
			}
		}},
	}
}

func degradationMetric() (pmetric.Metrics, pmetric.Metric) {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	rm.Resource().Attributes().PutStr("deployment.environment.name", "production")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("app")
	m := sm.Metrics().AppendEmpty()
	m.SetName("http.server.request.duration")
	m.SetUnit("s")
	return md, m
}

func degradationAttributes(m pcommon.Map, i int) {
	m.PutStr("http.request.method", "GET")
	m.PutStr("http.route", fmt.Sprintf("/api/v1/things/%d", i))
	m.PutInt("http.response.status_code", 200)
	m.PutStr("foundation_os.layer", "foundation")
	m.PutStr("server.address", "shop.example.com")
}

func degradationProcessor(b *testing.B, mode degradation.Mode, metric string, maxSeries int) processor.Metrics {
	b.Helper()
	f := degradation.NewFactory()
	cfg := f.CreateDefaultConfig().(*degradation.Config)
	cfg.Mode = mode
	cfg.Metrics = []string{metric}
	cfg.MaxSeries = maxSeries
	p, err := f.CreateMetrics(context.Background(), processortest.NewNopSettings(component.MustNewType("degradation")), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, p.Start(context.Background(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, p.Shutdown(context.Background())) })
	return p
}

// BenchmarkDegradation: each point in its next minute, so that the cost of a
// new pane and a new baseline every fifth is in it. "clone" is the copy that
// every row makes first, since the processor appends to what it gets; subtract
// it. "unwatched" is a batch of which nothing is watched, the others are the modes.
func BenchmarkDegradation(b *testing.B) {
	for _, p := range degradationPayloads() {
		for _, row := range []struct {
			name, watch string
			mode        degradation.Mode
		}{
			{"clone", "", ""},
			{"unwatched", "other", "guarded"},
			{"strict", "http.server.request.duration", "strict"},
			{"guarded", "http.server.request.duration", "guarded"},
			{"adaptive", "http.server.request.duration", "adaptive"},
		} {
			b.Run(p.name+"/"+row.name, func(b *testing.B) {
				md, next := p.make(degradationSeries)
				var proc processor.Metrics
				if row.watch != "" {
					proc = degradationProcessor(b, row.mode, row.watch, degradationSeries)
				}
				to := pmetric.NewMetrics()
				once := func() {
					next()
					to = pmetric.NewMetrics()
					md.CopyTo(to)
					if proc != nil {
						_ = proc.ConsumeMetrics(context.Background(), to)
					}
				}
				for range 80 { // until every pane of the window has its memory
					once()
				}
				b.ReportAllocs()
				for b.Loop() {
					once()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/degradationSeries, "ns/point")
			})
		}
	}
}

// BenchmarkDegradationMemory reports the bytes that a series keeps, after a
// window of one point a minute.
func BenchmarkDegradationMemory(b *testing.B) {
	for _, p := range degradationPayloads() {
		for _, mode := range []degradation.Mode{"strict", "guarded", "adaptive"} {
			b.Run(p.name+"/"+string(mode), func(b *testing.B) {
				var bytes float64
				for b.Loop() {
					bytes = degradationMemory(b, p, mode)
				}
				b.ReportMetric(bytes/degradationSeries, "B/series")
			})
		}
	}
}

func degradationMemory(b *testing.B, p degradationPayload, mode degradation.Mode) float64 {
	md, next := p.make(degradationSeries)
	proc := degradationProcessor(b, mode, "http.server.request.duration", degradationSeries)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 80 {
		next()
		to := pmetric.NewMetrics()
		md.CopyTo(to)
		_ = proc.ConsumeMetrics(context.Background(), to)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(proc)
	return float64(int64(after.HeapAlloc) - int64(before.HeapAlloc))
}
