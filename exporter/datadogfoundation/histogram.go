package datadogfoundation

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
)

// histogram checks the points of a histogram, makes them deltas, and makes of
// them what the configuration asks for. It reports whether m itself is sent.
func (p *preparer) histogram(m pmetric.Metric, raw, name string) bool {
	h := m.Histogram()
	temporality := h.AggregationTemporality()
	if temporality == pmetric.AggregationTemporalityUnspecified {
		p.tally.drop(reasonTemporality, h.DataPoints().Len())
		return false
	}
	h.DataPoints().RemoveIf(func(dp pmetric.HistogramDataPoint) bool {
		if dp.Flags().NoRecordedValue() {
			p.tally.drop(reasonNoValue, 1)
			return true
		}
		if !wellFormed(dp) {
			p.tally.drop(reasonMalformed, 1)
			return true
		}
		if temporality == pmetric.AggregationTemporalityCumulative && !p.histogramDelta(dp) {
			return true
		}
		if dp.Count() == 0 {
			return true // an empty distribution says nothing
		}
		p.tags(dp.Attributes())
		return false
	})
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	out := p.expansion(raw, m.Unit())
	for _, dp := range h.DataPoints().All() {
		if p.mode == Counters {
			explicitBuckets(dp, func(lo, hi float64, n uint64) { out.bucket(dp, lo, hi, n) })
		}
		if p.aggregations || p.mode == NoBuckets {
			out.aggregations(dp)
		}
	}
	m.SetName(name)
	return p.mode == Distributions && h.DataPoints().Len() > 0
}

// maxCount bounds what one point may count: 4 trillion values in an export are a
// broken producer, and a sketch needs a bin for every 2^32 of them.
const maxCount = 1 << 42

// wellFormed checks the shape of a point and keeps of its sum, minimum and maximum
// what is a number.
func wellFormed(dp pmetric.HistogramDataPoint) bool {
	bounds, counts := dp.ExplicitBounds(), dp.BucketCounts()
	if counts.Len() != 0 || bounds.Len() != 0 {
		if counts.Len() != bounds.Len()+1 {
			return false
		}
		var total uint64
		for _, n := range counts.All() {
			if total+n < total {
				return false
			}
			total += n
		}
		if total != dp.Count() {
			return false
		}
	}
	last := math.Inf(-1)
	for _, b := range bounds.All() {
		if math.IsNaN(b) || b <= last && !math.IsInf(last, -1) || math.IsInf(b, 0) {
			return false
		}
		last = b
	}
	keepNumbers(dp)
	return dp.Count() <= maxCount
}

// keepNumbers takes away a sum, minimum or maximum that is no number.
func keepNumbers(dp interface {
	source
	RemoveSum()
	RemoveMin()
	RemoveMax()
},
) {
	if dp.HasSum() && !finite(dp.Sum()) {
		dp.RemoveSum()
	}
	if dp.HasMin() && (!finite(dp.Min()) || dp.HasMax() && dp.Min() > dp.Max()) {
		dp.RemoveMin()
	}
	if dp.HasMax() && !finite(dp.Max()) {
		dp.RemoveMax()
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (p *preparer) histogramDelta(dp pmetric.HistogramDataPoint) bool {
	v := &delta.Histogram{
		Count: dp.Count(), Sum: dp.Sum(), HasSum: dp.HasSum(),
		Bounds: dp.ExplicitBounds().AsRaw(), Buckets: dp.BucketCounts().AsRaw(),
	}
	d, at, verdict := delta.Next(p.tracker, p.hasher.point(dp.Attributes()), p.now, p.ours, span(dp), v)
	if !p.judge(verdict) {
		return false
	}
	if d != v { // minimum and maximum are those of the stream's whole life
		dp.RemoveMin()
		dp.RemoveMax()
	}
	dp.SetStartTimestamp(stamp(at.Start))
	dp.SetCount(d.Count)
	setSum(dp, d.Sum, d.HasSum)
	dp.BucketCounts().FromRaw(d.Buckets)
	return true
}

func setSum(dp interface {
	SetSum(float64)
	RemoveSum()
}, sum float64, has bool,
) {
	if has && finite(sum) {
		dp.SetSum(sum)
		return
	}
	dp.RemoveSum()
}

// exponential is histogram for exponential histograms.
func (p *preparer) exponential(m pmetric.Metric, raw, name string) bool {
	h := m.ExponentialHistogram()
	temporality := h.AggregationTemporality()
	if temporality == pmetric.AggregationTemporalityUnspecified {
		p.tally.drop(reasonTemporality, h.DataPoints().Len())
		return false
	}
	h.DataPoints().RemoveIf(func(dp pmetric.ExponentialHistogramDataPoint) bool {
		if dp.Flags().NoRecordedValue() {
			p.tally.drop(reasonNoValue, 1)
			return true
		}
		if !exponentialWellFormed(dp) {
			p.tally.drop(reasonMalformed, 1)
			return true
		}
		if temporality == pmetric.AggregationTemporalityCumulative && !p.exponentialDelta(dp) {
			return true
		}
		if dp.Count() == 0 {
			return true
		}
		p.tags(dp.Attributes())
		return false
	})
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	out := p.expansion(raw, m.Unit())
	for _, dp := range h.DataPoints().All() {
		if p.mode == Counters {
			exponentialBuckets(dp, func(lo, hi float64, n uint64) { out.bucket(dp, lo, hi, n) })
		}
		if p.aggregations || p.mode == NoBuckets {
			out.aggregations(dp)
		}
	}
	m.SetName(name)
	return p.mode == Distributions && h.DataPoints().Len() > 0
}

func exponentialWellFormed(dp pmetric.ExponentialHistogramDataPoint) bool {
	total := dp.ZeroCount()
	for _, side := range []pmetric.ExponentialHistogramDataPointBuckets{dp.Positive(), dp.Negative()} {
		for _, n := range side.BucketCounts().All() {
			if total+n < total {
				return false
			}
			total += n
		}
	}
	if total != dp.Count() || dp.Count() > maxCount {
		return false
	}
	if z := dp.ZeroThreshold(); !finite(z) || z < 0 {
		dp.SetZeroThreshold(0)
	}
	keepNumbers(dp)
	return true
}

func (p *preparer) exponentialDelta(dp pmetric.ExponentialHistogramDataPoint) bool {
	side := func(b pmetric.ExponentialHistogramDataPointBuckets) delta.Side {
		return delta.Side{Offset: b.Offset(), Buckets: b.BucketCounts().AsRaw()}
	}
	v := &delta.Exponential{
		Scale: dp.Scale(), Count: dp.Count(), Sum: dp.Sum(), HasSum: dp.HasSum(),
		Zero: dp.ZeroCount(), ZeroThreshold: dp.ZeroThreshold(),
		Positive: side(dp.Positive()), Negative: side(dp.Negative()),
	}
	d, at, verdict := delta.Next(p.tracker, p.hasher.point(dp.Attributes()), p.now, p.ours, span(dp), v)
	if !p.judge(verdict) {
		return false
	}
	if d != v {
		dp.RemoveMin()
		dp.RemoveMax()
	}
	dp.SetStartTimestamp(stamp(at.Start))
	dp.SetCount(d.Count)
	setSum(dp, d.Sum, d.HasSum)
	dp.SetZeroCount(d.Zero)
	dp.Positive().BucketCounts().FromRaw(d.Positive.Buckets)
	dp.Negative().BucketCounts().FromRaw(d.Negative.Buckets)
	return true
}
