package gate

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		m, n int
		p    float64
		want float64
	}{
		{1, 1, 0.3, 0.3},
		{2, 3, 0.1, 3*0.01*0.9 + 0.001},
		{2, 3, 0.5, 0.5},
		{3, 3, 0.5, 0.125},
		{24, 25, 0.5, 26.0 / (1 << 25)},
		{2, 3, 0, 0},
		{2, 3, 1, 1},
		{2, 3, math.NaN(), 0},
	} {
		if got := atLeast(c.m, c.n, c.p); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d of %d at %v: %v, want %v", c.m, c.n, c.p, got, c.want)
		}
	}
}

func TestRequired(t *testing.T) {
	for _, c := range []struct {
		chance       float64
		m, n         int
		wantM, wantN int
	}{
		{0, 2, 3, 2, 3},
		{5e-4, 2, 3, 2, 3}, // 3 p² = 7.5e-7
		{7e-4, 2, 3, 3, 4}, // 1.5e-6
		{0.05, 2, 3, 6, 7}, // 6 p⁵ = 1.9e-6 is above, 7 p⁶ = 1.1e-7
		{0.12, 2, 3, 8, 9},
		{0.5, 2, 3, 24, 25},
		{1, 2, 3, 24, 25},
		{0.12, 2, 2, 7, 7}, // none forgiven
		{0.12, 0, 0, 7, 7},
		{0.12, 30, 40, 30, 40},
		{0, 3, 40, 3, 40},
		{math.NaN(), 2, 3, 2, 3},
	} {
		m, n := Required(c.chance, c.m, c.n)
		if m != c.wantM || n != c.wantN {
			t.Errorf("%v, %d of %d: %d of %d, want %d of %d", c.chance, c.m, c.n, m, n, c.wantM, c.wantN)
		}
	}
}

// More noise never asks for less, and what is asked for keeps the promise.
func TestRequiredKeepsAlpha(t *testing.T) {
	before := 0
	for p := 1e-6; p < 0.49; p *= 1.1 {
		m, n := Required(p, 2, 3)
		if m < before {
			t.Fatalf("%v: %d, and less noise asked for %d", p, m, before)
		}
		before = m
		if got := atLeast(m, n, p); got > Alpha {
			t.Errorf("%v: %d of %d have a chance of %v", p, m, n, got)
		}
	}
}

func TestMomentsMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var whole, a, b Moments
	for i := range 1000 {
		v := math.Exp(0.5 * rng.NormFloat64())
		if i%10 == 0 {
			v = 0
		}
		whole.Add(v)
		if i%3 == 0 {
			a.Add(v)
		} else {
			b.Add(v)
		}
	}
	a.Merge(&b)
	m1, d1, _ := whole.MeanLog()
	m2, d2, _ := a.MeanLog()
	if a.N != 1000 || a.LogN != 900 || math.Abs(m1-m2) > 1e-12 || math.Abs(d1-d2) > 1e-12 {
		t.Fatal(a, whole)
	}
	if math.Abs(d1-0.5) > 0.04 || math.Abs(m1) > 0.05 {
		t.Fatal(m1, d1)
	}
}

func TestStudentTail(t *testing.T) {
	// from tables of the t distribution
	for _, c := range []struct{ z, degrees, want float64 }{
		{0, 11, 0.5},
		{2.201, 11, 0.025},
		{3.106, 11, 0.005},
		{1.671, 60, 0.05},
		{3.232, 60, 0.001},
		{-2.201, 11, 0.975},
	} {
		if got := studentTail(c.z, c.degrees); math.Abs(got-c.want) > 0.001 {
			t.Errorf("%v of %v: %v, want %v", c.z, c.degrees, got, c.want)
		}
	}
}

func TestChance(t *testing.T) {
	lognormal := func(n int, sigma float64) *Moments {
		rng := rand.New(rand.NewPCG(uint64(n), 7))
		var m Moments
		for range n {
			m.Add(math.Exp(sigma * rng.NormFloat64()))
		}
		return &m
	}
	equal := func(n int, v float64) *Moments {
		var m Moments
		for range n {
			m.Add(v)
		}
		return &m
	}
	two := math.Exp(1.0/2) * 2 // twice the mean of a log-normal with σ 1
	for name, c := range map[string]struct {
		m         *Moments
		threshold float64
		exceeded  uint64
		side      Side
		lo, hi    float64
	}{
		"nothing known":                {&Moments{}, 2, 0, Above, 1, 1},
		"three tell nothing":           {equal(3, 1), 2, 0, Above, 1, 1},
		"four do":                      {equal(4, 1), 2, 0, Above, 0, 0},
		"σ 1, twice the mean":          {lognormal(10000, 1), two, 1160, Above, 0.11, 0.125},
		"σ 0.5, not seen in the past":  {lognormal(60, 0.5), 2 * math.Exp(0.125), 0, Above, 0.02, 0.12},
		"σ 0.1":                        {lognormal(60, 0.1), 2, 0, Above, 0, 1e-6},
		"few claim little":             {lognormal(12, 0.1), 2, 0, Above, 1e-6, 1e-3},
		"below":                        {lognormal(10000, 1), 1 / two, 0, Below, 0.11, 0.125},
		"two humps: the counted share": {equal(60, 1), 2, 6, Above, 0.1, 0.1},
		"equal values of any size":     {equal(60, 1e9), 2e9, 0, Above, 0, 0},
		"equal, tiny":                  {equal(60, 0.0001234), 0.0002468, 0, Above, 0, 0},
		"zeros have no logarithm":      {equal(60, 0), 2, 3, Above, 0.05, 0.05},
		"no threshold":                 {lognormal(60, 1), math.NaN(), 3, Above, 0.05, 0.05},
		"more exceeded than there are": {equal(6, 1), 2, 60, Above, 1, 1},
	} {
		if got := c.m.Chance(c.threshold, c.exceeded, c.side); !(got >= c.lo && got <= c.hi) {
			t.Errorf("%s: %v, want %v to %v", name, got, c.lo, c.hi)
		}
	}
}

// The whole on clean log-normal series, as one point a minute with an hour of
// baseline: below 0.01 false alarms a series and day, where two of three has
// many. The seeds are the first ones.
func TestFalseAlarms(t *testing.T) {
	const series, day = 100, 1440
	for _, sigma := range []float64{0.1, 0.5, 1} {
		gated, fixed := 0, 0
		for s := range uint64(series) {
			rng := rand.New(rand.NewPCG(s, 1))
			var logs []float64
			var hits uint32
			for range day {
				v := math.Exp(sigma * rng.NormFloat64())
				if len(logs) >= 60 {
					var past Moments
					mean := 0.0
					for _, o := range logs[len(logs)-60:] {
						past.Add(o)
						mean += o / 60
					}
					exceeded := uint64(0)
					for _, o := range logs[len(logs)-60:] {
						if o > 2*mean {
							exceeded++
						}
					}
					hits <<= 1
					if v > 2*mean {
						hits |= 1
					}
					m, n := Required(past.Chance(2*mean, exceeded, Above), 2, 3)
					if ones(hits, n) >= m {
						gated++
					}
					if ones(hits, 3) >= 2 {
						fixed++
					}
				}
				logs = append(logs, v)
			}
		}
		t.Logf("σ %v: %.4f evaluations a series and day in alarm, %.2f with a fixed two of three", sigma, float64(gated)/series, float64(fixed)/series)
		if gated > series/100 {
			t.Errorf("σ %v: %d in %d series and days", sigma, gated, series)
		}
		if sigma >= 0.5 && fixed < series {
			t.Errorf("σ %v: a fixed two of three is quiet too: the test shows nothing", sigma)
		}
	}
}

func ones(set uint32, n int) (m int) {
	for i := range n {
		m += int(set >> i & 1)
	}
	return m
}

// What is asked has a chance of at most Alpha, also where a configuration looks
// back on more evaluations than MaxN, unless MaxM is reached.
func TestAWideConfigurationIsHeldToAlpha(t *testing.T) {
	for _, n := range []int{3, 9, 20, 31, 64} {
		for _, chance := range []float64{0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1} {
			for m := 2; m < min(n, MaxM); m++ {
				needM, needN := Required(chance, m, n)
				if needM < m || needM > needN || needM < MaxM && atLeast(needM, needN, chance) > Alpha {
					t.Errorf("%d of %d at %v: %d of %d has %v", m, n, chance, needM, needN, atLeast(needM, needN, chance))
				}
			}
		}
	}
}
