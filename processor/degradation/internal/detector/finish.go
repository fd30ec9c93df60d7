package detector

import (
	"cmp"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Finish ends the batch and returns what is to be told of it: of each series,
// in the order of time, one verdict a moment (the worst, where several streams
// make one series), if it is degraded or the first that no longer is. The
// slice is valid until the next Begin.
func (d *Detector) Finish() []Result {
	if len(d.queue) > 0 {
		d.judgeQueued()
	}
	if len(d.results) == 0 {
		return nil
	}
	slices.SortStableFunc(d.results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.Time, b.Time))
	})
	told := d.results[:0]
	for i := 0; i < len(d.results); {
		r := d.results[i]
		for i++; i < len(d.results) && d.results[i].ordinal == r.ordinal && d.results[i].Time == r.Time; i++ {
			again := r.Rebaselined || d.results[i].Rebaselined
			if d.results[i].Verdict.WorseThan(r.Verdict) {
				r = d.results[i]
			}
			r.Rebaselined = again
		}
		if d.tell(&r) {
			told = append(told, r)
		}
	}
	return told
}

// tell moves the series' episode on and says whether the result is to be told.
func (d *Detector) tell(r *Result) bool {
	s := r.series
	if r.Verdict.State == verdict.Degraded {
		switch {
		case !s.episode:
			s.episode, s.reason = true, r.Verdict.Reason
			d.enter(s)
			d.episodes++
		case s.openAt == gone:
			d.enter(s)
		}
		r.Reason = s.reason
		return true
	}
	if s.episode {
		r.Reason = s.reason
		if !d.opts.All {
			// The closing point is a 0, also where there is no baseline left to
			// call it good by: it takes back the 1 told before, and no other
			// will follow.
			r.Verdict.State = verdict.OK
		}
		d.close(s)
		return true
	}
	return d.opts.All || r.Rebaselined
}

// close ends the episode of a series, if it is in one.
func (d *Detector) close(s *Series) {
	if !s.episode {
		return
	}
	s.episode = false
	d.leave(s)
}

// gone is Series.openAt of an episode whose series is no longer seen. It is not
// counted, and not over: should the series come back, either it is still
// degraded, or what was told of it has to be taken back.
const gone = -1

func (d *Detector) enter(s *Series) {
	s.openAt = len(d.open)
	d.open = append(d.open, s)
}

func (d *Detector) leave(s *Series) {
	if s.openAt == gone {
		return
	}
	last := len(d.open) - 1
	d.open[s.openAt] = d.open[last]
	d.open[s.openAt].openAt = s.openAt
	d.open[last] = nil
	d.open = d.open[:last]
	s.openAt = gone
}
