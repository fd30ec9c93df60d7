package degradation

import (
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// interval is what happened in (from, to]; restart says that the process was
// started anew at from.
type interval struct {
	from, to time.Duration
	values   []float64
	restart  bool
}

// encoding writes a schedule as one input type: one batch an interval, and the
// values as the type can carry them (a gauge has one).
type encoding struct {
	name   string
	scalar bool
	// width is the ratio of a bucket's bounds, 1 when the values are exact.
	width float64
	// scale is what the values were multiplied by; fixed bounds are, too.
	encode func(all []interval, scale float64) []pmetric.Metrics
}

// bounds grow by 1.5 from 1 ms, as foundation_metrics' do.
var bounds = func() (b []float64) {
	for v := 0.001; v < 600; v *= 1.5 {
		b = append(b, v)
	}
	return b
}()

const expoScale = 3 // buckets of 9 %

func encodings() []encoding {
	const delta, cumulative = pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative
	expoWidth := math.Exp2(math.Ldexp(1, -expoScale))
	return []encoding{
		{"gauge", true, 1, perInterval(func(m pmetric.Metric, i interval) {
			number(m.SetEmptyGauge().DataPoints(), noStart, i.to, i.values[0])
		})},
		{"non-monotonic sum, cumulative", true, 1, perInterval(func(m pmetric.Metric, i interval) {
			s := m.SetEmptySum()
			s.SetAggregationTemporality(cumulative)
			number(s.DataPoints(), noStart, i.to, i.values[0])
		})},
		{"non-monotonic sum, delta", true, 1, perInterval(func(m pmetric.Metric, i interval) {
			s := m.SetEmptySum()
			s.SetAggregationTemporality(delta)
			number(s.DataPoints(), i.from, i.to, i.values[0])
		})},
		{"summary", true, 1, perInterval(func(m pmetric.Metric, i interval) {
			dp := m.SetEmptySummary().DataPoints().AppendEmpty()
			dp.SetTimestamp(at(i.to))
			dp.SetCount(7)
			for _, q := range []struct{ q, v float64 }{{0.5, 0.0001}, {0.95, i.values[0]}, {0.99, 1e6}} {
				at := dp.QuantileValues().AppendEmpty()
				at.SetQuantile(q.q)
				at.SetValue(q.v)
			}
		})},
		{"monotonic sum, delta", true, 1, perInterval(func(m pmetric.Metric, i interval) {
			s := m.SetEmptySum()
			s.SetIsMonotonic(true)
			s.SetAggregationTemporality(delta)
			number(s.DataPoints(), i.from, i.to, i.values[0]*(i.to-i.from).Seconds())
		})},
		{"monotonic sum, cumulative", true, 1, func(all []interval, scale float64) []pmetric.Metrics {
			var start time.Duration
			total := 0.0
			return perInterval(func(m pmetric.Metric, i interval) {
				if i.restart {
					start, total = i.from, 0
				}
				total += i.values[0] * (i.to - i.from).Seconds()
				s := m.SetEmptySum()
				s.SetIsMonotonic(true)
				s.SetAggregationTemporality(cumulative)
				number(s.DataPoints(), start, i.to, total)
			})(all, scale)
		}},
		{"histogram, delta", false, 1.5, explicitHistogram(delta)},
		{"histogram, cumulative", false, 1.5, explicitHistogram(cumulative)},
		{"exponential histogram, delta", false, expoWidth, expoHistogram(delta)},
		{"exponential histogram, cumulative", false, expoWidth, expoHistogram(cumulative)},
	}
}

// noStart is the start of points that say none.
const noStart = time.Duration(-1)

func perInterval(fill func(pmetric.Metric, interval)) func([]interval, float64) []pmetric.Metrics {
	return func(all []interval, _ float64) (out []pmetric.Metrics) {
		for _, i := range all {
			out = append(out, batch("m", "s", func(m pmetric.Metric) { fill(m, i) }))
		}
		return out
	}
}

func number(points pmetric.NumberDataPointSlice, start, to time.Duration, v float64) {
	dp := points.AppendEmpty()
	if start != noStart {
		dp.SetStartTimestamp(at(start))
	}
	dp.SetTimestamp(at(to))
	dp.SetDoubleValue(v)
}

func explicitHistogram(t pmetric.AggregationTemporality) func([]interval, float64) []pmetric.Metrics {
	return func(all []interval, scale float64) []pmetric.Metrics {
		var start time.Duration
		var sum float64
		var counts []uint64
		var count uint64
		bounds := slices.Clone(bounds)
		for i := range bounds {
			bounds[i] *= scale
		}
		return perInterval(func(m pmetric.Metric, i interval) {
			if i.restart || t == pmetric.AggregationTemporalityDelta {
				start, sum, count, counts = i.from, 0, 0, make([]uint64, len(bounds)+1)
			}
			for _, v := range i.values {
				at, _ := slices.BinarySearch(bounds, v)
				counts[at]++
				sum += v
				count++
			}
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(t)
			dp := h.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(at(start))
			dp.SetTimestamp(at(i.to))
			dp.SetCount(count)
			dp.SetSum(sum)
			dp.ExplicitBounds().FromRaw(bounds)
			dp.BucketCounts().FromRaw(counts)
		})(all, scale)
	}
}

func expoHistogram(t pmetric.AggregationTemporality) func([]interval, float64) []pmetric.Metrics {
	return func(all []interval, scale float64) []pmetric.Metrics {
		var start time.Duration
		var sum float64
		var counts map[int]uint64
		var count uint64
		return perInterval(func(m pmetric.Metric, i interval) {
			if i.restart || t == pmetric.AggregationTemporalityDelta {
				start, sum, count, counts = i.from, 0, 0, map[int]uint64{}
			}
			for _, v := range i.values {
				counts[int(math.Ceil(math.Log2(v)*8))-1]++
				sum += v
				count++
			}
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(t)
			dp := h.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(at(start))
			dp.SetTimestamp(at(i.to))
			dp.SetCount(count)
			dp.SetSum(sum)
			dp.SetScale(expoScale)
			fillBuckets(dp.Positive(), counts)
		})(all, scale)
	}
}

func fillBuckets(b pmetric.ExponentialHistogramDataPointBuckets, counts map[int]uint64) {
	if len(counts) == 0 {
		return
	}
	lo, hi := math.MaxInt, math.MinInt
	for i := range counts {
		lo, hi = min(lo, i), max(hi, i)
	}
	dense := make([]uint64, hi-lo+1)
	for i, n := range counts {
		dense[i-lo] = n
	}
	b.SetOffset(int32(lo))
	b.BucketCounts().FromRaw(dense)
}
