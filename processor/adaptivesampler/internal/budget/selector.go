package budget

import (
	"math"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
)

// Candidate is a decided trace that waits for the end of its window.
type Candidate struct {
	// Name is the one that gave the trace its rate.
	Name string
	// Probability is that of the rule, or that of a threshold the trace
	// arrived with when it is less.
	Probability float64
	Randomness  uint64 // 56 bits
	Spans       int
	Error       bool
}

// Verdict is what becomes of a candidate.
type Verdict struct {
	Keep bool
	// Threshold decided: Keep says whether the randomness reaches it.
	Threshold otelsampling.Threshold
	// Forced is the minimum of its name, with a threshold of 0.
	Forced bool
}

// Limits are what the budget allows.
type Limits struct {
	// SpansPerSecond is the budget. What a window leaves is not carried into
	// the next, but for a part of a span.
	SpansPerSecond float64
	// ErrorShare is the part of it that errors are sure of, 0 to 1.
	ErrorShare float64
	// MinPerNamePerMinute is how many of each name are kept before anything
	// else. 0: none.
	MinPerNamePerMinute int
	// Precision is how many hex digits a threshold has, 1 to 14.
	Precision int
	// MaxNames bounds the names with a minimum of their own.
	MaxNames int
}

// Counts are totals since the start.
type Counts struct {
	// Oversized had more spans than the budget of a whole window, and NoRoom
	// more than was left for its kind: no randomness would have saved them, and
	// nothing stands for them.
	Oversized, NoRoom int64
	// Unmet is how often a name was due for its minimum without room for it.
	Unmet int64
	// Overflow is how often a name had to share its minimum with others.
	Overflow int64
}

// Selector chooses among the traces of one window after the other.
//
// Each kind of trace, errors and others, is a stratum of its own with a part
// of the budget, and within it the choice is by priority (see cut). How the
// budget is divided depends on the randomness of nothing that is still to be
// chosen: the errors' part on which of the others are there and how large they
// are, the others' part on which errors were kept.
type Selector struct {
	limits Limits
	window time.Duration
	names  *Names // nil without a minimum

	credit  float64 // spans that may be kept; less than 0 after too many were let through
	elapsed float64 // of the window
	counts  Counts

	errors, others []entry
	states         []*Name // of the candidates, nil of those without a chance
}

// NewSelector makes a selector for windows of the given length.
func NewSelector(l Limits, window time.Duration) *Selector {
	s := &Selector{limits: l, window: window}
	if l.MinPerNamePerMinute > 0 {
		s.names = NewNames(l.MinPerNamePerMinute, l.MaxNames)
	}
	return s
}

// Counts are what has happened so far besides the verdicts.
func (s *Selector) Counts() Counts {
	counts := s.counts
	if s.names != nil {
		counts.Overflow = s.names.Overflow()
	}
	return counts
}

// Select decides a window, or a part of it: share is the part that has passed
// since the last time, 1 for all of it, and as much of the budget there is. What
// one part leaves the next one of the same window has. spent is how many spans
// were let through meanwhile without a choice (late spans of kept traces): they
// count against the budget, and what they take beyond it against the next one.
// verdicts is filled, one for each candidate.
//
// A trace is a candidate once, and the order of the candidates must not depend
// on their randomness. Candidates that their own probability drops may be left
// out; then the threshold by which they were is also that of a forced one, for
// which the caller must take the higher of the two.
func (s *Selector) Select(now time.Time, share float64, spent int, candidates []Candidate, verdicts []Verdict) {
	budget, whole := s.allot(share, spent)
	s.errors, s.others, s.states = s.errors[:0], s.others[:0], s.states[:0]
	// The minimum has half of what is not the errors': so it leaves the errors
	// their share, and every other trace a chance.
	errorShare := max(0, min(1, s.limits.ErrorShare))
	left := budget
	minimum := int64((1 - errorShare) / 2 * float64(budget))
	for i := range candidates {
		c, v := &candidates[i], &verdicts[i]
		*v = Verdict{Threshold: otelsampling.NeverSampleThreshold}
		s.states = append(s.states, nil)
		own, ok := sampling.Threshold(min(1, c.Probability), s.limits.Precision)
		if !ok { // NaN too
			continue
		}
		spans := int64(max(1, c.Spans))
		if spans > whole {
			s.counts.Oversized++
			continue
		}
		if s.force(now, c.Name, spans <= minimum) {
			minimum -= spans
			left -= spans
			*v = Verdict{Keep: true, Threshold: otelsampling.AlwaysSampleThreshold, Forced: true}
			continue
		}
		v.Threshold = own
		randomness := min(c.Randomness, all-1)
		if randomness < own.Unsigned() {
			continue
		}
		e := entry{u: all - randomness, p: all - own.Unsigned(), spans: spans, index: i}
		e.q = float64(e.u) / float64(e.p)
		if c.Error {
			s.errors = append(s.errors, e)
		} else {
			s.others = append(s.others, e)
		}
	}
	demand := int64(0)
	for _, e := range s.others {
		if e.spans <= left {
			demand = min(left, demand+e.spans)
		}
	}
	left -= s.choose(max(int64(errorShare*float64(budget)), left-demand), s.errors, verdicts)
	left -= s.choose(left, s.others, verdicts)
	s.settle(budget - left)
	for i, of := range s.states {
		if of != nil && verdicts[i].Keep && !verdicts[i].Forced {
			s.names.Kept(now, of)
		}
	}
}

// force tells whether the candidate at hand is the minimum of its name.
func (s *Selector) force(now time.Time, name string, fits bool) bool {
	if s.names == nil {
		return false
	}
	of := s.names.Of(now, name)
	s.states[len(s.states)-1] = of
	if fits {
		return s.names.Claim(now, s.window, of)
	}
	if s.names.Due(now, of) {
		s.counts.Unmet++
	}
	return false
}

// allot is what may be kept now, and the budget of a whole window.
func (s *Selector) allot(share float64, spent int) (budget, whole int64) {
	const limit = 1 << 40 // no real budget, and sums of it fit an int64
	exact := min(limit, max(0, s.limits.SpansPerSecond*s.window.Seconds()))
	share = max(0, min(1, share))
	s.elapsed += share
	s.credit += exact*share - float64(max(0, spent))
	// What was let through beyond it silences the next window at most.
	s.credit = max(-exact, s.credit)
	return max(0, int64(s.credit)), int64(math.Ceil(exact))
}

// settle pays for what was kept. At the end of a window only a part of a span is
// left for the next.
func (s *Selector) settle(kept int64) {
	s.credit -= float64(kept)
	if s.elapsed > 1-1e-9 {
		s.elapsed = 0
		s.credit = min(s.credit, s.credit-math.Floor(s.credit))
	}
}

// choose decides the entries of one stratum and returns the spans it kept.
func (s *Selector) choose(budget int64, entries []entry, verdicts []Verdict) (kept int64) {
	fitting := entries[:0]
	for _, e := range entries {
		if e.spans > budget {
			verdicts[e.index].Threshold = otelsampling.NeverSampleThreshold
			s.counts.NoRoom++
			continue
		}
		fitting = append(fitting, e)
	}
	first, full := cut(fitting, budget)
	for _, e := range fitting {
		v := &verdicts[e.index]
		if full {
			v.Threshold = below(e, first, s.limits.Precision)
		}
		if v.Keep = v.Threshold.Unsigned() <= all-e.u; v.Keep {
			kept += e.spans
		}
	}
	return kept
}
