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

// ledger sums what was kept of something against what came.
type ledger struct{ truth, difference, square float64 }

// window adds one window: the differences of two are uncorrelated when the
// counts are unbiased, so the sum of them is within three roots of the sum of
// their squares.
func (l *ledger) window(truth, estimate float64) {
	l.truth += truth
	l.difference += estimate - truth
	l.square += (estimate - truth) * (estimate - truth)
}

func (l *ledger) check(t *testing.T, what string) {
	t.Helper()
	require.NotZero(t, l.truth, what)
	assert.LessOrEqual(t, math.Abs(l.difference), 3*math.Sqrt(l.square)+1e-9, "%s: %.0f of %.0f", what, l.difference, l.truth)
}

// kind is a name with its traffic.
type kind struct {
	name        string
	p           float64
	perWindow   float64
	errors      float64
	least, most int
}

// simulation runs windows of one second of the given traffic, in three parts:
// quiet, ten times as much, quiet.
type simulation struct {
	limits  Limits
	windows int
	kinds   []kind
	leftOut bool // what its own probability drops is no candidate

	byName                []ledger
	total, errors, inStep ledger
	kept                  int
	maxGap                []int // in windows, between kept ones of a name
}

func (s *simulation) run(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	s.byName, s.maxGap = make([]ledger, len(s.kinds)), make([]int, len(s.kinds))
	lastKept := make([]int, len(s.kinds))
	selector := NewSelector(s.limits, time.Second)
	type item struct {
		Candidate
		kind int
	}
	var items []item
	var candidates []Candidate
	var verdicts []Verdict
	for w := range s.windows {
		step := w >= s.windows/3 && w < 2*s.windows/3
		truth, estimate := make([]float64, len(s.kinds)), make([]float64, len(s.kinds))
		var errorTruth, errorEstimate float64
		items, candidates = items[:0], candidates[:0]
		for kind, k := range s.kinds {
			n := k.perWindow
			if step {
				n *= 10
			}
			own, ok := sampling.Threshold(k.p, s.limits.Precision)
			require.True(t, ok)
			for ; n >= 1 || rng.Float64() < n; n-- {
				c := Candidate{Name: k.name, Probability: k.p, Randomness: rng.Uint64N(all), Spans: k.least + rng.IntN(k.most-k.least+1), Error: rng.Float64() < k.errors}
				truth[kind] += float64(c.Spans)
				if c.Error {
					errorTruth += float64(c.Spans)
				}
				if !s.leftOut || c.Randomness >= own.Unsigned() {
					items = append(items, item{c, kind})
				}
			}
		}
		rng.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		for _, it := range items {
			candidates = append(candidates, it.Candidate)
		}
		verdicts = append(verdicts[:0], make([]Verdict, len(candidates))...)
		selector.Select(start.Add(time.Duration(w)*time.Second), 1, 0, candidates, verdicts)
		spans := 0
		for i, v := range verdicts {
			it := items[i]
			if v.Keep != (it.Randomness >= v.Threshold.Unsigned()) {
				t.Fatal("it is not the threshold that decided")
			}
			if !v.Keep {
				continue
			}
			spans += it.Spans
			count := v.Threshold.AdjustedCount() * float64(it.Spans)
			estimate[it.kind] += count
			if it.Error {
				errorEstimate += count
			}
			s.maxGap[it.kind] = max(s.maxGap[it.kind], w-lastKept[it.kind])
			lastKept[it.kind] = w
		}
		require.LessOrEqual(t, float64(spans), s.limits.SpansPerSecond, "window %d is over", w)
		s.kept += spans
		allTruth, allEstimate := 0.0, 0.0
		for kind := range s.kinds {
			s.byName[kind].window(truth[kind], estimate[kind])
			allTruth += truth[kind]
			allEstimate += estimate[kind]
		}
		s.errors.window(errorTruth, errorEstimate)
		s.total.window(allTruth, allEstimate)
		if step {
			s.inStep.window(allTruth, allEstimate)
		}
	}
	counts := selector.Counts()
	require.Zero(t, counts.Oversized+counts.NoRoom, "everything had a chance")
	s.total.check(t, "all")
	s.errors.check(t, "errors")
	s.inStep.check(t, "in the step")
	for kind, k := range s.kinds {
		s.byName[kind].check(t, k.name)
	}
}

var traffic = []kind{
	{"lookup", 0.1, 10, 0.02, 1, 1},
	{"dispatch", 0.2, 5, 0.1, 1, 5},
	{"execution", 0.8, 2, 0.05, 1, 20},
	{"request", 1, 2, 0.02, 5, 15},
	{"rare", 0.05, 0.02, 0, 1, 3},
}

func TestUnbiasedThroughAStep(t *testing.T) {
	for _, precision := range []int{1, 4} {
		s := simulation{
			limits:  Limits{SpansPerSecond: 120, ErrorShare: 0.2, Precision: precision},
			windows: 12_000, kinds: traffic,
		}
		s.run(t, uint64(precision))
		quiet, step := 0.5*(s.total.truth-s.inStep.truth), s.inStep.truth
		assert.InEpsilon(t, 10*quiet, step, 0.02, "the step is tenfold")
		if precision > 1 {
			// Quiet windows leave room; those of the step are used but for a
			// trace that does not fit, in each of the two strata.
			assert.Greater(t, float64(s.kept), 0.85*120*4000)
		}
	}
}

// As above, with what the probability drops left out: the same counts.
func TestUnbiasedWithoutTheDropped(t *testing.T) {
	s := simulation{limits: Limits{SpansPerSecond: 120, ErrorShare: 0.2, Precision: 4}, windows: 12_000, kinds: traffic, leftOut: true}
	s.run(t, 5)
}

// With a minimum, every name that comes is kept within a minute, and the
// counts stay what they are.
func TestMinimum(t *testing.T) {
	s := simulation{limits: Limits{SpansPerSecond: 120, ErrorShare: 0.2, MinPerNamePerMinute: 1, Precision: 4, MaxNames: 100}, windows: 12_000, kinds: traffic}
	s.run(t, 6)
	for kind, k := range traffic {
		if k.perWindow >= 1 {
			assert.LessOrEqual(t, s.maxGap[kind], 60, k.name)
		}
	}
	assert.LessOrEqual(t, s.maxGap[len(traffic)-1], 1000, "one in fifty seconds, each twentieth: without its minimum one in a thousand")
}

// All at 1, as errors with a floor are, and tiny probabilities.
func TestUnbiasedAtTheExtremes(t *testing.T) {
	s := simulation{
		limits:  Limits{SpansPerSecond: 20, ErrorShare: 0.5, Precision: 14},
		windows: 12_000, kinds: []kind{{"a", 1, 2, 0.5, 1, 3}, {"b", 1, 8, 0.5, 1, 2}},
	}
	s.run(t, 7)
	s = simulation{
		limits:  Limits{SpansPerSecond: 2, ErrorShare: 0.5, Precision: 4},
		windows: 12_000, kinds: []kind{{"tiny", 0.01, 30, 0.2, 1, 1}},
	}
	s.run(t, 8)
}
