package baseline

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// mergePanes is the baseline that the panes chosen by in make together.
func (mg *Merger) mergePanes(panes []pane, in func(*pane) bool) verdict.Baseline {
	var b verdict.Baseline
	var sum float64
	lo, hi := math.Inf(1), math.Inf(-1)
	var values, others int
	var layout *explicit // of all buckets, while they agree
	for i := range panes {
		p := &panes[i]
		if !in(p) {
			continue
		}
		count, s, l, h := p.total()
		b.Count += count
		sum += s
		lo, hi = min(lo, l), max(hi, h)
		values += len(p.values)
		if p.holdsExpo() {
			others++
		}
		if p.holdsExplicit() {
			if layout == nil {
				layout = p.form.explicit
			} else if !SameBounds(layout.bounds, p.form.explicit.bounds) {
				others++
			}
		}
	}
	if b.Count == 0 {
		return b
	}
	b.Mean = sum / float64(b.Count)
	switch {
	case others == 0 && layout == nil:
		mg.mergeValues(panes, in, &b)
	case others == 0 && values == 0:
		mg.mergeExplicit(panes, in, layout, &b)
	default:
		mg.mergeExpo(panes, in, &b)
	}
	if lo <= hi { // never outside of what was seen; a NaN stays one
		b.P95 = min(max(b.P95, lo), hi)
		if mg.Low {
			b.P5 = min(max(b.P5, lo), hi)
		}
	}
	return b
}

func (mg *Merger) mergeValues(panes []pane, in func(*pane) bool, b *verdict.Baseline) {
	mg.values = mg.values[:0]
	for i := range panes {
		if in(&panes[i]) {
			mg.values = append(mg.values, panes[i].values...)
		}
	}
	n := len(mg.values)
	if n == 0 {
		b.P95, b.P5 = math.NaN(), math.NaN()
		return
	}
	b.P95 = kthSmallest(mg.values, nearestRank(n))
	if mg.Low {
		b.P5 = kthSmallest(mg.values, lowRank(n))
	}
}

func (mg *Merger) mergeExplicit(panes []pane, in func(*pane) bool, layout *explicit, b *verdict.Baseline) {
	mg.counts = append(mg.counts[:0], make([]uint64, len(layout.counts))...)
	for i := range panes {
		p := &panes[i]
		if !in(p) || !p.holdsExplicit() {
			continue
		}
		for j, n := range p.form.explicit.counts {
			mg.counts[j] += uint64(n)
		}
	}
	b.P95 = ExplicitQuantile(0.95, layout.bounds, mg.counts)
	if i, _ := quantileBucket(0.95, layout.bounds, mg.counts); i >= 0 {
		b.Wide = isWide(layout.bounds, i)
	}
	if mg.Low {
		b.P5 = ExplicitQuantile(0.05, layout.bounds, mg.counts)
	}
}

func (mg *Merger) mergeExpo(panes []pane, in func(*pane) bool, b *verdict.Baseline) {
	mg.expo.Reset()
	for i := range panes {
		if in(&panes[i]) {
			panes[i].mergeInto(&mg.expo)
		}
	}
	b.P95 = mg.expo.Quantile(0.95)
	// A bucket of scale s is 2^(2^-s) wide: 1.41 at 1, 2 at 0.
	b.Wide = mg.expo.Scale() < 1 && b.P95 != 0
	if mg.Low {
		b.P5 = mg.expo.Quantile(0.05)
	}
}

// nearestRank is the 0-based place of the 95th percentile among n values in
// order: the smallest value with at least 95 % of them not above it. In
// integers, since 0.95*20 is not 19 in floating point.
func nearestRank(n int) int { return (95*n+99)/100 - 1 }

// lowRank is the same of the 5th percentile.
func lowRank(n int) int { return max(1, (5*n+99)/100) - 1 }

// kthSmallest reorders values and returns the one that sorting would put at k:
// in linear time, where sorting a window of raw values for one of them would be
// most of the cost of a gauge.
func kthSmallest(values []float64, k int) float64 {
	lo, hi := 0, len(values)-1
	for lo < hi {
		// the median of three keeps ordered input, the usual worst case, fast
		mid := lo + (hi-lo)/2
		if values[mid] < values[lo] {
			values[mid], values[lo] = values[lo], values[mid]
		}
		if values[hi] < values[lo] {
			values[hi], values[lo] = values[lo], values[hi]
		}
		if values[hi] < values[mid] {
			values[hi], values[mid] = values[mid], values[hi]
		}
		pivot := values[mid]
		i, j := lo, hi
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return values[k]
		}
	}
	return values[lo]
}
