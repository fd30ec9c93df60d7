package detector

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Guarded is how the modes guarded and adaptive judge.
type Guarded struct {
	Judge   verdict.Guard
	Episode episode.Rule
	// MinPanes is how many panes with data a baseline must have.
	MinPanes int
	// MinCount is how many measurements an interval must have to be judged
	// alone. A single value is exempt.
	MinCount uint32
	// PoolMax says that of intervals judged together the highest value counts,
	// not the mean.
	PoolMax bool
	// MaxDegraded is how long (nanoseconds of event time) an episode lasts until
	// it may become the baseline, and TTL how old a pane of the baseline gets.
	MaxDegraded, TTL int64
	// NewArms makes the arms of a series; nil when there are none.
	NewArms func() Arms
}

// stableWithin is by what factor the means of the older and the newer half of a
// quarantine may differ for it to become the baseline. Below the 1.5 that the
// rule tells apart, so that what still grows by that within half a window is no
// new normal; above what halves of a window of 12 single values with a spread of
// 50 % differ by in most cases (their means spread by 20 % each).
const stableWithin = 1.25

// guard is what is remembered of a series in these modes.
type guard struct {
	history baseline.History
	base    verdict.Baseline // of the present pane: what was Normal when it began
	arms    Arms

	// live is the state after all evaluations in log, mark the one before them.
	// An older one that comes late is put into its place in the log, and what
	// came after it is judged again.
	live, mark live
	log        []interval
	folded     int64 // time of the newest evaluation of this pane that left the log

	counted     episode.State // in Detector.states
	rebaselined bool          // by the last roll, and not yet told
}

// live is the state that evaluations move. It is a plain value: a copy is a
// snapshot.
type live struct {
	machine episode.Machine
	pool    pool
	// quarantine is the pane from which on the open ones belong to an episode.
	quarantine int64
	reason     verdict.Reason // of the episode
}

const never = math.MaxInt64

// roll closes the present pane, decides what is normal, and opens the pane k,
// in which the time t lies.
func (d *Detector) roll(s *Series, k, t int64) {
	g, o := s.guard, d.opts.Guarded
	m := &g.live.machine
	if _, ok := g.history.Newest(); ok {
		d.keepCurrents(g, g.log)
		undecided := int64(never)
		if g.live.pool.count > 0 {
			undecided = d.opts.Panes.Number(g.live.pool.from)
		}
		if m.State() == episode.Pending {
			undecided = min(undecided, d.opts.Panes.Number(m.From()))
		}
		d.quarantined += int64(g.history.Decide(g.live.quarantine, undecided))
		oldest := d.opts.Panes.Number(max(0, t-o.TTL))
		g.history.Trim(int(d.opts.Panes.Count), oldest, m.InEpisode())
		if m.InEpisode() && t-m.Since() >= o.MaxDegraded && d.stable(g) {
			d.rebaseline(s)
		}
	}
	var panes int
	g.base, panes = d.merger.Baseline(&g.history)
	switch {
	case !o.enough(g.base, panes):
		d.learn(g)
	case m.State() == episode.Learning:
		m.Reset()
	}
	g.history.Begin(k)
	g.live.quarantine = never
	if m.InEpisode() {
		g.live.quarantine = k
	}
	if g.arms != nil {
		g.arms.Learn(d.merger.Currents(&g.history))
		g.arms.Mark()
	}
	g.mark, g.log, g.folded = g.live, g.log[:0], math.MinInt64
}

// learn begins anew: there is no baseline, or none is left.
func (d *Detector) learn(g *guard) {
	if g.live.machine.State() == episode.Learning {
		return
	}
	g.live.machine.Learn()
	g.live.pool = pool{}
	if g.arms != nil {
		g.arms.Reset()
	}
}

func (o *Guarded) enough(b verdict.Baseline, panes int) bool {
	return b.Count > 0 && b.Count >= o.Judge.Enter.MinSamples && panes >= o.MinPanes
}

// stable says whether the quarantine would make a baseline: enough, and no
// longer on the move.
func (d *Detector) stable(g *guard) bool {
	older, newer, ok := g.history.Halves()
	return ok && verdict.Similar(older, newer, stableWithin) && d.opts.Guarded.enough(d.merger.Quarantine(&g.history))
}

// rebaseline makes the quarantine the baseline and ends the episode.
func (d *Detector) rebaseline(s *Series) {
	g := s.guard
	g.history.Adopt()
	g.live.machine.Reset()
	g.live.pool = pool{}
	if g.arms != nil {
		g.arms.Reset()
	}
	s.last.State, s.last.Reason = verdict.OK, verdict.None
	g.rebaselined = true
	d.rebaselines++
}

// keepCurrents remembers, for the arms, what is judged in the entries that are
// about to leave the log. They are the first of it.
func (d *Detector) keepCurrents(g *guard, entries []interval) {
	if g.arms == nil {
		return
	}
	p := g.mark.pool
	for _, e := range entries {
		if current, _, ok := p.take(e, d); ok {
			g.history.Judged(current)
		}
	}
}
