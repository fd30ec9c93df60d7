package sketch

import (
	"math"
	"slices"
)

const (
	// Epsilon is the relative error of a bin.
	Epsilon = 1.0 / 128
	gamma   = 1 + 2*Epsilon
	minimum = 1e-9

	// binLimit is the agent's, so that a sketch merges there without loss.
	binLimit = 4096
	// maxKey is the largest finite key: the agent's keys are 16 bits, of which
	// the last value means infinity.
	maxKey = math.MaxInt16 - 1

	// What follows from gamma and minimum; a test computes them again.
	lnGamma   = 0.015504186535965254  // ln(gamma)
	rootGamma = 1.0077822185373186    // √gamma
	bias      = 1338                  // 1 − ⌊ln(minimum)/lnGamma⌋
	smallest  = 9.941854089121455e-10 // value(1)
)

// Bin counts the values of one key.
type Bin struct {
	Key   int32
	Count uint64
}

// Sketch is a distribution. Bins are sorted by key, each key once.
type Sketch struct {
	Count         uint64
	Sum, Min, Max float64
	Bins          []Bin
}

// Avg is the mean, 0 when there is no value.
func (s *Sketch) Avg() float64 {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / float64(s.Count)
}

func value(key int32) float64 {
	switch {
	case key < 0:
		return -value(-key)
	case key == 0:
		return 0
	}
	return math.Exp(float64(key-bias) * lnGamma)
}

func keyOf(v float64) int32 {
	switch {
	case v < 0:
		return -keyOf(-v)
	case v < smallest:
		return 0
	}
	k := math.RoundToEven(math.Log(v)/lnGamma) + float64(bias)
	return int32(min(max(k, 1), maxKey))
}

// Merge adds the values of o, which stays as it is.
func (s *Sketch) Merge(o *Sketch) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 {
		*s = *o
		s.Bins = slices.Clone(o.Bins)
		return
	}
	s.Count += o.Count
	s.Sum = clamp(s.Sum + o.Sum)
	s.Min = min(s.Min, o.Min)
	s.Max = max(s.Max, o.Max)
	merged := make([]Bin, 0, len(s.Bins)+len(o.Bins))
	i, j := 0, 0
	for i < len(s.Bins) && j < len(o.Bins) {
		a, b := s.Bins[i], o.Bins[j]
		switch {
		case a.Key < b.Key:
			merged = append(merged, a)
			i++
		case a.Key > b.Key:
			merged = append(merged, b)
			j++
		default:
			merged = append(merged, Bin{a.Key, a.Count + b.Count})
			i++
			j++
		}
	}
	merged = append(merged, s.Bins[i:]...)
	merged = append(merged, o.Bins[j:]...)
	s.Bins = fold(merged)
}

// clamp keeps a sum that overflowed finite: the intake takes no infinities.
func clamp(v float64) float64 {
	return max(-math.MaxFloat64, min(math.MaxFloat64, v))
}

// fold joins the lowest bins until binLimit are left.
func fold(bins []Bin) []Bin {
	extra := len(bins) - binLimit
	if extra <= 0 {
		return bins
	}
	for _, b := range bins[:extra] {
		bins[extra].Count += b.Count
	}
	return bins[extra:]
}

// Columns are the bins as the wire wants them. A count above 32 bits takes
// several bins of one key, as many as the bin limit allows; what would need more
// is left out of the bins (not out of Count), so that no input can make the
// message grow without bound.
func (s *Sketch) Columns(k []int32, n []uint32) ([]int32, []uint32) {
	spare := binLimit
	for _, b := range s.Bins {
		c := b.Count
		for ; c > math.MaxUint32 && spare > 0; spare-- {
			k, n = append(k, b.Key), append(n, math.MaxUint32)
			c -= math.MaxUint32
		}
		k, n = append(k, b.Key), append(n, uint32(min(c, math.MaxUint32)))
	}
	return k, n
}
