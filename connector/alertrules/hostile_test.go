package alertrules

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Buckets that no number belongs to made Prometheus' arithmetic panic, which ends
// the collector. They are refused, and what else comes is taken.
func TestHistogramsOfImpossibleNumbers(t *testing.T) {
	r := newRig(t, `
rules:
  - {name: P, metric: m, aggregate: p99, window: 5m, op: gt, threshold: 5, min_count: 1}
  - {name: I, metric: m, aggregate: increase, window: 5m, op: gt, threshold: 5}
  - {name: C, metric: m, aggregate: count, window: 5m, op: gt, threshold: 0}
`)
	n := 0
	for _, temp := range []pmetric.AggregationTemporality{pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative} {
		for _, scale := range []int32{-4, 0, 8, 20, 39} {
			for _, off := range []int32{math.MaxInt32, math.MinInt32, 0, math.MaxInt32 - 3, math.MinInt32 + 1, 1 << 30, -1 << 30} {
				md, m := batch("m")
				h := m.SetEmptyExponentialHistogram()
				h.SetAggregationTemporality(temp)
				for k := range 2 {
					dp := h.DataPoints().AppendEmpty()
					dp.SetTimestamp(ts(r.clock.now().Add(time.Duration(k) * time.Second)))
					dp.SetStartTimestamp(ts(r.clock.now().Add(-time.Minute)))
					dp.SetScale(scale)
					dp.SetCount(30)
					dp.SetSum(1)
					dp.SetZeroThreshold([]float64{0, 1e300}[n%2])
					dp.Positive().SetOffset(off)
					dp.Positive().BucketCounts().FromRaw([]uint64{1, 0, 2, 0, 0, 0, 0, 0, 3, 4, 5})
					dp.Negative().SetOffset(-off)
					dp.Negative().BucketCounts().FromRaw([]uint64{5, 0, 0, 0, 0, 5, 5})
					dp.Attributes().PutInt("x", int64(n%3))
				}
				r.send(md)
				n++
				if n%5 == 0 {
					r.step(30 * time.Second)
				}
			}
		}
	}
	taken, refused := r.counter("otelcol_alert_rules_points", "", ""), r.counter("otelcol_alert_rules_refused", "reason", "invalid")
	assert.Positive(t, taken)
	assert.Positive(t, refused)
	assert.Zero(t, r.counter("otelcol_alert_rules_evaluation_failures", "", ""))
}
