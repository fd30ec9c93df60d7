package degradation

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reference is the source document's rule, written down once more without any
// of the cleverness: every value is kept.
type reference struct {
	window, pane time.Duration
	minSamples   int
	past         []interval
}

// judge returns the state, and whether that hangs on the 95th percentile being
// known better than by a bucket of the given width, or on the last digit of a
// sum.
func (r *reference) judge(i interval, width float64) (state int64, mean, p95 float64, unsure bool) {
	paneOf := func(t time.Duration) int64 {
		return epoch.Add(t).UnixNano() / r.pane.Nanoseconds()
	}
	panes := int64(r.window / r.pane)
	var values []float64
	for _, o := range r.past {
		if n := paneOf(i.to) - paneOf(o.to); n >= 1 && n <= panes {
			values = append(values, o.values...)
		}
	}
	r.past = append(r.past, i)
	if len(values) < max(r.minSamples, 1) {
		return -1, 0, 0, false
	}
	slices.Sort(values)
	var sum float64
	for _, v := range values {
		sum += v
	}
	mean = sum / float64(len(values))
	p95 = values[int(math.Ceil(0.95*float64(len(values))-1e-9))-1]
	current := 0.0
	for _, v := range i.values {
		current += v
	}
	current /= float64(len(i.values))

	degraded := func(mean, p95 float64) bool { return current > 2*mean || current > 1.5*p95 }
	if degraded(mean, p95) {
		state = 1
	}
	const rounding = 1 + 1e-9
	unsure = degraded(mean*rounding, p95*rounding*width) != degraded(mean/rounding, p95/rounding/width)
	return state, mean, p95, unsure
}

// schedule makes hours of one series: lognormal noise, incidents, gaps, restarts.
func schedule(rng *rand.Rand, scalar bool) []interval {
	var out []interval
	level, sigma := math.Exp(rng.NormFloat64())*0.05, 0.02+math.Pow(rng.Float64(), 3)
	factor, left := 1.0, 0
	now := time.Duration(0)
	for len(out) < 300 {
		from := now
		now += time.Duration(5+rng.IntN(90)) * time.Second
		restart := len(out) == 0 || rng.IntN(40) == 0
		if rng.IntN(100) == 0 {
			now += time.Duration(rng.IntN(100)) * time.Minute
			from, restart = now-time.Minute, true // nobody was there to count
		}
		if left--; left < 0 {
			factor, left = 1, rng.IntN(60)
			if rng.IntN(2) == 0 {
				factor = 1 + 4*rng.Float64()
			}
		}
		n := 1
		if !scalar {
			n = 1 + rng.IntN(12)
		}
		values := make([]float64, n)
		for i := range values {
			values[i] = min(max(level*factor*math.Exp(sigma*rng.NormFloat64()), 0.001), 500)
		}
		out = append(out, interval{from, now, values, restart})
	}
	return out
}

func TestStrictIsTheDocumentsFormula(t *testing.T) {
	for _, enc := range encodings() {
		t.Run(enc.name, func(t *testing.T) {
			states, reasons := map[int64]int{}, map[string]int{}
			unsures := 0
			for seed := range uint64(20) {
				rng := rand.New(rand.NewPCG(seed, 1))
				all := schedule(rng, enc.scalar)
				ref := &reference{window: time.Hour, pane: 5 * time.Minute, minSamples: 12}
				r := newRig(t, func(c *Config) { c.Emit = emitAll })
				for n, md := range enc.encode(all, 1) {
					got := verdicts(t, r.send(md))
					require.Len(t, got, 1, "seed %d interval %d", seed, n)
					want, mean, p95, unsure := ref.judge(all[n], enc.width)
					if unsure {
						unsures++
						continue
					}
					states[want]++
					require.Equal(t, want, got[0].state, "seed %d interval %d: %v against mean %v p95 %v", seed, n, all[n].values, mean, p95)
					if got[0].state == 1 {
						reasons[got[0].reason]++
						require.InEpsilon(t, mean, got[0].mean, 1e-9)
						if enc.width == 1 {
							require.InEpsilon(t, p95, got[0].p95, 1e-9)
						} else {
							require.LessOrEqual(t, math.Abs(math.Log(got[0].p95/p95)), math.Log(enc.width)*1.0001, "p95 %v, really %v", got[0].p95, p95)
						}
					}
				}
			}
			t.Logf("states %v, reasons %v, within the bucket error %d", states, reasons, unsures)
			require.Greater(t, states[1], 100, "nothing degraded: the comparison shows nothing")
			require.Greater(t, states[0], 1000)
			require.Greater(t, states[-1], 100)
			if enc.scalar { // the means of several values seldom pass one arm without the other
				require.Greater(t, reasons["p95"], 5)
			}
			require.Greater(t, reasons["mean_and_p95"], 50)
			require.Greater(t, reasons["mean"], 50)
			require.Less(t, unsures, 300, "of 6000")
		})
	}
}
