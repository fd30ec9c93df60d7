package expohist

import "math"

// Quantile estimates the q-quantile, interpolating within its bucket as if the
// bucket's values were spread evenly over its logarithm. It is at most one
// bucket's width off. NaN when nothing is held.
func (h *Histogram) Quantile(q float64) float64 {
	total := h.Count()
	if total == 0 {
		return math.NaN()
	}
	rank := q * float64(total)
	var before float64
	for i := len(h.neg.counts) - 1; i >= 0; i-- { // the largest magnitude is the smallest value
		n := float64(h.neg.counts[i])
		if n > 0 && before+n >= rank {
			return -h.within(h.neg.offset+int32(i), 1-(rank-before)/n)
		}
		before += n
	}
	if h.zero > 0 && before+float64(h.zero) >= rank {
		return 0
	}
	before += float64(h.zero)
	last := 0.0
	for i, c := range h.pos.counts {
		if c == 0 {
			continue
		}
		n := float64(c)
		if before+n >= rank {
			return h.within(h.pos.offset+int32(i), (rank-before)/n)
		}
		before += n
		last = h.within(h.pos.offset+int32(i), 1)
	}
	return last // reached only by rounding of very large counts
}

// Bounds are those of bucket i at the scale, the upper one at most the largest
// float64.
func Bounds(scale, i int32) (lo, hi float64) {
	return within(scale, i, 0), within(scale, i, 1)
}

func (h *Histogram) within(i int32, share float64) float64 { return within(h.scale, i, share) }

// within is the value at the given share of bucket i's logarithmic width.
func within(scale, i int32, share float64) float64 {
	share = min(max(share, 0), 1)
	v := math.Exp2(math.Ldexp(float64(i)+share, -int(scale)))
	return min(v, math.MaxFloat64)
}

// index is the bucket of v > 0. A value on a bound belongs to the bucket below
// it, which the exact powers of two show; elsewhere the rounding of the
// logarithm may put a value that lies on a bound on its other side, which moves
// a quantile by less than the bucket's width.
func index(v float64, scale int32) int32 {
	fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, fraction in [0.5, 1)
	if fraction == 0.5 {
		fraction, exponent = 1, exponent-1
	}
	// v in (2^(exponent-1), 2^exponent] now
	if scale <= 0 {
		return int32(exponent-1) >> uint32(-scale)
	}
	per := int32(1) << uint32(scale) // buckets in each power of two
	sub := int32(math.Ceil(math.Log2(fraction)*float64(per))) + per - 1
	sub = min(max(sub, 0), per-1)
	return int32(exponent-1)<<uint32(scale) + sub
}
