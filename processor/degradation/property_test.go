package degradation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// modes are those that the properties are shown of.
var modes = []Mode{modeStrict, modeGuarded}

// told states of a run, one for each batch.
func states(t *testing.T, batches []pmetric.Metrics, change func(*Config)) (out []int64) {
	r := newRig(t, change)
	for _, md := range batches {
		got := verdicts(t, r.send(md))
		require.Len(t, got, 1)
		out = append(out, got[0].state)
	}
	return out
}

func count(states []int64, s int64) (n int) {
	for _, o := range states {
		if o == s {
			n++
		}
	}
	return n
}

func TestDeltaAndCumulativeGiveTheSameVerdicts(t *testing.T) {
	byName := map[string]encoding{}
	for _, e := range encodings() {
		byName[e.name] = e
	}
	for _, mode := range modes {
		for _, kind := range []string{"monotonic sum", "histogram", "exponential histogram"} {
			for _, current := range []Current{currentMean, currentP50, currentP95, currentMax} {
				if kind == "monotonic sum" && current != currentMean {
					continue
				}
				t.Run(fmt.Sprint(mode, " ", kind, " ", current), func(t *testing.T) {
					degraded := 0
					for seed := range uint64(12) {
						all := schedule(rand.New(rand.NewPCG(seed, 2)), kind == "monotonic sum")
						run := func(temporality string) []int64 {
							return states(t, byName[kind+", "+temporality].encode(all, 1), func(c *Config) {
								c.Mode, c.Emit, c.Current = mode, emitAll, current
							})
						}
						delta := run("delta")
						require.Equal(t, delta, run("cumulative"), "seed %d", seed)
						degraded += count(delta, 1)
					}
					require.Greater(t, degraded, 30)
				})
			}
		}
	}
}

// Explicit bounds are scaled with the values. Exponential buckets cannot be: a
// value may fall on the other side of a bound. In strict what hangs on that is
// left out; in guarded one such verdict may move all after it, so that the
// factor there is the next power of two, which moves every bucket whole.
func TestScaleChangesNothing(t *testing.T) {
	for _, mode := range modes {
		for _, enc := range encodings() {
			t.Run(string(mode)+" "+enc.name, func(t *testing.T) {
				by := 1000.0
				if mode == modeGuarded && strings.HasPrefix(enc.name, "exponential") {
					by = 1024
				}
				compared, degraded := 0, 0
				for seed := range uint64(12) {
					all := schedule(rand.New(rand.NewPCG(seed, 3)), enc.scalar)
					ref := &reference{window: time.Hour, pane: 5 * time.Minute, minSamples: 12}
					unsure := make([]bool, len(all))
					width := enc.width
					if width == 1.5 {
						width = 1 // explicit bounds are scaled too
					}
					for n, i := range all {
						_, _, _, unsure[n] = ref.judge(i, width)
					}
					run := func(scale float64) []int64 {
						return states(t, enc.encode(rescale(all, scale), scale), func(c *Config) {
							c.Mode, c.Emit = mode, emitAll
						})
					}
					one, scaled := run(1), run(by)
					degraded += count(one, 1)
					for n := range one {
						if mode == modeGuarded || !unsure[n] {
							compared++
							require.Equal(t, one[n], scaled[n], "seed %d interval %d", seed, n)
						}
					}
				}
				require.Greater(t, compared, 3000)
				require.Greater(t, degraded, 30)
			})
		}
	}
}

func rescale(all []interval, by float64) []interval {
	out := slices.Clone(all)
	for i := range out {
		out[i].values = slices.Clone(out[i].values)
		for j := range out[i].values {
			out[i].values[j] *= by
		}
	}
	return out
}

// points of one series in panes of 5 minutes, each a batch of its own, with
// incidents; thin says how: histograms of a few measurements, else gauges.
func panesOfPoints(seed uint64, thin bool) (panes [][]pmetric.Metrics) {
	rng := rand.New(rand.NewPCG(seed, 5))
	factor := 1.0
	for pane := range 60 {
		if rng.IntN(6) == 0 {
			factor = []float64{1, 1, 1.4, 3}[rng.IntN(4)]
		}
		var points []pmetric.Metrics
		for i := range 8 {
			when := time.Duration(pane)*5*time.Minute + time.Duration(i)*30*time.Second
			v := 0.1 * factor * (1 + 0.2*rng.Float64())
			if rng.IntN(10) == 0 {
				v *= 2.5
			}
			if !thin {
				points = append(points, gauge("m", when, v))
				continue
			}
			values := make([]float64, 4+rng.IntN(30))
			for j := range values {
				values[j] = v
			}
			points = append(points, explicitHistogram(pmetric.AggregationTemporalityDelta)([]interval{{when - time.Second, when, values, true}}, 1)[0])
		}
		panes = append(panes, points)
	}
	return panes
}

// All points of a pane in one batch: every verdict is the same, whatever the
// order. This holds for thin intervals too, which are judged together.
func TestOrderWithinABatchDoesNotMatter(t *testing.T) {
	for _, mode := range modes {
		for _, thin := range []bool{false, true} {
			t.Run(fmt.Sprint(mode, " ", thin), func(t *testing.T) {
				degraded := 0
				for seed := range uint64(10) {
					run := func(shuffle bool) map[pcommon.Timestamp]told {
						r := newRig(t, func(c *Config) { c.Mode, c.Emit = mode, emitAll })
						all := map[pcommon.Timestamp]told{}
						for _, points := range panesOfPoints(seed, thin) {
							if shuffle {
								rand.New(rand.NewPCG(seed, 6)).Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
							}
							for i := 1; i < len(points); i++ {
								points[i].ResourceMetrics().MoveAndAppendTo(points[0].ResourceMetrics())
							}
							for _, v := range verdicts(t, r.send(points[0])) {
								all[v.at] = v
							}
						}
						return all
					}
					want, got := run(false), run(true)
					require.Len(t, got, len(want))
					for at := range want {
						require.Equal(t, want[at].state, got[at].state, "seed %d at %v", seed, at.AsTime())
						require.Equal(t, want[at].reason, got[at].reason)
						degraded += int(max(0, want[at].state))
					}
				}
				require.Greater(t, degraded, 100)
			})
		}
	}
}

// Each point a batch of its own, shuffled within the pane but for the last one,
// by which the state after the pane is seen. What was told on the way may
// differ in guarded, for it is told at once; what is known after it does not.
func TestOrderOfBatchesWithinAPaneDoesNotMatter(t *testing.T) {
	for _, mode := range modes {
		for _, thin := range []bool{false, true} {
			t.Run(fmt.Sprint(mode, " ", thin), func(t *testing.T) {
				degraded := 0
				for seed := range uint64(10) {
					run := func(shuffle bool) (after []told) {
						r := newRig(t, func(c *Config) { c.Mode, c.Emit = mode, emitAll })
						for _, points := range panesOfPoints(seed, thin) {
							last := len(points) - 1
							if shuffle {
								rand.New(rand.NewPCG(seed, 6)).Shuffle(last, func(i, j int) { points[i], points[j] = points[j], points[i] })
							}
							for i, p := range points {
								out := r.send(p)
								if i == last {
									got := verdicts(t, out)
									require.Len(t, got, 1)
									after = append(after, got[0])
								}
							}
						}
						return after
					}
					want, got := run(false), run(true)
					for n := range want {
						require.Equal(t, want[n].state, got[n].state, "seed %d pane %d", seed, n)
						if want[n].state == 1 {
							degraded++
							require.InEpsilon(t, want[n].mean, got[n].mean, 1e-9)
						}
					}
				}
				require.Greater(t, degraded, 10)
			})
		}
	}
}
