package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// maxLog is how many evaluations of the present pane are remembered for judging
// them again: twice what a pane of 5 minutes has at one every 10 s. Of more, the
// older half becomes final.
const maxLog = 64

// interval is what one point of a series tells: what is judged of it, and of how many
// measurements that is (alone for a single value).
type interval struct {
	time    int64
	current float64
	count   uint32
}

const alone = math.MaxUint32

// compare orders entries by time, and those of one moment so that their order
// of arrival does not matter.
func (i interval) compare(o interval) int {
	return cmp.Or(cmp.Compare(i.time, o.time), cmp.Compare(i.current, o.current), cmp.Compare(i.count, o.count))
}

// pool is intervals in a row, each of too few measurements to be judged alone.
type pool struct {
	from  int64 // time of the first
	count uint64
	value float64 // the sum of current times count, or the highest current
}

// take adds an interval and returns what is to be judged, of the intervals since
// from; ok is false when these are too few measurements still. One of enough
// measurements is judged alone, and ends what was pooled before it: together
// they would hide it. So does a window: older ones say nothing of the present.
func (p *pool) take(e interval, d *Detector) (current float64, from int64, ok bool) {
	o := d.opts.Guarded
	if e.count >= o.MinCount {
		*p = pool{}
		return e.current, e.time, true
	}
	if p.isOver(e, d) {
		*p = pool{}
	}
	switch {
	case p.count == 0:
		p.from = e.time
		p.value = e.current
		if !o.PoolMax {
			p.value *= float64(e.count)
		}
	case o.PoolMax:
		p.value = max(p.value, e.current)
	default:
		p.value += e.current * float64(e.count)
	}
	p.count += uint64(e.count)
	if p.count < uint64(o.MinCount) {
		return 0, 0, false
	}
	current, from = p.value, p.from
	if !o.PoolMax {
		current /= float64(p.count)
	}
	*p = pool{}
	return current, from, true
}

// isOver says whether what was pooled before an interval is too old to be judged
// together with it.
func (p *pool) isOver(e interval, d *Detector) bool {
	return p.count > 0 && e.count < d.opts.Guarded.MinCount && e.time-p.from > d.window
}

// step moves the series on by one interval. judged is false when it waits for
// others in the pool.
func (d *Detector) step(g *guard, e interval) (v verdict.Verdict, judged bool) {
	l, o := &g.live, d.opts.Guarded
	v = verdict.Verdict{State: verdict.Learning, Current: e.current, Baseline: g.base}
	if l.machine.State() == episode.Learning {
		if g.arms != nil && e.count >= o.MinCount {
			g.arms.Judge(e.current, false)
		}
		return v, true
	}
	if l.machine.InEpisode() && l.pool.isOver(e, d) {
		d.abandon(g)
	}
	current, from, ok := l.pool.take(e, d)
	if !ok {
		return v, false
	}
	was := l.machine.InEpisode()
	suspect, cleared := o.Judge.Judge(g.base, current)
	sure := false
	if g.arms != nil {
		s, c := g.arms.Judge(current, was)
		if o.Judge.Matters(g.base, current) {
			suspect |= s
			sure = s != verdict.None
			cleared = cleared && c
		}
	}
	l.judged++
	l.machine.Step(g.need, episode.Evaluation{Time: e.time, From: from, Suspect: suspect != verdict.None, Sure: sure, Cleared: cleared})
	v.Current, v.State = current, verdict.OK
	switch is := l.machine.InEpisode(); {
	case is:
		if !was {
			l.reason = suspect
			l.quarantine = min(l.quarantine, d.suspectFrom(g))
		}
		v.State, v.Reason = verdict.Degraded, l.reason
	case was && g.arms != nil:
		g.arms.Reset(l.reason&(verdict.Mean|verdict.P95) == 0)
	}
	return v, true
}

// place puts an interval into the log and moves the series on. It returns the
// newest verdict and whether there is one. inOrder is false when the interval is
// older than others, which then were judged again. ok is false when it is older
// than what is final.
func (d *Detector) place(g *guard, e interval) (v verdict.Verdict, judged, inOrder, ok bool) {
	if len(g.log) == maxLog {
		d.fold(g)
	}
	if e.time < g.folded {
		return v, false, false, false
	}
	n := len(g.log)
	if n == 0 || e.compare(g.log[n-1]) >= 0 {
		g.log = appendInterval(g.log, e)
		v, judged = d.step(g, e)
		return v, judged, true, true
	}
	at, _ := slices.BinarySearchFunc(g.log, e, interval.compare)
	g.log = appendInterval(g.log, e)
	copy(g.log[at+1:], g.log[at:])
	g.log[at] = e
	d.rewind(g)
	for _, e := range g.log {
		if w, ok := d.step(g, e); ok {
			v, judged = w, true
		}
	}
	return v, judged, false, true
}

// isFinal says whether a time is before what can still be judged again, also
// when the log has to be folded to take it.
func (g *guard) isFinal(t int64) bool {
	return t < g.folded || len(g.log) == maxLog && t < g.log[maxLog/2-1].time
}

// isKnown says whether an interval is in the log already. Streams that fold into
// one series may well say the same at the same time; a single one does not.
func (d *Detector) isKnown(g *guard, e interval) bool {
	n := len(g.log)
	if n == 0 || e.time > g.log[n-1].time || d.opts.Folds {
		return false
	}
	_, found := slices.BinarySearchFunc(g.log, e, interval.compare)
	return found
}

func (d *Detector) rewind(g *guard) {
	g.live = g.mark
	if g.arms != nil {
		g.arms.Rewind()
	}
}

// fold makes the older half of the log final.
func (d *Detector) fold(g *guard) {
	const half = maxLog / 2
	d.keepCurrents(g, g.log[:half])
	d.rewind(g)
	for _, e := range g.log[:half] {
		d.step(g, e)
	}
	g.mark = g.live
	if g.arms != nil {
		g.arms.Mark()
	}
	g.folded = g.log[half-1].time
	g.log = g.log[:copy(g.log, g.log[half:])]
	for _, e := range g.log {
		d.step(g, e)
	}
}

// appendInterval grows by few: there are as many logs as series, and most have a
// handful of entries.
func appendInterval(log []interval, e interval) []interval {
	if len(log) == cap(log) {
		grown := make([]interval, len(log), len(log)+max(3, len(log)/2))
		copy(grown, log)
		log = grown
	}
	return append(log, e)
}
