package intake

import (
	"github.com/prometheus/prometheus/model/histogram"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const (
	// Native histograms have schemas from -4 to 8; finer scales are merged.
	minSchema, maxSchema = -4, 8
	// OTLP's zero bucket has no width unless it says so; this is what
	// Prometheus' own endpoint takes.
	zeroThreshold = 1e-128
	// A histogram beyond this is an attack, not a measurement.
	maxBuckets = 10_000
)

func native(dp pmetric.ExponentialHistogramDataPoint) (*histogram.FloatHistogram, bool) {
	pos, neg := dp.Positive(), dp.Negative()
	if dp.Scale() < minSchema || pos.BucketCounts().Len() > maxBuckets || neg.BucketCounts().Len() > maxBuckets {
		return nil, false
	}
	shift := max(dp.Scale()-maxSchema, 0)
	h := &histogram.FloatHistogram{
		Schema:        min(dp.Scale(), maxSchema),
		ZeroThreshold: max(zeroThreshold, dp.ZeroThreshold()),
		ZeroCount:     float64(dp.ZeroCount()),
		Count:         float64(dp.Count()),
		Sum:           dp.Sum(),
	}
	if shift > 31 || !finite(h.ZeroThreshold) {
		return nil, false
	}
	var okPos, okNeg bool
	h.PositiveSpans, h.PositiveBuckets, okPos = spans(pos, shift, h.Schema)
	h.NegativeSpans, h.NegativeBuckets, okNeg = spans(neg, shift, h.Schema)
	return h, okPos && okNeg
}

// spans makes a sparse list of a dense one. OTLP's bucket i is (base^i,
// base^(i+1)], Prometheus' is (base^(i-1), base^i], hence the 1. ok is false for a
// bucket that no number belongs to: Prometheus' arithmetic is made for others, and
// panics where indexes overflow.
func spans(b pmetric.ExponentialHistogramDataPointBuckets, shift, schema int32) (out []histogram.Span, values []float64, ok bool) {
	lowest, highest := indexes(schema)
	next := int64(0) // the index after the last bucket written
	for i, n := range b.BucketCounts().All() {
		if n == 0 {
			continue
		}
		at := (int64(b.Offset())+int64(i))>>shift + 1
		if at < lowest || at > highest {
			return nil, nil, false
		}
		if len(values) > 0 && at == next-1 {
			values[len(values)-1] += float64(n)
			continue
		}
		if gap := at - next; len(out) == 0 || gap > 0 {
			out = append(out, histogram.Span{Offset: int32(gap)})
		}
		out[len(out)-1].Length++
		values = append(values, float64(n))
		next = at + 1
	}
	return out, values, true
}

// indexes are those of the buckets of a schema that the smallest and the largest
// float64 lie in, 2^-1074 and just below 2^1024.
func indexes(schema int32) (lowest, highest int64) {
	if schema < 0 {
		return -(1074 >> -schema) - 1, 1024 >> -schema
	}
	return -1074 << schema, 1024 << schema
}
