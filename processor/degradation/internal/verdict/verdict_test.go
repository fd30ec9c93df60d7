package verdict

import (
	"math"
	"testing"
)

func TestJudge(t *testing.T) {
	rule := Rule{MeanRatio: 2, P95Ratio: 1.5, MinSamples: 12}
	base := Baseline{Count: 12, Mean: 1, P95: 2}
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		b       Baseline
		current float64
		state   State
		reason  Reason
	}{
		{"equal to twice the mean is not above", base, 2, OK, None},
		{"above twice the mean", base, 2.0001, Degraded, Mean},
		{"equal to 1.5 times the p95", base, 3, Degraded, Mean},
		{"above both", base, 3.0001, Degraded, Mean | P95},
		{"above 1.5 times the p95 alone", Baseline{Count: 12, Mean: 1, P95: 1}, 1.6, Degraded, P95},
		{"one measurement short", Baseline{Count: 11, Mean: 1, P95: 1}, 100, Learning, None},
		{"nothing", Baseline{}, 100, Learning, None},
		{"no distribution, above the mean", Baseline{Count: 12, Mean: 1, P95: nan}, 3, Degraded, Mean},
		{"no distribution, not above the mean", Baseline{Count: 12, Mean: 1, P95: nan}, 2, OK, None},
		{"anything is above nothing", Baseline{Count: 12, Mean: 0, P95: 0}, 0.001, Degraded, Mean | P95},
		{"nothing is not above nothing", Baseline{Count: 12, Mean: 0, P95: 0}, 0, OK, None},
	} {
		v := rule.Judge(c.b, c.current)
		if v.State != c.state || v.Reason != c.reason {
			t.Errorf("%s: %v %v", c.name, v.State, v.Reason)
		}
	}
	if v := (Rule{MeanRatio: 2, P95Ratio: 1.5}).Judge(Baseline{}, 1); v.State != Learning {
		t.Error("nothing to compare with is learning, whatever the minimum")
	}
}

func TestFactor(t *testing.T) {
	if f, ok := (Verdict{Current: 3, Baseline: Baseline{Mean: 2}}).Factor(); !ok || f != 1.5 {
		t.Error(f, ok)
	}
	for _, v := range []Verdict{
		{State: Learning, Current: 3, Baseline: Baseline{Mean: 2}},
		{State: Degraded, Current: 3},
		{State: OK},
	} {
		if f, ok := v.Factor(); ok {
			t.Error(f)
		}
	}
}

func TestReasons(t *testing.T) {
	for r, want := range map[Reason]string{None: "", Mean: "mean", P95: "p95", Mean | P95: "mean_and_p95"} {
		if r.String() != want {
			t.Errorf("%d is %q", r, r.String())
		}
	}
}
