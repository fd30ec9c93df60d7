package score

import (
	"math"
	"testing"
)

var standard = Profile{TP: 1, FP: 0.11, FN: 1}

// series of n points that are 0 but for the given ones.
func series(n int, windows []Window, scores map[int]float64) Series {
	s := Series{Scores: make([]float64, n), Windows: windows}
	for i, v := range scores {
		s.Scores[i] = v
	}
	return s
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

// sigma is written out once more, from the paper.
func sigma(y float64) float64 { return 2/(1+math.Exp(5*y)) - 1 }

func TestSigmoid(t *testing.T) {
	// The values in the docstring of the benchmark's own function.
	for position, want := range map[float64]float64{-1: 0.98661, -0.5: 0.84828, 0: 0, 1: -0.98661, 3: -1, 7: -1} {
		if got := sigmoid(position); math.Abs(got-want) > 1e-5 {
			t.Errorf("%v: %v, want %v", position, got, want)
		}
	}
}

func TestProbation(t *testing.T) {
	for n, want := range map[int]int{0: 0, 6: 0, 7: 1, 100: 15, 4032: 604, 5000: 750, 22695: 750} {
		if got := Probation(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

// 100 points with one window of ten, 50 to 59; the first 15 do not count.
func TestByHand(t *testing.T) {
	window := []Window{{50, 59}}
	// A window found earns its worth and takes back the -1 of a missed one; 100
	// is +1 from -1, so that each unit is 50.
	for name, c := range map[string]struct {
		scores map[int]float64
		want   float64
	}{
		"nothing":                          {nil, 0},
		"the first point of the window":    {map[int]float64{50: 1}, 100},
		"its middle":                       {map[int]float64{55: 1}, 50 + 50*sigma(-0.5)/sigma(-1)},
		"its last point":                   {map[int]float64{59: 1}, 50 + 50*sigma(-0.1)/sigma(-1)},
		"several in it: the earliest":      {map[int]float64{52: 0.6, 55: 1, 58: 0.9}, 50 + 50*sigma(-0.8)/sigma(-1)},
		"below the threshold":              {map[int]float64{50: 0.4}, 0},
		"on the threshold":                 {map[int]float64{50: 0.5}, 100},
		"before any window: the full cost": {map[int]float64{50: 1, 20: 1}, 100 - 50*0.11},
		"just after it":                    {map[int]float64{50: 1, 60: 1}, 100 + 50*0.11*sigma(1.0/9)},
		"a window's length after it":       {map[int]float64{50: 1, 68: 1}, 100 + 50*0.11*sigma(1)},
		"three lengths after it":           {map[int]float64{50: 1, 86: 1}, 100 - 50*0.11},
		"in the probation: free":           {map[int]float64{50: 1, 14: 1, 0: 1}, 100},
		"the first point after it":         {map[int]float64{50: 1, 15: 1}, 100 - 50*0.11},
		"each outside counts":              {map[int]float64{20: 1, 21: 1, 22: 1, 23: 1}, -4 * 50 * 0.11},
	} {
		if got := NewCorpus([]Series{series(100, window, c.scores)}).At(standard, 0.5); !near(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Two windows, one missed, and a series without any that is noisy: three units
// from -2 to +2.
func TestCorpus(t *testing.T) {
	c := NewCorpus([]Series{
		series(200, []Window{{50, 59}, {100, 119}}, map[int]float64{50: 0.8, 130: 0.7}),
		series(100, nil, map[int]float64{40: 0.6, 41: 0.6}),
	})
	late := sigma(11.0 / 19)
	for _, s := range []struct {
		profile Profile
		want    float64
	}{
		{standard, 100 * (1 + 1 + 0.11*late - 2*0.11) / 4},
		{Profile{TP: 1, FP: 0.22, FN: 1}, 100 * (1 + 1 + 0.22*late - 2*0.22) / 4},
		{Profile{TP: 1, FP: 0.11, FN: 2}, 100 * (1 + 2 + 0.11*late - 2*0.11) / 6},
	} {
		if got := c.At(s.profile, 0.5); !near(got, s.want) {
			t.Errorf("%+v: %v, want %v", s.profile, got, s.want)
		}
	}
	if at, got := c.Best(standard); at != 0.8 || !near(got, 50) {
		t.Errorf("best %v at %v", got, at)
	}
	if found, wrong := c.Counts(0.5); found != 1 || wrong != 3 {
		t.Error(found, wrong)
	}
	if got := c.At(standard, 2); got != 0 {
		t.Error("nothing is above 1, and has", got)
	}
}

// Equal scores cannot be told apart by a threshold: the sum counts when all of
// them are in.
func TestBestOfEqualScores(t *testing.T) {
	c := NewCorpus([]Series{series(100, []Window{{50, 59}}, map[int]float64{50: 0.7, 20: 0.7, 21: 0.7, 22: 0.7, 23: 0.7})})
	if at, got := c.Best(standard); at != 0.7 || !near(got, 100-4*5.5) {
		t.Errorf("best %v at %v", got, at)
	}
	silent := NewCorpus([]Series{series(100, nil, map[int]float64{50: 0.7})})
	if at, got := silent.Best(standard); !math.IsInf(at, 1) || got != 0 {
		t.Errorf("best %v at %v: to say nothing is best here", got, at)
	}
}

// A window within the probation cannot be found, nor missed; one that reaches
// beyond it can be found in its rest.
func TestWindowsInTheProbation(t *testing.T) {
	c := NewCorpus([]Series{series(100, []Window{{5, 10}, {13, 17}}, map[int]float64{16: 1})})
	// from -1 (only the second can be missed) to 2 (both)
	if got, want := c.At(standard, 0.5), 100*(1+sigma(-0.4)/sigma(-1))/3; !near(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWindowOfOnePoint(t *testing.T) {
	c := NewCorpus([]Series{series(100, []Window{{50, 50}}, map[int]float64{50: 1, 51: 1})})
	if got, want := c.At(standard, 0.5), 100-50*0.11; !near(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
