package detector

import (
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// observeStrict judges a measurement of time t against the panes before t's own, then
// adds it to that pane.
func (d *Detector) observeStrict(s *Series, t int64, m *baseline.Measurement, ref Ref) Outcome {
	if !d.merger.Holds(s.ring, t) {
		return Late
	}
	v := d.opts.Rule.Judge(d.merger.Before(s.ring, t), m.Current)
	d.merger.Add(s.ring, t, m)
	if s.lastIn != d.batch {
		s.before, s.lastIn = s.lastAt, d.batch
	}
	switch {
	case t < s.before && v.State != verdict.Degraded:
		// A good, or unjudged, old point that comes after newer ones have been
		// told does not end what they say.
	case t < s.lastAt:
		if v.State == verdict.Degraded && s.batch != d.batch && s.before < s.lastAt {
			// what is newer did not matter until now: it is the end of this
			d.append(s, s.lastAt, s.last, ref)
		}
		d.note(s, t, v, ref)
	default:
		s.last, s.lastAt = v, t
		d.note(s, t, v, ref)
	}
	if v.State == verdict.Learning {
		return Learning
	}
	return Evaluated
}

// repeatStrict is Repeat for mode strict. A window after the last measurement
// nothing of the baseline is left, and nothing is known.
func (d *Detector) repeatStrict(s *Series, t int64, ref Ref) {
	if s.lastIn == 0 || t <= s.lastAt {
		return
	}
	if t-s.lastAt > d.window {
		s.last = verdict.Verdict{State: verdict.Learning}
	}
	d.note(s, t, s.last, ref)
}
