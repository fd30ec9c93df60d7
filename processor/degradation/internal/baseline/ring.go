package baseline

import (
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

// Merger makes baselines of rings and histories. It is not safe for concurrent
// use.
type Merger struct {
	// Low also tells the 5th percentile. Default false: it costs as much again
	// as the 95th.
	Low bool

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
	return mg.mergePanes(r.panes, func(p *pane) bool { return mg.isBefore(p.number, k) })
}
