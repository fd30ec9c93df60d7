package datadogfoundation

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/payload"
)

// Any OTLP that decodes: no panic, and a good point beside it is still there.
func FuzzMapping(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*/input*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, inputs)
	for _, in := range inputs {
		md, err := golden.ReadMetrics(in)
		require.NoError(f, err)
		raw, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		require.NoError(f, err)
		for mode := range byte(3) {
			f.Add(raw, mode)
		}
	}
	for _, md := range extremes() {
		raw, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		require.NoError(f, err)
		f.Add(raw, byte(0))
	}
	f.Fuzz(func(t *testing.T, raw []byte, mode byte) {
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(raw)
		if err != nil {
			return
		}
		good := newBatch()
		good.delta("good.neighbour", testNow, 1)
		good.md.ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
		p := preparer{
			prefix: "p.", mode: HistogramMode(mode % 3), aggregations: mode%2 == 1,
			tracker: delta.New(100, time.Hour), ours: uint64(testNow.Add(-time.Hour).UnixNano()),
		}
		p.prepare(md, testNow)
		p.tracker.Commit()
		m := newMapper(&Config{OutOfWindow: OutOfWindow(mode % 3)}).run(md, testNow)
		require.Len(t, m.status, md.DataPointCount())
		found := false
		for _, items := range [][]*payload.Item{m.series, m.sketches} {
			for _, it := range items {
				require.LessOrEqual(t, len(it.Metric), 200)
				for i := range it.Points {
					pt := &it.Points[i]
					require.False(t, math.IsNaN(pt.Value))
					found = found || it.Metric == "p.good.neighbour" && pt.Value == 1
					if s := pt.Sketch; s != nil {
						var n uint64
						for _, b := range s.Bins {
							n += b.Count
						}
						require.Equal(t, s.Count, n)
						require.False(t, math.IsNaN(s.Sum) || math.IsInf(s.Sum, 0) || math.IsNaN(s.Min) || math.IsNaN(s.Max))
					}
				}
			}
		}
		require.True(t, found)
		m.rest(md)
	})
}

func extremes() []pmetric.Metrics {
	b := newBatch("host.name", "\xff")
	x := b.ms.AppendEmpty()
	x.SetName("x")
	x.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := x.ExponentialHistogram().DataPoints().AppendEmpty()
	dp.SetTimestamp(ts(testNow))
	dp.SetScale(math.MinInt32)
	dp.SetCount(2)
	dp.Positive().SetOffset(math.MaxInt32)
	dp.Positive().BucketCounts().FromRaw([]uint64{1})
	dp.Negative().BucketCounts().FromRaw([]uint64{1})
	b.histogram("h", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{-math.MaxFloat64, math.MaxFloat64}, []uint64{1, maxCount - 2, 1}, 1)
	b.histogram("h", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{-math.MaxFloat64, math.MaxFloat64}, []uint64{1, maxCount - 2, 1}, 1)
	b.sum("s", testNow, testNow, math.MinInt64, pmetric.AggregationTemporalityDelta, true)
	return []pmetric.Metrics{b.md}
}
