package sketch

import (
	"math"
	"slices"
)

// Builder makes one sketch out of the buckets of a histogram. The zero value is
// ready; after Build it is ready for the next one and keeps its memory.
type Builder struct {
	bins     []Bin
	count    uint64
	min, max float64
	midSum   float64
}

func (b *Builder) add(key int32, n uint64) {
	if n == 0 {
		return
	}
	if last := len(b.bins) - 1; last >= 0 && b.bins[last].Key == key {
		b.bins[last].Count += n
		return
	}
	b.bins = append(b.bins, Bin{key, n})
}

func (b *Builder) span(lo, hi float64, n uint64) {
	if b.count == 0 {
		b.min, b.max = lo, hi
	}
	b.min, b.max = min(b.min, lo), max(b.max, hi)
	b.count += n
	b.midSum += (lo/2 + hi/2) * float64(n)
}

// Bucket adds n values that lie between lo and hi, spread evenly: the same
// assumption that Prometheus' histogram_quantile and the agent's own
// interpolation make. An infinite bound is replaced by the other one.
func (b *Builder) Bucket(lo, hi float64, n uint64) {
	if n == 0 || math.IsNaN(lo) || math.IsNaN(hi) {
		return
	}
	lo, hi = finite(lo, hi)
	if lo > hi {
		lo, hi = hi, lo
	}
	b.span(lo, hi, n)
	switch {
	case lo >= 0:
		b.spread(lo, hi, n, 1)
	case hi <= 0:
		b.spread(-hi, -lo, n, -1)
	default: // across zero: each side gets its share of the width
		positive := uint64(math.Round(float64(n) * (hi / (hi - lo))))
		positive = min(positive, n)
		b.spread(0, hi, positive, 1)
		b.spread(0, -lo, n-positive, -1)
	}
}

func finite(lo, hi float64) (float64, float64) {
	switch {
	case math.IsInf(lo, 0) && math.IsInf(hi, 0):
		return 0, 0
	case math.IsInf(lo, 0):
		return hi, hi
	case math.IsInf(hi, 0):
		return lo, lo
	}
	return lo, hi
}

// spread walks the bins of [lo, hi] (both ≥ 0) from the top, giving each what
// the even distribution has above the bin's lower edge, rounded so that the
// total stays n. Bins narrow towards zero: once nothing is left the walk ends,
// so that a bucket from 0 costs about ln(n)/ln(gamma) steps and not all 1338.
func (b *Builder) spread(lo, hi float64, n uint64, sign int32) {
	if n == 0 {
		return
	}
	top, bottom := keyOf(hi), keyOf(lo)
	width := hi - lo
	if top == bottom || width <= 0 || math.IsInf(width, 0) {
		b.add(sign*top, n)
		return
	}
	left := n
	edge := value(top) / rootGamma // the lower edge of the bin
	for key := top; key > bottom && left > 0; key-- {
		below := uint64(0)
		if edge > lo {
			below = min(uint64(math.Round(float64(n)*((edge-lo)/width))), left)
		}
		b.add(sign*key, left-below)
		left = below
		edge /= gamma
	}
	b.add(sign*bottom, left)
}

// Summary is what a histogram says about its values beside the buckets.
type Summary struct {
	Sum, Min, Max          float64
	HasSum, HasMin, HasMax bool
}

// Build returns the sketch of the buckets so far. What the histogram does not
// say is taken from the buckets: their edges for min and max, their middles
// for the sum.
func (b *Builder) Build(known Summary) Sketch {
	s := Sketch{Count: b.count, Sum: b.midSum, Min: b.min, Max: b.max}
	if known.HasSum {
		s.Sum = known.Sum
	}
	switch {
	case b.count == 1 && known.HasSum:
		// One value is known exactly: it is the sum.
		b.bins = append(b.bins[:0], Bin{keyOf(known.Sum), 1})
		s.Min, s.Max = known.Sum, known.Sum
	default:
		if known.HasMin {
			s.Min = known.Min
		}
		if known.HasMax {
			s.Max = known.Max
		}
	}
	slices.SortFunc(b.bins, func(x, y Bin) int { return int(x.Key) - int(y.Key) })
	s.Bins = make([]Bin, 0, len(b.bins))
	for _, bin := range b.bins {
		if last := len(s.Bins) - 1; last >= 0 && s.Bins[last].Key == bin.Key {
			s.Bins[last].Count += bin.Count
			continue
		}
		s.Bins = append(s.Bins, bin)
	}
	s.Bins = fold(s.Bins)
	if math.IsNaN(s.Sum) { // infinities of both signs met
		s.Sum = 0
	}
	s.Sum = clamp(s.Sum)
	*b = Builder{bins: b.bins[:0]}
	return s
}
