package budget

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// one decides a window of one second on its own.
func one(l Limits, candidates ...Candidate) []Verdict {
	verdicts := make([]Verdict, len(candidates))
	NewSelector(l, time.Second).Select(start, 1, 0, candidates, verdicts)
	return verdicts
}

// at is the randomness of a share of all.
func at(share float64) uint64 { return uint64(share * float64(all)) }

func threshold(t *testing.T, tvalue string) otelsampling.Threshold {
	t.Helper()
	th, err := otelsampling.TValueToThreshold(tvalue)
	require.NoError(t, err)
	return th
}

func TestEverythingFits(t *testing.T) {
	l := Limits{SpansPerSecond: 30, Precision: 4}
	assert.Equal(t, []Verdict{
		{Keep: true, Threshold: threshold(t, "0")},
		{Keep: true, Threshold: threshold(t, "8")},
		{Keep: false, Threshold: threshold(t, "8")},
	}, one(l,
		Candidate{Probability: 1, Spans: 10},
		Candidate{Probability: 0.5, Randomness: at(0.5), Spans: 20},
		Candidate{Probability: 0.5, Randomness: at(0.5) - 1, Spans: 30, Error: true},
	), "each at its own probability; what that drops takes no room")
}

// The threshold comes from the first one not taken, and that one is not taken.
func TestTheFirstNotTaken(t *testing.T) {
	l := Limits{SpansPerSecond: 25, Precision: 4}
	got := one(l,
		Candidate{Probability: 1, Randomness: at(0.25), Spans: 10},    // q 0.75
		Candidate{Probability: 1, Randomness: at(0.875), Spans: 10},   // q 0.125
		Candidate{Probability: 0.5, Randomness: at(0.875), Spans: 10}, // q 0.25
		Candidate{Probability: 1, Randomness: at(0.5), Spans: 10},     // q 0.5: does not fit
		Candidate{Probability: 1, Randomness: at(0.4375), Spans: 1},   // would, but comes after
	)
	// tau is 0.5, open: T lies above 1 − p/2 by the least step of four digits.
	half, quarter := threshold(t, "8001"), threshold(t, "c001")
	assert.Equal(t, []Verdict{
		{Threshold: half}, {Keep: true, Threshold: half}, {Keep: true, Threshold: quarter}, {Threshold: half}, {Threshold: half},
	}, got)
	got = one(Limits{SpansPerSecond: 25, Precision: 14},
		Candidate{Probability: 1, Randomness: at(0.875), Spans: 20},
		Candidate{Probability: 1, Randomness: at(0.5), Spans: 10})
	assert.Equal(t, uint64(1<<55+1), got[1].Threshold.Unsigned(), "one step above its own randomness")
}

func TestEqualRandomness(t *testing.T) {
	candidates := make([]Candidate, 100)
	for i := range candidates {
		candidates[i] = Candidate{Probability: 1, Randomness: at(0.9), Spans: 1}
	}
	for _, v := range one(Limits{SpansPerSecond: 50, Precision: 4}, candidates...) {
		assert.False(t, v.Keep, "nothing tells them apart, and all are too many")
	}
	for _, v := range one(Limits{SpansPerSecond: 100, Precision: 4}, candidates...) {
		assert.True(t, v.Keep)
	}
}

func TestTooLargeForTheBudget(t *testing.T) {
	s := NewSelector(Limits{SpansPerSecond: 10, ErrorShare: 0.5, Precision: 4}, time.Second)
	verdicts := make([]Verdict, 4)
	s.Select(start, 1, 0, []Candidate{
		{Probability: 1, Randomness: all - 1, Spans: 11},
		{Probability: 1, Randomness: all - 2, Spans: 5, Error: true},
		{Probability: 1, Randomness: all - 3, Spans: 6},
		{Probability: 1, Randomness: 0, Spans: 5},
	}, verdicts)
	assert.Equal(t, Verdict{Threshold: otelsampling.NeverSampleThreshold}, verdicts[0])
	assert.True(t, verdicts[1].Keep)
	assert.Equal(t, Verdict{Threshold: otelsampling.NeverSampleThreshold}, verdicts[2], "the error left 5")
	assert.Equal(t, Verdict{Keep: true, Threshold: otelsampling.AlwaysSampleThreshold}, verdicts[3], "those stand in nobody's way")
	assert.Equal(t, Counts{Oversized: 1, NoRoom: 1}, s.Counts())
}

// Errors have their share, and what others leave; others what errors leave.
func TestErrorShare(t *testing.T) {
	for _, tt := range []struct{ errors, others, keptErrors, keptOthers int }{
		{100, 1000, 20, 80},
		{10, 1000, 10, 90},
		{100, 30, 70, 30},
		{1000, 0, 100, 0},
		{50, 50, 50, 50},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		var candidates []Candidate
		for i := range tt.errors + tt.others {
			candidates = append(candidates, Candidate{Probability: 1, Randomness: rng.Uint64N(all), Spans: 1, Error: i < tt.errors})
		}
		kept := map[bool]int{true: 0, false: 0}
		for i, v := range one(Limits{SpansPerSecond: 100, ErrorShare: 0.2, Precision: 14}, candidates...) {
			if v.Keep {
				kept[candidates[i].Error]++
			}
		}
		assert.Equal(t, map[bool]int{true: tt.keptErrors, false: tt.keptOthers}, kept, "%+v", tt)
	}
}

func TestHostileCandidates(t *testing.T) {
	never := Verdict{Threshold: otelsampling.NeverSampleThreshold}
	always := Verdict{Keep: true, Threshold: otelsampling.AlwaysSampleThreshold}
	l := Limits{SpansPerSecond: 10, ErrorShare: math.NaN(), Precision: 4}
	assert.Equal(t, []Verdict{never, never, never, always, always, always, never},
		one(l,
			Candidate{Probability: math.NaN(), Spans: 1},
			Candidate{Probability: 0, Spans: 1},
			Candidate{Probability: -1, Spans: 1, Error: true},
			Candidate{Probability: math.Inf(1), Spans: 0},
			Candidate{Probability: 2, Spans: -5},
			Candidate{Probability: 1, Randomness: math.MaxUint64, Spans: 1},
			Candidate{Probability: 1, Spans: math.MaxInt},
		))
	for _, l := range []Limits{{SpansPerSecond: -1}, {SpansPerSecond: math.NaN()}, {}} {
		assert.Equal(t, []Verdict{never}, one(l, Candidate{Probability: 1, Spans: 1}), "%v", l)
	}
	assert.Equal(t, []Verdict{always}, one(Limits{SpansPerSecond: math.Inf(1)}, Candidate{Probability: 1, Spans: 1 << 39}))
	NewSelector(l, time.Second).Select(start, 1, 0, nil, nil)
	zero := make([]Candidate, 20)
	for i := range zero {
		zero[i] = Candidate{Probability: 1, Randomness: at(float64(i) / 20)}
	}
	kept := 0
	for _, v := range one(l, zero...) {
		if v.Keep {
			kept++
		}
	}
	assert.Equal(t, 10, kept, "a trace without spans costs one")
}

// Parts of a span are not lost, and not given twice.
func TestRealRates(t *testing.T) {
	s := NewSelector(Limits{SpansPerSecond: 0.3, Precision: 4}, 500*time.Millisecond)
	kept := 0
	for i := range 20_000 {
		verdicts := make([]Verdict, 1)
		s.Select(start.Add(time.Duration(i)*500*time.Millisecond), 1, 0, []Candidate{{Probability: 1, Spans: 1}}, verdicts)
		if verdicts[0].Keep {
			kept++
		}
		require.LessOrEqual(t, float64(kept), 0.15*float64(i+1)+1e-6)
	}
	assert.InDelta(t, 3000, kept, 1)
}

// Spans that were let through without a choice count, also beyond the window.
func TestSpent(t *testing.T) {
	s := NewSelector(Limits{SpansPerSecond: 10, Precision: 4}, time.Second)
	for i, tt := range []struct {
		spent int
		keep  bool
		why   string
	}{
		{4, true, "six are left"},
		{5, false, "five are not enough"},
		{12, false, "two too many"},
		{0, true, "eight are left"},
		{-5, true, "nobody gives spans back"},
		{1000, false, "more than was there"},
		{0, false, "silences the next window"},
		{0, true, "and no more"},
	} {
		verdicts := make([]Verdict, 1)
		s.Select(start.Add(time.Duration(i)*time.Second), 1, tt.spent, []Candidate{{Probability: 1, Spans: 6}}, verdicts)
		assert.Equal(t, tt.keep, verdicts[0].Keep, "%d: %s", i, tt.why)
	}
}

// Rounding a threshold up: never down, never to 1, and by less than a digit.
func TestRoundUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for precision := 1; precision <= otelsampling.NumHexDigits; precision++ {
		for range 2000 {
			exact := rng.Uint64N(all) >> rng.IntN(56)
			if rng.IntN(2) == 0 {
				exact = all - 1 - exact
			}
			rounded := roundUp(exact, precision)
			require.GreaterOrEqual(t, rounded, exact)
			require.Less(t, rounded, all, "%x at %d", exact, precision)
			p, q := float64(all-exact), float64(all-rounded)
			require.LessOrEqual(t, (p-q)/p, math.Pow(16, 1-float64(precision)), "%x at %d", exact, precision)
			require.Equal(t, rounded, roundUp(rounded, precision), "what is rounded stays")
		}
	}
}
