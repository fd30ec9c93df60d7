package detector

import (
	"cmp"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// queued is a point of the present batch, in the modes that judge in the order
// of time. It waits for the end of the batch, since an older one may follow.
type queued struct {
	series   *Series
	order    int // of the series among those of the batch
	interval interval
	ref      Ref
	repeats  bool
	// waits is 1 + the place in Detector.waiting of the measurement, when its
	// pane is not the newest one yet and it cannot be added before that; else 0.
	waits int
}

// enqueue takes a point of a series. Its measurement is added at once when its
// pane is the newest; one of an older pane is late.
func (d *Detector) enqueue(s *Series, t int64, m *baseline.Measurement, ref Ref) {
	q := queued{series: s, interval: interval{time: t}, ref: ref, repeats: m == nil}
	if m != nil {
		q.interval.current, q.interval.count = m.Current, alone
		if !m.IsScalar() {
			q.interval.count = uint32(min(m.Count, alone-1))
		}
		k := d.opts.Panes.Number(t)
		newest, ok := s.guard.history.Newest()
		switch {
		case ok && (k < newest || k == newest && s.guard.isFinal(t)):
			d.outcomes[Late]++
			return
		case ok && k == newest:
			m = d.level(s.guard, m)
			q.interval.current = m.Current
			if t <= s.lastAt && d.isKnown(s.guard, q.interval) {
				d.duplicate(s, t, ref)
				return
			}
			s.guard.history.Put(m)
		default:
			q.waits = d.keep(m)
		}
	}
	if s.queuedIn != d.batch {
		s.queuedIn, s.queueOrder = d.batch, len(d.queue)
	} else if t < s.queuedAt || d.opts.Folds {
		d.disorder = true
	}
	s.queuedAt = t
	q.order = s.queueOrder
	d.queue = append(d.queue, q)
}

// duplicate counts a point that came again: a sender that got no answer sends
// again what was taken. Of one moment, it is told again as well.
func (d *Detector) duplicate(s *Series, t int64, ref Ref) {
	d.outcomes[Duplicate]++
	if t == s.lastAt {
		d.note(s, t, s.last, ref)
	}
}

// keep copies a measurement, which belongs to its maker, until the end of the
// batch.
func (d *Detector) keep(m *baseline.Measurement) int {
	n := len(d.waiting)
	if n == cap(d.waiting) {
		d.waiting = append(d.waiting, baseline.Measurement{})
	} else {
		d.waiting = d.waiting[:n+1]
	}
	to := &d.waiting[n]
	d.room -= to.Room()
	m.CopyTo(to)
	d.room += to.Room()
	return n + 1
}

// maxWaiting is how many buckets Detector.waiting keeps the memory of from batch
// to batch: 8 MiB, all that ten thousand series of a hundred each need when a pane
// begins. Beyond it some batch was out of the ordinary, and its memory is let go.
const maxWaiting = 1 << 20

// judgeQueued judges the batch: each series in the order of time.
func (d *Detector) judgeQueued() {
	if d.disorder {
		slices.SortStableFunc(d.queue, func(a, b queued) int {
			return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.interval.time, b.interval.time))
		})
	}
	for i := range d.queue {
		q := &d.queue[i]
		if q.repeats {
			d.repeatGuarded(q.series, q.interval.time, q.ref)
		} else {
			d.judge(q)
		}
		d.count(q.series.guard)
	}
	d.queue, d.waiting, d.disorder = d.queue[:0], d.waiting[:0], false
	if d.room > maxWaiting {
		d.waiting, d.room = nil, 0
	}
}

func (d *Detector) judge(q *queued) {
	s, t := q.series, q.interval.time
	g := s.guard
	if q.waits > 0 {
		k := d.opts.Panes.Number(t)
		if newest, ok := g.history.Newest(); !ok || k > newest {
			d.roll(s, k, t)
		}
		m := d.level(g, &d.waiting[q.waits-1])
		q.interval.current = m.Current
		if d.isKnown(g, q.interval) {
			d.duplicate(s, t, q.ref)
			return
		}
		g.history.Put(m)
	} else if d.isKnown(g, q.interval) {
		d.duplicate(s, t, q.ref)
		return
	}
	v, judged, inOrder, ok := d.place(g, q.interval)
	if !ok {
		d.outcomes[Late]++
		return
	}
	switch {
	case !judged:
		d.outcomes[Pooled]++
	case v.State == verdict.Learning:
		d.outcomes[Learning]++
	default:
		d.outcomes[Evaluated]++
	}
	switch {
	case judged:
		s.last = g.season.told(v)
	case s.last.State == verdict.Degraded && !g.live.machine.InEpisode(): // abandoned
		s.last = verdict.Verdict{State: verdict.Learning}
	}
	if !inOrder {
		// What is newer was told already. That it is, on the whole, degraded was
		// not, and is news.
		if s.last.State == verdict.Degraded && !s.episode {
			d.append(s, s.lastAt, s.last, q.ref)
		}
		return
	}
	s.lastAt, s.lastIn = t, d.batch
	if g.rebaselined {
		g.rebaselined = false
		d.append(s, t, s.last, q.ref)
		d.results[len(d.results)-1].Rebaselined = true
		return
	}
	d.note(s, t, s.last, q.ref)
}

// repeatGuarded is Repeat for these modes. A window of nothing ends an episode,
// since nothing is known of the present; the baseline stays.
func (d *Detector) repeatGuarded(s *Series, t int64, ref Ref) {
	if s.lastIn == 0 || t <= s.lastAt {
		return
	}
	if g := s.guard; t-s.lastAt > d.window && s.last.State != verdict.Learning {
		s.last = verdict.Verdict{State: verdict.Learning}
		if g.live.machine.State() != episode.Learning {
			g.live.machine.Reset()
		}
		g.live.pool = pool{}
		d.keepCurrents(g, g.log)
		if g.arms != nil {
			g.arms.Reset(false)
			g.arms.Mark()
		}
		g.mark, g.log, g.folded = g.live, g.log[:0], s.lastAt
	}
	d.note(s, t, s.last, ref)
}

// count keeps the number of series in each state.
func (d *Detector) count(g *guard) {
	if now := g.live.machine.State(); now != g.counted {
		d.states[g.counted]--
		d.states[now]++
		g.counted = now
	}
}
