package datadogfoundation

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/sketch"
)

// explicitBuckets calls f for each bucket that holds something, with the bounds
// as they are, infinite ones included.
func explicitBuckets(dp pmetric.HistogramDataPoint, f func(lo, hi float64, n uint64)) {
	bounds, counts := dp.ExplicitBounds(), dp.BucketCounts()
	if counts.Len() == 0 {
		f(math.Inf(-1), math.Inf(1), dp.Count())
		return
	}
	for i, n := range counts.All() {
		if n == 0 {
			continue
		}
		lo, hi := math.Inf(-1), math.Inf(1)
		if i > 0 {
			lo = bounds.At(i - 1)
		}
		if i < bounds.Len() {
			hi = bounds.At(i)
		}
		f(lo, hi, n)
	}
}

// exponentialBuckets is explicitBuckets for exponential histograms.
func exponentialBuckets(dp pmetric.ExponentialHistogramDataPoint, f func(lo, hi float64, n uint64)) {
	scale := dp.Scale()
	edge := func(index int64) float64 {
		return min(math.Exp2(math.Ldexp(float64(index), -int(scale))), math.MaxFloat64)
	}
	for i, n := range dp.Negative().BucketCounts().All() {
		if n > 0 {
			at := int64(dp.Negative().Offset()) + int64(i)
			f(-edge(at+1), -edge(at), n)
		}
	}
	if n := dp.ZeroCount(); n > 0 {
		hi, lo := dp.ZeroThreshold(), 0.0
		if dp.Negative().BucketCounts().Len() > 0 {
			lo = -hi
		}
		f(lo, hi, n)
	}
	for i, n := range dp.Positive().BucketCounts().All() {
		if n > 0 {
			at := int64(dp.Positive().Offset()) + int64(i)
			f(edge(at), edge(at+1), n)
		}
	}
}

// explicitSketch makes a sketch of a histogram point. The outermost buckets are
// narrowed to minimum and maximum where these are known. A lowest bucket without
// minimum begins at 0 if its upper bound is positive (Prometheus' rule), else it
// is one value wide, and so is the highest without maximum. Without buckets all
// values lie between minimum and maximum, or at the mean.
func explicitSketch(b *sketch.Builder, dp pmetric.HistogramDataPoint) sketch.Sketch {
	explicitBuckets(dp, func(lo, hi float64, n uint64) {
		if math.IsInf(lo, -1) && math.IsInf(hi, 1) && !(dp.HasMin() && dp.HasMax()) {
			mean := 0.0
			if dp.HasSum() {
				mean = dp.Sum() / float64(dp.Count())
			}
			b.Bucket(mean, mean, n)
			return
		}
		switch {
		case dp.HasMin() && dp.Min() > lo && dp.Min() <= hi:
			lo = dp.Min()
		case math.IsInf(lo, -1) && hi > 0 && !math.IsInf(hi, 1):
			lo = 0
		}
		if dp.HasMax() && dp.Max() < hi && dp.Max() >= lo {
			hi = dp.Max()
		}
		b.Bucket(lo, hi, n)
	})
	return b.Build(known(dp))
}

func exponentialSketch(b *sketch.Builder, dp pmetric.ExponentialHistogramDataPoint) sketch.Sketch {
	exponentialBuckets(dp, func(lo, hi float64, n uint64) {
		if dp.HasMin() && dp.Min() > lo && dp.Min() <= hi {
			lo = dp.Min()
		}
		if dp.HasMax() && dp.Max() < hi && dp.Max() >= lo {
			hi = dp.Max()
		}
		b.Bucket(lo, hi, n)
	})
	return b.Build(known(dp))
}

func known(s source) sketch.Summary {
	return sketch.Summary{
		Sum: s.Sum(), HasSum: s.HasSum(),
		Min: s.Min(), HasMin: s.HasMin(),
		Max: s.Max(), HasMax: s.HasMax(),
	}
}
