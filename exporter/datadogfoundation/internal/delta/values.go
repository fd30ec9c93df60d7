package delta

import (
	"math"
	"slices"
)

// Number is a counter: an int64 as long as both values are, so that counters
// beyond 2^53 keep their last digits.
type Number struct {
	Int   int64
	Float float64
	IsInt bool
}

func (n Number) float() float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

func (n Number) since(e Number) (Number, comparison) {
	if n.IsInt && e.IsInt {
		if n.Int < e.Int {
			return Number{}, shrank
		}
		return Number{Int: n.Int - e.Int, IsInt: true}, grew
	}
	d := n.float() - e.float()
	if d < 0 {
		return Number{}, shrank
	}
	return Number{Float: d}, grew
}

// Histogram has fixed bounds. A summary's count and sum are one without buckets.
type Histogram struct {
	Count   uint64
	Sum     float64
	HasSum  bool
	Bounds  []float64
	Buckets []uint64
}

func (h *Histogram) since(e *Histogram) (*Histogram, comparison) {
	if h.Count < e.Count {
		return nil, shrank
	}
	if !slices.Equal(h.Bounds, e.Bounds) || len(h.Buckets) != len(e.Buckets) {
		return nil, incomparable
	}
	d := &Histogram{Count: h.Count - e.Count, Bounds: h.Bounds, Buckets: make([]uint64, len(h.Buckets))}
	for i, n := range h.Buckets {
		if n < e.Buckets[i] {
			return nil, shrank
		}
		d.Buckets[i] = n - e.Buckets[i]
	}
	d.Sum, d.HasSum = h.Sum-e.Sum, h.HasSum && e.HasSum
	return d, grew
}

// Exponential is an OTLP exponential histogram: bucket i of a side holds
// (base^(Offset+i), base^(Offset+i+1)] with base = 2^(2^-Scale).
type Exponential struct {
	Scale              int32
	Count              uint64
	Sum                float64
	HasSum             bool
	Zero               uint64
	ZeroThreshold      float64
	Positive, Negative Side
}

// Side is one sign's buckets.
type Side struct {
	Offset  int32
	Buckets []uint64
}

// since brings the earlier value to the later one's scale and zero threshold:
// producers lower the scale, and widen the zero bucket, as values spread.
func (x *Exponential) since(e *Exponential) (*Exponential, comparison) {
	if x.Count < e.Count {
		return nil, shrank
	}
	if x.Scale > e.Scale || x.ZeroThreshold < e.ZeroThreshold {
		return nil, incomparable
	}
	shift := uint32(e.Scale - x.Scale)
	zero := e.Zero
	limit := int64(math.MinInt64) // buckets up to here were taken in by the zero bucket
	if x.ZeroThreshold > e.ZeroThreshold {
		limit = int64(math.Floor(math.Ldexp(math.Log2(x.ZeroThreshold), int(x.Scale)))) - 1
	}
	d := &Exponential{
		Scale: x.Scale, Count: x.Count - e.Count, ZeroThreshold: x.ZeroThreshold,
		Sum: x.Sum - e.Sum, HasSum: x.HasSum && e.HasSum,
	}
	var ok bool
	if d.Positive, ok = x.Positive.since(e.Positive, shift, limit, &zero); !ok {
		return nil, shrank
	}
	if d.Negative, ok = x.Negative.since(e.Negative, shift, limit, &zero); !ok {
		return nil, shrank
	}
	if x.Zero < zero {
		return nil, shrank
	}
	d.Zero = x.Zero - zero
	return d, grew
}

func (s Side) since(e Side, shift uint32, limit int64, zero *uint64) (Side, bool) {
	d := Side{Offset: s.Offset, Buckets: slices.Clone(s.Buckets)}
	for i, n := range e.Buckets {
		if n == 0 {
			continue
		}
		index := (int64(e.Offset) + int64(i)) >> min(shift, 63)
		if index <= limit {
			*zero += n
			continue
		}
		at := index - int64(s.Offset)
		if at < 0 || at >= int64(len(d.Buckets)) || d.Buckets[at] < n {
			return Side{}, false
		}
		d.Buckets[at] -= n
	}
	return d, true
}
