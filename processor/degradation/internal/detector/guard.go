package detector

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/gate"
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
	// Seasonal says that what is usual at an hour of the week is learned, and
	// taken out of what is judged.
	Seasonal bool
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
	season  *seasonal // nil unless Guarded.Seasonal
	// Of the present pane, made of what was Normal when it began: the baseline,
	// how many suspects it takes, and what else the arms have learned.
	base verdict.Baseline
	need episode.Rule
	arms Arms

	// live is the state after all evaluations in log, mark the one before them.
	// An older one that comes late is put into its place in the log, and what
	// came after it is judged again.
	live, mark live
	log        []interval
	folded     int64 // time of the newest evaluation of this pane that left the log

	counted     episode.State // in Detector.states
	rebaselined bool          // by the last roll, and not yet told
}

func (d *Detector) newGuard() *guard {
	g := &guard{season: d.newSeasonal()}
	if d.opts.Guarded.NewArms != nil {
		g.arms = d.opts.Guarded.NewArms()
	}
	return g
}

// live is the state that evaluations move. It is a plain value: a copy is a
// snapshot.
type live struct {
	machine episode.Machine
	pool    pool
	// quarantine is the pane from which on the open ones belong to an episode.
	quarantine int64
	reason     verdict.Reason // of the episode
	judged     int            // evaluations in the present pane
}

const never = math.MaxInt64

// roll closes the present pane, decides what is normal, and opens the pane k,
// in which the time t lies.
func (d *Detector) roll(s *Series, k, t int64) {
	g, o := s.guard, d.opts.Guarded
	m := &g.live.machine
	if silence := t - s.lastAt; s.lastIn > 0 && silence > d.window {
		m.Resume(o.Episode, silence)
	}
	if _, ok := g.history.Newest(); ok {
		d.keepCurrents(g, g.log)
		undecided := int64(never)
		if g.live.pool.count > 0 {
			undecided = d.opts.Panes.Number(g.live.pool.from)
		}
		if m.State() == episode.Pending {
			undecided = min(undecided, d.suspectFrom(g))
		}
		d.quarantined += int64(g.history.Decide(g.live.quarantine, undecided))
		d.teach(g)
		oldest := d.opts.Panes.Number(max(0, t-o.TTL))
		g.history.Trim(int(d.opts.Panes.Count), oldest, m.InEpisode())
		if m.InEpisode() && t-m.Since() >= o.MaxDegraded && d.stable(g) {
			d.rebaseline(s)
		}
	}
	if g.arms != nil && !m.InEpisode() {
		g.arms.Settle()
	}
	switch panes := d.learnBaseline(g); {
	case !o.enough(g.base, panes):
		d.learn(g)
	case m.State() == episode.Learning:
		m.Reset()
	}
	g.history.Begin(k)
	g.season.begin(k * d.opts.Panes.Width)
	g.live.judged, g.live.quarantine = 0, never
	if m.InEpisode() {
		g.live.quarantine = k
	}
	if g.arms != nil {
		g.arms.Mark()
	}
	g.mark, g.log, g.folded = g.live, g.log[:0], math.MinInt64
}

// learnBaseline makes what is known for the pane that begins from the Normal
// panes, of which it returns the number.
func (d *Detector) learnBaseline(g *guard) (panes int) {
	g.base, panes = d.merger.Baseline(&g.history)
	currents := d.merger.Currents(&g.history)
	g.need = d.opts.Guarded.need(g.base, currents)
	if g.arms != nil {
		g.arms.Learn(currents)
	}
	return panes
}

// need is how many suspects make an episode: the more, the more often what is
// normal for the series would be suspect.
func (o *Guarded) need(b verdict.Baseline, currents []float64) episode.Rule {
	var past gate.Moments
	var beyond [2]uint64
	least, most := o.Judge.Least(b), o.Judge.Most(b)
	for _, c := range currents {
		past.Add(c)
		if c > least {
			beyond[0]++
		}
		if c < most {
			beyond[1]++
		}
	}
	chance := 0.0
	if o.Judge.Up {
		chance = past.Chance(least, beyond[0], gate.Above)
	}
	if o.Judge.Down {
		chance += past.Chance(most, beyond[1], gate.Below)
	}
	need := o.Episode
	need.M, need.N = gate.Required(chance, o.Episode.M, o.Episode.N)
	return need
}

// suspectFrom is the pane from which on the present suspicion, or the episode
// that just began, has suspects.
func (d *Detector) suspectFrom(g *guard) int64 {
	from, evaluations := g.live.machine.Suspects()
	if from > 0 {
		return d.opts.Panes.Number(from)
	}
	return g.history.Back(evaluations, g.live.judged)
}

// learn begins anew: there is no baseline, or none is left.
func (d *Detector) learn(g *guard) {
	if g.live.machine.State() == episode.Learning {
		return
	}
	g.live.machine.Learn()
	g.live.pool = pool{}
	if g.arms != nil {
		g.arms.Forget()
	}
}

// abandon ends an episode of which nothing was judged for a window: nothing is
// known of the present. The baseline stays.
func (d *Detector) abandon(g *guard) {
	g.live.machine.Reset()
	if g.arms != nil {
		g.arms.Reset(g.live.reason&(verdict.Mean|verdict.P95) == 0)
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
		g.arms.Forget()
	}
	s.last.State, s.last.Reason = verdict.OK, verdict.None
	g.rebaselined = true
	d.rebaselines++
}

// keepCurrents remembers what is judged in the entries that are about to leave
// the log. They are the first of it.
func (d *Detector) keepCurrents(g *guard, entries []interval) {
	p := g.mark.pool
	for _, e := range entries {
		if current, _, ok := p.take(e, d); ok {
			g.history.Judged(current)
		}
	}
}
