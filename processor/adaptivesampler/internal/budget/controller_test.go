package budget

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
)

// ticks feeds the same demand for some seconds, keeps what the multipliers
// keep of it, and returns the last ones.
func ticks(c *Controller, from, seconds int, errors, others float64) (m Multipliers, kept float64) {
	m = c.now
	for i := range seconds {
		kept = errors*m.Errors + others*m.Others
		m = c.Tick(after(time.Duration(from+i)*time.Second), Observed{Errors: errors, Others: others, Kept: int64(kept)})
	}
	return m, kept
}

func TestFeedForward(t *testing.T) {
	for _, tt := range []struct {
		errors, others float64
		want           Multipliers
		why            string
	}{
		{0, 0, Multipliers{1, 1}, "nothing"},
		{40, 60, Multipliers{1, 1}, "the budget exactly"},
		{0, 1000, Multipliers{1, 0.1}, "no errors, so others have it all"},
		{10, 900, Multipliers{1, 0.1}, "what errors leave"},
		{200, 800, Multipliers{0.1, 0.1}, "the errors' share, and the rest"},
		{1000, 50, Multipliers{0.05, 1}, "what others leave"},
		{1000, 0, Multipliers{0.1, 1}, ""},
	} {
		c := NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
		c.Tick(start, Observed{})
		m := c.Tick(after(time.Second), Observed{Errors: tt.errors, Others: tt.others, Kept: 100})
		assert.InDelta(t, tt.want.Errors, m.Errors, 1e-9, "%v", tt)
		assert.InDelta(t, tt.want.Others, m.Others, 1e-9, "%v", tt)
	}
	c := NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
	c.Tick(start, Observed{})
	assert.Equal(t, Multipliers{1, 0.05}, c.Tick(after(time.Second), Observed{Others: 1000, Kept: 1000, Minimum: 50}), "the minimum comes first")
	c = NewController(Limits{SpansPerSecond: 0.25, ErrorShare: 0.2})
	c.Tick(start, Observed{})
	assert.Equal(t, Multipliers{1, 0.125}, c.Tick(after(10*time.Second), Observed{Others: 20, Kept: 20}), "real rates, and ticks of any length")
	assert.Equal(t, Multipliers{1, least}, c.Tick(after(11*time.Second), Observed{Others: 1e18}))
}

func TestFallsAtOnceAndRisesSlowly(t *testing.T) {
	c := NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
	m, _ := ticks(c, 0, 30, 0, 80)
	assert.Equal(t, Multipliers{1, 1}, m)
	m, _ = ticks(c, 30, 1, 0, 800)
	assert.InDelta(t, 0.125, m.Others, 1e-9, "at once")
	before := m.Others
	for i := range 60 {
		m, _ = ticks(c, 31+i, 1, 0, 80)
		require.LessOrEqual(t, m.Others, before*rise+1e-9)
		before = m.Others
	}
	assert.Equal(t, 1.0, m.Others, "all the way back")
	assert.InDelta(t, 1, c.trim, 0.05, "what is kept less meanwhile is not made up for")
	ticks(c, 100, 120, 0, 10_000)
	for i := range 120 {
		var kept float64
		m, kept = ticks(c, 220+i, 1, 0, 150)
		require.Less(t, kept, 110.0)
		if i == 35 {
			assert.Greater(t, kept, 90.0)
		}
	}
	assert.InDelta(t, 100.0/150, m.Others, 0.02)
}

// The steps of noise are not taken.
func TestStandsStill(t *testing.T) {
	c := NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
	ticks(c, 0, 60, 0, 1000)
	rng := rand.New(rand.NewPCG(1, 2))
	changes := 0
	for i := range 100 {
		before := c.now
		if m, _ := ticks(c, 60+i, 1, 0, 1000+20*rng.Float64()); m != before {
			changes++
		}
	}
	assert.Less(t, changes, 10)
	before := c.now
	assert.Equal(t, before, c.Tick(start, Observed{Others: 1e6}), "the clock stepped back")
}

// More is kept than the multipliers say, as while old traces go on with older
// ones, or less, as where spans come in bursts: the trim sees to it.
func TestTrim(t *testing.T) {
	for _, tt := range []struct {
		excess float64
		burst  int
	}{{1.5, 1}, {0.7, 1}, {1, 2}, {1, 5}} {
		c := NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
		var late float64
		for i := range 600 {
			demand := 0.0
			if i%tt.burst == 0 {
				demand = 500 * float64(tt.burst)
			}
			kept := demand * c.now.Others * tt.excess
			if i >= 400 {
				late += kept
			}
			c.Tick(after(time.Duration(i)*time.Second), Observed{Others: demand, Kept: int64(kept)})
		}
		assert.InEpsilon(t, 200*100, late, 0.1, "%v", tt)
	}
	c := NewController(Limits{SpansPerSecond: 0.02, ErrorShare: 0.2})
	kept := 0.0
	for i := range 20_000 { // one span or none, fifty seconds apart
		c.Tick(after(time.Duration(i)*time.Second), Observed{Others: 1, Kept: int64(kept)})
		carry := kept - math.Floor(kept)
		kept = carry + c.now.Others
	}
	assert.InDelta(t, 1, c.trim, 0.1, "few spans are no miss")
	c = NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
	for i := range 1000 { // the traces in flight alone are too many
		c.Tick(after(time.Duration(i)*time.Second), Observed{Others: 1000, Kept: 1000})
	}
	assert.InDelta(t, 0.05, c.now.Others, 1e-3, "bounded")
	c = NewController(Limits{SpansPerSecond: 100, ErrorShare: 0.2})
	ticks(c, 0, 30, 0, 50)
	ticks(c, 30, 15, 0, 2000)
	assert.InDelta(t, 1, c.trim, 0.05, "what a step lets through at first is nothing that the trim could help")
	ticks(c, 45, 200, 0, 10)
	assert.InDelta(t, 1, c.trim, 0.05, "forgotten when it has nothing to do")
}

// Spans one by one, each of a trace of its own, through a tenfold step: the
// budget is kept, and the counts are those of what came.
func TestUnbiasedSpansThroughAStep(t *testing.T) {
	const seconds = 900
	limits := Limits{SpansPerSecond: 50.5, ErrorShare: 0.2}
	c := NewController(limits)
	names := NewNames(1, 100)
	rng := rand.New(rand.NewPCG(3, 4))
	kinds := []kind{{name: "often", p: 0.8, perWindow: 30, errors: 0.02}, {name: "lookup", p: 0.1, perWindow: 200, errors: 0.2}, {name: "rare", p: 0.01, perWindow: 0.03}}
	var byName [3]ledger
	var total, errors ledger
	m := c.Tick(start, Observed{})
	inStep, rareKept, errorsKept := 0.0, 0, 0.0
	for second := range seconds {
		now := after(time.Duration(second) * time.Second)
		var seen Observed
		var truth, estimate, errorTruth, errorEstimate float64
		for i, k := range kinds {
			n := k.perWindow
			if second >= 300 && second < 600 {
				n *= 10
			}
			var kindTruth, kindEstimate float64
			for ; n >= 1 || rng.Float64() < n; n-- {
				failed := rng.Float64() < k.errors
				p := k.p * m.Others
				if failed {
					p = k.p * m.Errors
					seen.Errors += k.p
				} else {
					seen.Others += k.p
				}
				th, ok := sampling.Threshold(p, 4)
				require.True(t, ok)
				forced := names.Claim(now, 0, names.Of(now, k.name))
				if forced {
					seen.Minimum++
					th, _ = sampling.Threshold(1, 4)
				}
				count := 0.0
				if rng.Uint64N(all) >= th.Unsigned() {
					seen.Kept++
					count = th.AdjustedCount()
					if i == 2 {
						rareKept++
					}
				}
				kindTruth++
				kindEstimate += count
				if failed {
					errorTruth++
					errorEstimate += count
					if count > 0 && second >= 310 && second < 600 {
						errorsKept++
					}
				}
			}
			byName[i].window(kindTruth, kindEstimate)
			truth, estimate = truth+kindTruth, estimate+kindEstimate
		}
		total.window(truth, estimate)
		errors.window(errorTruth, errorEstimate)
		m = c.Tick(now.Add(time.Second), seen)
		if second >= 310 && second < 600 {
			inStep += float64(seen.Kept)
		}
	}
	total.check(t, "all")
	errors.check(t, "errors")
	for i, k := range kinds[:2] { // the rare ones are too few to tell
		byName[i].check(t, k.name)
	}
	assert.InEpsilon(t, limits.SpansPerSecond*290, inStep, 0.05)
	assert.InEpsilon(t, 0.2*limits.SpansPerSecond*290, errorsKept, 0.1, "errors have their share")
	assert.GreaterOrEqual(t, rareKept, 7, "a name as rare as one in half a minute is there")
}
