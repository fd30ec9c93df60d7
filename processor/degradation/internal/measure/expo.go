package measure

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// subtractExpo makes to = now - last, at the coarser of their scales (an SDK
// coarsens a cumulative histogram when its range grows). It is false when
// something decreased. last may be coarsened; it is about to be replaced.
func subtractExpo(to, now, last *baseline.Expo) bool {
	now.CopyTo(to)
	switch {
	case to.Scale > last.Scale:
		coarsen(to, uint32(to.Scale-last.Scale))
	case to.Scale < last.Scale:
		coarsen(last, uint32(last.Scale-to.Scale))
	}
	if to.Zero < last.Zero {
		return false
	}
	to.Zero -= last.Zero
	return subtractSide(to.PositiveOffset, to.Positive, last.PositiveOffset, last.Positive) &&
		subtractSide(to.NegativeOffset, to.Negative, last.NegativeOffset, last.Negative)
}

func subtractSide(offset int32, counts []uint64, lastOffset int32, last []uint64) bool {
	for i, n := range last {
		if n == 0 {
			continue
		}
		at := int64(lastOffset) + int64(i) - int64(offset)
		if at < 0 || at >= int64(len(counts)) || counts[at] < n {
			return false
		}
		counts[at] -= n
	}
	return true
}

// coarsen joins 2^by neighbouring buckets each.
func coarsen(e *baseline.Expo, by uint32) {
	e.Scale -= int32(by)
	e.PositiveOffset, e.Positive = coarsenSide(e.PositiveOffset, e.Positive, by)
	e.NegativeOffset, e.Negative = coarsenSide(e.NegativeOffset, e.Negative, by)
}

func coarsenSide(offset int32, counts []uint64, by uint32) (int32, []uint64) {
	if len(counts) == 0 {
		return offset >> by, counts
	}
	first := offset >> by
	size := int((offset+int32(len(counts))-1)>>by-first) + 1
	for i, n := range counts {
		counts[i] = 0
		counts[int((offset+int32(i))>>by-first)] += n
	}
	return first, counts[:size]
}

// expoBounds are the bounds of the lowest and the highest bucket in use. It is
// called for histograms that count something.
func expoBounds(e *baseline.Expo) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	note := func(a, b float64) { lo, hi = min(lo, a), max(hi, b) }
	for _, i := range ends(e.Positive) {
		a, b := expohist.Bounds(e.Scale, e.PositiveOffset+i)
		note(a, b)
	}
	for _, i := range ends(e.Negative) {
		a, b := expohist.Bounds(e.Scale, e.NegativeOffset+i)
		note(-b, -a)
	}
	if e.Zero > 0 {
		note(0, 0)
	}
	return lo, hi
}

// ends are the first and the last bucket in use, or none.
func ends(counts []uint64) []int32 {
	first, last := 0, len(counts)-1
	for first <= last && counts[first] == 0 {
		first++
	}
	for last >= first && counts[last] == 0 {
		last--
	}
	if first > last {
		return nil
	}
	return []int32{int32(first), int32(last)}
}
