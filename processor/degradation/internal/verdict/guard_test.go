package verdict

import (
	"math"
	"testing"
)

func TestGuard(t *testing.T) {
	g := Guard{Enter: Rule{MeanRatio: 2, P95Ratio: 1.5}, ClearMean: 1.6, ClearP95: 1.2, Up: true}
	down, both, floor := g, g, g
	down.Up, down.Down = false, true
	both.Down = true
	floor.MinDelta = 0.9
	base := Baseline{Count: 100, Mean: 1, P95: 1.25, P5: 0.9}
	wide, flat := base, base
	wide.P95, wide.Wide = 1.3, true
	flat.P95, flat.P5 = math.NaN(), math.NaN()
	for _, c := range []struct {
		name    string
		guard   Guard
		base    Baseline
		current float64
		suspect string
		cleared bool
	}{
		{"as usual", g, base, 1, "", true},
		{"below", g, base, 0.1, "", true},
		{"at the level to clear", g, base, 1.5, "", true},
		{"between, by the percentile", g, base, 1.51, "", false},
		{"at the threshold", g, base, 1.875, "", false},
		{"above the percentile's", g, base, 1.88, "p95", false},
		{"above both", g, base, 2.01, "mean_and_p95", false},
		{"a wide bucket", g, wide, 1.96, "p95_low_confidence", false},
		{"a wide bucket, and the mean", g, wide, 2.01, "mean_and_p95", false},
		{"no distribution, between", g, flat, 1.7, "", false},
		{"no distribution, at the level to clear", g, flat, 1.6, "", true},
		{"no distribution, above", g, flat, 2.1, "mean", false},
		{"the difference does not matter", floor, base, 1.9, "", true},
		{"it does", floor, base, 1.91, "p95", false},
		{"down: above", down, base, 9, "", true},
		{"down: between", down, base, 0.7, "", false},
		{"down: below the percentile's", down, base, 0.59, "below_p5", false},
		{"down: below both", down, base, 0.49, "below_mean_and_p5", false},
		{"down: no distribution", down, flat, 0.49, "below_mean", false},
		{"both: above", both, base, 2.5, "mean_and_p95", false},
		{"both: below", both, base, 0.4, "below_mean_and_p5", false},
		{"both: as usual", both, base, 1, "", true},
		{"both: between, above", both, base, 1.6, "", false},
		{"both: between, below", both, base, 0.7, "", false},
	} {
		suspect, cleared := c.guard.Judge(c.base, c.current)
		if suspect.String() != c.suspect || cleared != c.cleared {
			t.Errorf("%s: %q %v, want %q %v", c.name, suspect, cleared, c.suspect, c.cleared)
		}
	}
}

// Least and Most are where Judge begins to suspect.
func TestLeastAndMost(t *testing.T) {
	g := Guard{Enter: Rule{MeanRatio: 2, P95Ratio: 1.5}, ClearMean: 1.6, ClearP95: 1.2, Up: true, Down: true}
	for _, delta := range []float64{0, 0.3, 5} {
		g.MinDelta = delta
		for _, b := range []Baseline{
			{Count: 9, Mean: 1, P95: 1.2, P5: 0.9},
			{Count: 9, Mean: 1, P95: 5, P5: 0.1},
			{Count: 9, Mean: 1, P95: math.NaN(), P5: math.NaN()},
			{Count: 9},
		} {
			for _, at := range []float64{g.Least(b), g.Most(b)} {
				for _, current := range []float64{at - 1e-9, at + 1e-9} {
					suspect, _ := g.Judge(b, current)
					if want := current > g.Least(b) || current < g.Most(b); want != (suspect != None) {
						t.Errorf("%+v, floor %v: %v is suspect %v", b, delta, current, !want)
					}
				}
			}
		}
	}
}

func TestReasonNames(t *testing.T) {
	for r, want := range map[Reason]string{
		None: "", Mean: "mean", P95: "p95", Mean | P95: "mean_and_p95",
		P95 | LowConfidence: "p95_low_confidence", Mean | P95 | LowConfidence: "mean_and_p95",
		Below | Mean: "below_mean", Below | P95: "below_p5", Below | Mean | P95: "below_mean_and_p5",
		Robust: "robust", Drift: "drift", Robust | Drift: "robust_and_drift", Below | Drift: "below_drift",
		Mean | Robust: "mean", Rebaselined: "rebaselined",
	} {
		if r.String() != want {
			t.Errorf("%d: %q, want %q", r, r, want)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, c := range []struct {
		a, b float64
		want bool
	}{{1, 1.25, true}, {1.25, 1, true}, {1, 1.26, false}, {0, 0, true}, {0, 1, false}, {-1, -1.2, true}, {-1, 1, false}} {
		if Similar(c.a, c.b, 1.25) != c.want {
			t.Errorf("%v and %v", c.a, c.b)
		}
	}
}
