package verdict

import "math"

// State is what a series is in. Its numbers are those of degradation.state.
type State int8

const (
	// Learning: the baseline is too small to compare with. Never an alarm.
	Learning State = -1
	// OK: compared, and not worse.
	OK State = 0
	// Degraded: compared, and worse.
	Degraded State = 1
)

// Baseline is what is normal: Count measurements with this mean, 95th and 5th
// percentile. The percentiles are NaN when the measurements came without a
// distribution (a histogram that has no buckets), and P5 is 0 where nobody asked
// for it. Wide says that the 95th percentile lies in a bucket whose bounds
// differ by more than 1.5 times: it may be wrong by more than what it is
// compared by.
type Baseline struct {
	Count         uint64
	Mean, P95, P5 float64
	Wide          bool
}

// Rule is the comparison. The source document has 2.0 and 1.5.
type Rule struct {
	MeanRatio, P95Ratio float64
	MinSamples          uint64
}

// Verdict is a measurement and what it was compared with.
type Verdict struct {
	State    State
	Reason   Reason
	Current  float64
	Baseline Baseline
}

// Judge compares: degraded if, and only if, current is above MeanRatio times
// the mean or above P95Ratio times the 95th percentile. Equal is not above, and
// a comparison with NaN is false.
func (r Rule) Judge(b Baseline, current float64) Verdict {
	v := Verdict{State: Learning, Current: current, Baseline: b}
	if b.Count == 0 || b.Count < r.MinSamples {
		return v
	}
	if over(current, r.MeanRatio, b.Mean) {
		v.Reason |= Mean
	}
	if over(current, r.P95Ratio, b.P95) {
		v.Reason |= P95
		if b.Wide {
			v.Reason |= LowConfidence
		}
	}
	v.State = OK
	if v.Reason != None {
		v.State = Degraded
	}
	return v
}

// Factor is current / baseline mean. ok is false while learning, and where the
// quotient is no number, as with a mean of zero.
func (v Verdict) Factor() (f float64, ok bool) {
	if v.State == Learning {
		return 0, false
	}
	f = v.Current / v.Baseline.Mean
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// WorseThan orders verdicts of the same moment: by state, then by factor.
func (v Verdict) WorseThan(o Verdict) bool {
	if v.State != o.State {
		return v.State > o.State
	}
	a, _ := v.Factor()
	b, _ := o.Factor()
	if v.Reason&o.Reason&Below != 0 {
		return a < b
	}
	return a > b
}
