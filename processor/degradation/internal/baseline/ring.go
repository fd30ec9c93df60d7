package baseline

import (
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Panes is how the past is cut: Count panes of Width nanoseconds make a window.
type Panes struct {
	Width int64
	Count int64
}

// Number is the pane that a time (Unix nanoseconds, not negative) falls into.
func (p Panes) Number(t int64) int64 { return t / p.Width }

// Ring is the recent past of one series: the newest pane, and as many before it
// as make a window. The zero value is empty. What all rings share (the cut, the
// memory for merging) is in Merger, to keep a series small.
type Ring struct {
	panes  []pane // pane k is at k modulo their number
	newest int64

	// The last baseline asked for. It stays true while only panes that are not
	// part of it are added to, so that it is made once for each pane.
	cached    verdict.Baseline
	cachedFor int64
	fresh     bool
}

// Merger makes baselines of rings. It is not safe for concurrent use.
type Merger struct {
	panes  Panes
	values []float64
	counts []uint64
	expo   expohist.Histogram
}

// NewMerger returns a merger for rings cut in this way.
func NewMerger(p Panes) *Merger { return &Merger{panes: p} }

// Holds says whether the pane of time t is held, or would be after Add: it is
// unless the ring has moved a window beyond it.
func (mg *Merger) Holds(r *Ring, t int64) bool {
	return len(r.panes) == 0 || mg.panes.Number(t) >= r.newest-mg.panes.Count
}

// Add puts a measurement of time t, which must be held, into its pane.
func (mg *Merger) Add(r *Ring, t int64, m *Measurement) {
	k := mg.panes.Number(t)
	if len(r.panes) == 0 {
		r.panes = make([]pane, mg.panes.Count+1)
		for i := range r.panes {
			r.panes[i].number = -1
		}
		r.newest = k
	}
	r.newest = max(r.newest, k)
	p := &r.panes[k%int64(len(r.panes))]
	if p.number != k {
		r.fresh = r.fresh && !mg.isBefore(p.number, r.cachedFor)
		p.reset(k)
	}
	r.fresh = r.fresh && !mg.isBefore(k, r.cachedFor)
	p.add(m)
}

// Before is the baseline of time t: the measurements of the window of panes
// before t's own, as far as they are held. Measurements of t's own pane are not
// in it, whatever their order, so that the order within a pane does not matter.
func (mg *Merger) Before(r *Ring, t int64) verdict.Baseline {
	k := mg.panes.Number(t)
	if !r.fresh || r.cachedFor != k {
		r.cached, r.cachedFor, r.fresh = mg.merge(r, k), k, true
	}
	return r.cached
}

// isBefore says whether a pane is one of the window before pane k. A pane that
// was never used has the number -1.
func (mg *Merger) isBefore(number, k int64) bool {
	return number >= max(0, k-mg.panes.Count) && number < k
}

func (mg *Merger) merge(r *Ring, k int64) verdict.Baseline {
	in := func(p *pane) bool { return mg.isBefore(p.number, k) }
	var b verdict.Baseline
	var sum float64
	lo, hi := math.Inf(1), math.Inf(-1)
	var values, others int
	var layout *explicit // of all buckets, while they agree
	for i := range r.panes {
		p := &r.panes[i]
		if !in(p) {
			continue
		}
		b.Count += p.count
		sum += p.sum
		lo, hi = min(lo, p.min), max(hi, p.max)
		values += len(p.values)
		if p.holdsExpo() {
			others++
		}
		if p.holdsExplicit() {
			if layout == nil {
				layout = p.explicit
			} else if !slices.Equal(layout.bounds, p.explicit.bounds) {
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
		b.P95 = mg.mergeValues(r, in)
	case others == 0 && values == 0:
		b.P95 = mg.mergeExplicit(r, in, layout)
	default:
		b.P95 = mg.mergeExpo(r, in)
	}
	if !math.IsNaN(b.P95) && lo <= hi {
		b.P95 = min(max(b.P95, lo), hi) // never outside of what was seen
	}
	return b
}

func (mg *Merger) mergeValues(r *Ring, in func(*pane) bool) float64 {
	mg.values = mg.values[:0]
	for i := range r.panes {
		if in(&r.panes[i]) {
			mg.values = append(mg.values, r.panes[i].values...)
		}
	}
	n := len(mg.values)
	if n == 0 {
		return math.NaN()
	}
	return kthSmallest(mg.values, nearestRank(n))
}

func (mg *Merger) mergeExplicit(r *Ring, in func(*pane) bool, layout *explicit) float64 {
	mg.counts = append(mg.counts[:0], make([]uint64, len(layout.counts))...)
	for i := range r.panes {
		p := &r.panes[i]
		if !in(p) || !p.holdsExplicit() {
			continue
		}
		for j, n := range p.explicit.counts {
			mg.counts[j] += uint64(n)
		}
	}
	return ExplicitQuantile(0.95, layout.bounds, mg.counts)
}

func (mg *Merger) mergeExpo(r *Ring, in func(*pane) bool) float64 {
	mg.expo.Reset()
	for i := range r.panes {
		if in(&r.panes[i]) {
			r.panes[i].mergeInto(&mg.expo)
		}
	}
	return mg.expo.Quantile(0.95)
}

// nearestRank is the 0-based place of the 95th percentile among n values in
// order: the smallest value with at least 95 % of them not above it. In
// integers, since 0.95*20 is not 19 in floating point.
func nearestRank(n int) int { return (95*n+99)/100 - 1 }

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
