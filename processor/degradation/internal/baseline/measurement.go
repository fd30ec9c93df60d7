package baseline

import (
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// Measurement is what one point of a series measured: Count values with this
// sum, none below Min and none above Max. Current is the number that is judged.
// Its distribution is one of three: Buckets (not empty) in the layout Bounds,
// else Expo when not nil, else the one value Current.
//
// A Measurement belongs to its maker and is read before the next one is made; but
// Bounds never change, so that panes keep them without a copy.
type Measurement struct {
	Current  float64
	Count    uint64
	Sum      float64
	Min, Max float64

	Bounds  []float64
	Buckets []uint64
	Expo    *Expo
	// NoDistribution: a histogram that came without buckets. Its mean is known,
	// its percentiles are not.
	NoDistribution bool
}

// Expo is an exponential histogram as OTLP carries it: dense buckets.
type Expo struct {
	Scale          int32
	Zero           uint64
	PositiveOffset int32
	Positive       []uint64
	NegativeOffset int32
	Negative       []uint64
}

// AddTo counts all of it in h.
func (e *Expo) AddTo(h *expohist.Histogram) {
	h.AddZero(e.Zero)
	h.AddPositive(e.Scale, e.PositiveOffset, e.Positive)
	h.AddNegative(e.Scale, e.NegativeOffset, e.Negative)
}

// SameBounds says whether two layouts are equal: mostly they are the same.
func SameBounds(a, b []float64) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// IsScalar says whether it is a single value.
func (m *Measurement) IsScalar() bool {
	return m.Expo == nil && len(m.Buckets) == 0 && !m.NoDistribution
}

// CopyTo makes to the same, in memory of its own, which it reuses.
func (m *Measurement) CopyTo(to *Measurement) {
	buckets, expo := to.Buckets[:0], to.Expo
	*to = *m
	buckets = append(buckets, m.Buckets...)
	to.Buckets = buckets
	if m.Expo == nil {
		return
	}
	if expo == nil {
		expo = &Expo{}
	}
	m.Expo.CopyTo(expo)
	to.Expo = expo
}

// Room is how many buckets it has memory for.
func (m *Measurement) Room() int {
	n := cap(m.Buckets)
	if m.Expo != nil {
		n += cap(m.Expo.Positive) + cap(m.Expo.Negative)
	}
	return n
}

// CopyTo makes to the same, in memory of its own, which it reuses.
func (e *Expo) CopyTo(to *Expo) {
	positive, negative := to.Positive[:0], to.Negative[:0]
	*to = *e
	positive = append(positive, e.Positive...)
	negative = append(negative, e.Negative...)
	to.Positive, to.Negative = positive, negative
}

// ScalarMeasurement is a single value.
func ScalarMeasurement(v float64) Measurement {
	return Measurement{Current: v, Count: 1, Sum: v, Min: v, Max: v}
}

// ExplicitQuantile estimates the q-quantile of buckets: linear within the
// bucket, the first one beginning at zero when its bound is positive, the last
// one, which has no end, giving its beginning. It is what Prometheus'
// histogram_quantile does, so that both say the same of the same data. NaN when
// the layout has no bound or nothing is counted.
func ExplicitQuantile[N uint32 | uint64](q float64, bounds []float64, counts []N) float64 {
	i, share := quantileBucket(q, bounds, counts)
	if i < 0 {
		return math.NaN()
	}
	lo, hi := bucketBounds(bounds, i)
	return lo + (hi-lo)*share
}

// quantileBucket is the bucket that the q-quantile lies in, and how far through
// it; -1 when the layout has no bound or nothing is counted.
func quantileBucket[N uint32 | uint64](q float64, bounds []float64, counts []N) (bucket int, share float64) {
	var total float64
	for _, n := range counts {
		total += float64(n)
	}
	if total == 0 || len(bounds) == 0 {
		return -1, 0
	}
	rank := q * total
	var before float64
	last := -1
	for i, c := range counts {
		if c == 0 {
			continue
		}
		n := float64(c)
		if before+n >= rank {
			return i, max(0, (rank-before)/n)
		}
		before += n
		last = i
	}
	return last, 1 // reached only by rounding of very large counts
}

// isWide says whether bucket i is too wide for a quantile in it to be compared
// with a ratio of wideBucket: its values may differ by more than that. So may
// those of a bucket that begins at zero, or has no end.
func isWide(bounds []float64, i int) bool {
	if i >= len(bounds) {
		return true
	}
	switch lo, hi := bucketBounds(bounds, i); {
	case lo > 0:
		return hi > lo*wideBucket
	case hi < 0:
		return i == 0 || lo < hi*wideBucket
	case hi == 0:
		return i > 0 // the first one, up to zero, holds the zeros of what is never below
	}
	return true
}

// wideBucket is the ratio by which the rule compares with the 95th percentile.
// The tolerance is for bounds that were made by multiplying with it.
const wideBucket = 1.5 * (1 + 1e-9)

// ExplicitBounds returns the bounds of the lowest and the highest bucket in
// use, by the same reading as ExplicitQuantile.
func ExplicitBounds[N uint32 | uint64](bounds []float64, counts []N) (lo, hi float64) {
	lo, hi = math.NaN(), math.NaN()
	if len(bounds) == 0 {
		return lo, hi
	}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		a, b := bucketBounds(bounds, i)
		if math.IsNaN(lo) {
			lo = a
		}
		hi = b
	}
	return lo, hi
}

func bucketBounds(bounds []float64, i int) (lo, hi float64) {
	if i >= len(bounds) {
		end := bounds[len(bounds)-1]
		return end, end
	}
	hi = bounds[i]
	switch {
	case i > 0:
		lo = bounds[i-1]
	case hi <= 0:
		lo = hi
	}
	return lo, hi
}
