package adaptive

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// player is what a detector does with the arms of one series: a pane of five
// evaluations, a baseline of the newest sixty that no episode touched, three
// cleared evaluations to end an episode.
type player struct {
	arms      *Arms
	n         int
	baseline  []float64
	inEpisode bool
	touched   bool
	cleared   int
	reason    verdict.Reason
	begins    []int
}

func newPlayer(change func(*Params)) *player {
	p := &Params{Up: true, M: 2, N: 3, Deviations: 5, Ratio: 1.2, DriftRatio: 1.15, MinValues: 120, BlockStages: BlockStages(288)}
	if change != nil {
		change(p)
	}
	return &player{arms: New(p)}
}

func (p *player) judge(v float64) {
	if p.n%5 == 0 {
		if !p.inEpisode {
			p.arms.Settle()
		}
		p.arms.Learn(append([]float64(nil), p.baseline...))
		p.arms.Mark()
		p.touched = p.inEpisode
	}
	r, cleared := p.arms.Judge(v, p.inEpisode)
	switch {
	case !p.inEpisode && r != verdict.None:
		p.inEpisode, p.cleared, p.reason, p.touched = true, 0, r, true
		p.begins = append(p.begins, p.n)
	case p.inEpisode && !cleared:
		p.cleared = 0
	case p.inEpisode:
		if p.cleared++; p.cleared == 3 {
			p.inEpisode = false
			p.arms.Reset(true)
		}
	}
	if !p.touched {
		p.baseline = append(p.baseline, v)
		p.baseline = p.baseline[max(0, len(p.baseline)-60):]
	}
	p.n++
}

func (p *player) run(n int, value func(i int) float64) {
	for range n {
		p.judge(value(p.n))
	}
}

func lognormal(seed uint64, sigma float64) func() float64 {
	rng := rand.New(rand.NewPCG(seed, 3))
	return func() float64 { return math.Exp(sigma * rng.NormFloat64()) }
}

// Steps of two hours after twelve, in a hundred series, the first seeds.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		sigma, factor float64
		least, most   int // found
	}{
		{0.02, 1.2, 100, 100},
		{0.1, 1.5, 100, 100},
		{0.1, 1.2, 95, 100},
		{0.1, 1.05, 0, 1}, // below both ratios
		{0.5, 1.5, 50, 100},
		{1, 1.2, 0, 5}, // lost in the noise
	} {
		found, late := 0, 0
		for seed := range uint64(100) {
			p, noise := newPlayer(nil), lognormal(seed, c.sigma)
			p.run(720, func(int) float64 { return noise() })
			before := len(p.begins)
			p.run(120, func(int) float64 { return c.factor * noise() })
			if len(p.begins) > before {
				found++
			}
			if c.sigma <= 0.1 && len(p.begins) > before && !p.inEpisode && c.factor > 1.2 {
				late++ // over before the step was
			}
		}
		if found < c.least || found > c.most {
			t.Errorf("σ %v ×%v: %d of 100 found, want %d to %d", c.sigma, c.factor, found, c.least, c.most)
		}
		if late > 0 {
			t.Errorf("σ %v ×%v: %d episodes ended before the step did", c.sigma, c.factor, late)
		}
	}
}

// A day of nothing, 200 series of each kind: at 0.05 a day ten begin on average.
func TestNoise(t *testing.T) {
	for _, sigma := range []float64{0.1, 0.5, 1} {
		begins := 0
		for seed := range uint64(200) {
			p, noise := newPlayer(nil), lognormal(1000+seed, sigma)
			p.run(1440, func(int) float64 { return noise() })
			begins += len(p.begins)
		}
		t.Logf("σ %v: %.3f a series and day", sigma, float64(begins)/200)
		if begins > 10 {
			t.Errorf("σ %v: %d in 200 days", sigma, begins)
		}
	}
}

// What comes slowly is drift, what comes at once is robust, and less is below.
func TestReasons(t *testing.T) {
	both := func(p *Params) { p.Down = true }
	for name, c := range map[string]struct {
		change func(i int) float64
		want   verdict.Reason
	}{
		"a jump": {func(int) float64 { return 1.8 }, verdict.Robust},
		"a ramp": {func(i int) float64 { return 1 + 0.4*float64(i)/100 }, verdict.Drift},
		"a fall": {func(int) float64 { return 0.5 }, verdict.Robust | verdict.Below},
		"a sag":  {func(i int) float64 { return 1 - 0.4*float64(i)/100 }, verdict.Drift | verdict.Below},
	} {
		p, noise := newPlayer(both), lognormal(1, 0.08)
		p.run(720, func(int) float64 { return noise() })
		p.run(100, func(i int) float64 { return c.change(i-720) * noise() })
		if len(p.begins) != 1 || p.reason != c.want {
			t.Errorf("%s: %v at %v, want %v", name, p.reason, p.begins, c.want)
		}
	}
}

// A square wave: low at night, high by day, no distribution knows it. Nothing
// in it is told once it was seen; beyond it all is.
func TestPatternsAreKnown(t *testing.T) {
	p, noise := newPlayer(func(p *Params) {
		p.Deviations, p.M, p.N, p.BlockStages = 0, 1, 1, BlockStages(10000)
	}), lognormal(2, 0.01)
	wave := func(i int) float64 {
		if i%200 < 100 {
			return 20 * noise()
		}
		return 80 * noise()
	}
	p.run(3000, wave)
	known := len(p.begins)
	if known > 3 {
		t.Errorf("the wave itself is told %d times: %v", known, p.begins)
	}
	p.run(100, wave)
	p.run(100, func(i int) float64 { return 2 * wave(i) })
	if len(p.begins) != known+1 {
		t.Error("a higher day is not told:", p.begins)
	}
}

// What an arm told is not told again; what the rule told is, and leaves no trace.
func TestTold(t *testing.T) {
	for _, byArm := range []bool{true, false} {
		p, noise := newPlayer(nil), lognormal(3, 0.05)
		p.run(720, func(int) float64 { return noise() })
		for range 2 {
			p.run(40, func(int) float64 { return 1.6 * noise() })
			if p.inEpisode && !byArm {
				p.inEpisode = false
				p.arms.Reset(false)
			}
			p.run(120, func(int) float64 { return noise() })
		}
		if want := map[bool]int{true: 1, false: 2}[byArm]; len(p.begins) != want {
			t.Errorf("told by an arm %v: begins at %v, want %d", byArm, p.begins, want)
		}
	}
}

// After what the rule told the averages are where they were before it.
func TestTheRulesEpisodeLeavesNoTrace(t *testing.T) {
	p, noise := newPlayer(nil), lognormal(6, 0.1)
	p.run(720, func(int) float64 { return noise() })
	a := p.arms
	a.Settle()
	before := a.now
	for range 50 {
		a.Judge(5, true)
	}
	a.Reset(false)
	if a.now.levels != before.levels || a.now.since != before.since || a.now.told != before.told {
		t.Fatalf("%+v, want %+v", a.now, before)
	}
}

// All values a thousand times as large: the same verdicts.
func TestUnitsDoNotMatter(t *testing.T) {
	for seed := range uint64(20) {
		a, b := newPlayer(nil), newPlayer(nil)
		noise := lognormal(seed, 0.3)
		for i := range 1500 {
			v := noise()
			if i > 900 && i%300 < 60 {
				v *= 2.5
			}
			a.judge(v)
			b.judge(1000 * v)
			if a.inEpisode != b.inEpisode || a.reason != b.reason {
				t.Fatalf("seed %d, %d: %v %v", seed, i, a.inEpisode, b.inEpisode)
			}
		}
		if seed == 0 && len(a.begins) == 0 {
			t.Fatal("nothing happened")
		}
	}
}

func TestRewind(t *testing.T) {
	p, noise := newPlayer(nil), lognormal(4, 0.1)
	p.run(720, func(int) float64 { return noise() })
	a := p.arms
	a.Mark()
	before := a.now
	for range 3 {
		a.Judge(9, false)
	}
	a.Judge(9, true)
	a.Reset(true)
	if a.now == before {
		t.Fatal("nothing was carried")
	}
	a.Rewind()
	if a.now != before {
		t.Fatalf("%+v, want %+v", a.now, before)
	}
}

func TestForget(t *testing.T) {
	p, noise := newPlayer(nil), lognormal(5, 0.1)
	p.run(720, func(int) float64 { return noise() })
	p.arms.Forget()
	fresh := New(p.arms.params)
	if p.arms.memory != fresh.memory || p.arms.now != fresh.now || p.arms.mark != fresh.mark || p.arms.limits != fresh.limits {
		t.Fatal("something is left")
	}
	if r, _ := p.arms.Judge(100, false); r != verdict.None {
		t.Fatal("nothing is known, and", r)
	}
}

// Zeros, negative and huge values: no panic, no NaN, and a jump is found where
// there is something to compare with.
func TestAnyValues(t *testing.T) {
	for name, c := range map[string]struct {
		value func(i int) float64
		jump  float64
		found bool
	}{
		"zeros":          {func(int) float64 { return 0 }, 5, false}, // no unit
		"mostly zeros":   {func(i int) float64 { return float64(i % 4 / 3) }, 50, true},
		"around zero":    {func(i int) float64 { return math.Sin(float64(i)) }, 50, true},
		"negative":       {func(i int) float64 { return -20 + math.Sin(float64(i)) }, 60, true},
		"equal":          {func(int) float64 { return 3 }, 6, true},
		"huge":           {func(i int) float64 { return 1e200 * (2 + math.Sin(float64(i))) }, 1e201, true},
		"tiny, and huge": {func(i int) float64 { return 1e-200 * (2 + math.Sin(float64(i))) }, 1e200, true},
	} {
		p := newPlayer(func(p *Params) { p.Down = true })
		p.run(720, c.value)
		before := len(p.begins)
		p.run(20, func(int) float64 { return c.jump })
		if (len(p.begins) > before) != c.found {
			t.Errorf("%s: begins at %v", name, p.begins)
		}
		for i, l := range p.arms.now.levels {
			if math.IsNaN(l) || math.IsNaN(p.arms.limits.high[i]) || math.IsNaN(p.arms.limits.low[i]) {
				t.Errorf("%s: NaN in %+v", name, p.arms.limits)
			}
		}
	}
}

// The median and the median distance from it, by sorting all distances.
func TestSpread(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		m := memory{unit: 1}
		values := make([]float64, 1+rng.IntN(70))
		places := make([]float64, len(values))
		for i := range values {
			values[i] = rng.NormFloat64() * 3
			if seed%3 == 0 {
				values[i] = float64(rng.IntN(4))
			}
			places[i] = m.place(values[i])
		}
		slices.Sort(places)
		want := places[len(places)/2]
		mean := 0.0
		for i := range places {
			places[i] = math.Abs(places[i] - want)
			mean += places[i] / float64(len(places))
		}
		slices.Sort(places)
		wantDeviation := toDeviation * places[len(places)/2]
		if wantDeviation == 0 {
			wantDeviation = mean * math.Sqrt(math.Pi/2)
		}
		if centre, deviation := m.spread(values); centre != want || math.Abs(deviation-wantDeviation) > 1e-12 {
			t.Fatalf("seed %d: %v ± %v, want %v ± %v", seed, centre, deviation, want, wantDeviation)
		}
	}
}

func TestStretch(t *testing.T) {
	// the highest of 10, 100 and 1000 normal values is at 1.54, 2.51 and 3.24 on
	// average (tables of order statistics)
	for n, highest := range map[float64]float64{10: 1.54, 100: 2.51, 1000: 3.24} {
		if got := stretch(5, n); math.Abs(got-5/highest) > 0.15*5/highest {
			t.Errorf("%v: %v, want %v", n, got, 5/highest)
		}
	}
	if stretch(5, 1e9) != 1 || stretch(0, 10) != 1 {
		t.Error("a stretch is no shrinking")
	}
}

func TestBlockStages(t *testing.T) {
	for panes, want := range map[int64]int{1: 1, 12: 1, 36: 1, 37: 2, 288: 8, 720: 20} {
		if got := BlockStages(panes); got != want {
			t.Errorf("%d: %d, want %d", panes, got, want)
		}
	}
}
