package degradation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/testdata"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

func demo(c *Config) { c.Window, c.Pane = time.Minute, 5*time.Second }

// What foundation_metrics sends: cumulative histograms, every 5 s, of a start
// long ago. A step of x3 is seen at the first flush that has it and told at
// every flush until it ends; when it lasts, strict forgets what was normal
// after a quarter of the window.
func TestStepInCumulativeHistograms(t *testing.T) {
	for name, c := range map[string]struct {
		incident int // flushes
		told     int
	}{
		"short": {incident: 2, told: 2},
		"long":  {incident: 12, told: 4},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			var all []interval
			now := time.Hour
			for n := range 60 {
				factor := 1.0
				if n >= 30 && n < 30+c.incident {
					factor = 3
				}
				i := interval{from: now, to: now + 5*time.Second + time.Duration(rng.IntN(9)-4)*10*time.Millisecond, restart: n == 0}
				for range 40 {
					i.values = append(i.values, 0.02*factor*(0.9+0.2*rng.Float64()))
				}
				now += 5 * time.Second
				all = append(all, i)
			}
			r := newRig(t, demo)
			var states []int64
			first := -1
			for n, md := range explicitHistogram(pmetric.AggregationTemporalityCumulative)(all, 1) {
				out := r.send(md)
				got := verdicts(t, out)
				require.LessOrEqual(t, len(got), 1)
				for _, v := range got {
					if first < 0 {
						first = n
					}
					states = append(states, v.state)
					require.Equal(t, v.state, degradedCount(out))
				}
				if len(got) == 0 {
					require.Zero(t, degradedCount(out))
				}
			}
			require.Equal(t, 30, first)
			want := make([]int64, c.told+1) // and one closing 0
			for i := range c.told {
				want[i] = 1
			}
			require.Equal(t, want, states)
		})
	}
}

func TestLearningNeverAlarms(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MinSamples = 61 }) // a window has 60 at most
	for i := range 300 {
		v := 0.1
		if i > 40 {
			v = 1000
		}
		require.Empty(t, verdicts(t, r.send(gauge("m", time.Duration(i)*time.Minute, v))))
	}
}

// The Elixir exporter's habit: cumulative, but reset at each export, with a new
// start time.
func TestResetAtEachExportCountsInFull(t *testing.T) {
	r := newRig(t, func(c *Config) { demo(c); c.Emit = emitAll })
	for i := range 20 {
		from := time.Hour + time.Duration(i)*5*time.Second
		values := []float64{0.02, 0.02, 0.02}
		if i == 19 {
			values = []float64{0.05, 0.05, 0.05}
		}
		md := explicitHistogram(pmetric.AggregationTemporalityCumulative)([]interval{{from, from + 5*time.Second, values, true}}, 1)[0]
		got := verdicts(t, r.send(md))
		require.Len(t, got, 1)
		switch {
		case i < 4:
			require.EqualValues(t, -1, got[0].state, "%d", i)
		case i < 19:
			require.EqualValues(t, 0, got[0].state, "%d", i)
		default:
			require.EqualValues(t, 1, got[0].state)
			require.InDelta(t, 2.5, got[0].factor, 1e-9)
		}
	}
}

// The reason is part of the verdict's identity downstream. Were it to change
// while an episode lasts, or at its end, a series of state 1 would stay behind.
func TestAnEpisodeKeepsItsReason(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MinSamples = 1 })
	var got []told
	for i := range 30 {
		r.send(gauge("m", time.Duration(i)*2*time.Minute, 0.1))
	}
	for i, v := range []float64{0.16, 0.21, 0.25, 0.1, 0.1} { // p95, then both, then over
		got = append(got, verdicts(t, r.send(gauge("m", time.Hour+time.Duration(i)*time.Second, v)))...)
	}
	require.Len(t, got, 4)
	for i, v := range got {
		require.Equal(t, "p95", v.reason)
		require.Equal(t, map[string]any{"route": "/cart", semconv.AttributeDegradationMetricName: "m", semconv.AttributeDegradationReason: "p95"}, v.attrs)
		require.Equal(t, i < 3, v.state == 1)
	}
}

func TestWatchedPointsAreNotTouched(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Metrics, c.Emit, c.MinSamples = []string{"*"}, emitAll, 1 })
	md := testdata.GenerateMetrics(20)
	want := pmetric.NewMetrics()
	md.CopyTo(want)
	out := r.send(md)
	for i, rm := range want.ResourceMetrics().All() {
		for j, sm := range rm.ScopeMetrics().All() {
			require.Equal(t, sm, out.ResourceMetrics().At(i).ScopeMetrics().At(j))
		}
	}
}

func TestUnwatchedBatchesPassAsTheyAre(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Metrics = []string{"other"} })
	md := testdata.GenerateMetrics(20)
	want := pmetric.NewMetrics()
	md.CopyTo(want)
	require.Equal(t, want, r.send(md))
}

func TestOwnOutputIsNotWatched(t *testing.T) {
	first := newRig(t, func(c *Config) { c.Metrics, c.Emit, c.MinSamples = []string{"*"}, emitAll, 1 })
	second := newRig(t, func(c *Config) { c.Metrics, c.Emit, c.MinSamples = []string{"degradation*"}, emitAll, 1 })
	for i := range 30 {
		out := second.send(first.send(gauge("m", time.Duration(i)*time.Minute, 0.1)))
		require.Len(t, verdicts(t, out), 1, "one, of the first")
	}
}

// Two senders of one series through exclude_attributes: their cumulative
// streams are told apart, their verdicts of one moment are one.
func TestFoldedStreams(t *testing.T) {
	r := newRig(t, func(c *Config) {
		demo(c)
		c.ExcludeAttributes, c.Emit = []string{"pod"}, emitAll
	})
	step := map[string]time.Duration{"a": 0, "b": 0}
	for i := range 30 {
		to := time.Hour + time.Duration(i+1)*5*time.Second
		md := pmetric.NewMetrics()
		for n, pod := range []string{"a", "b"} {
			slow := 1.0
			if i == 29 && pod == "a" {
				slow = 4
			}
			step[pod] += time.Duration(float64(time.Second) * slow)
			one := batch("m", "s", func(m pmetric.Metric) {
				h := m.SetEmptyHistogram()
				h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
				dp := h.DataPoints().AppendEmpty()
				dp.Attributes().PutStr("pod", pod)
				dp.SetStartTimestamp(at(time.Hour))
				dp.SetTimestamp(at(to))
				dp.SetCount(uint64(10 * (i + 1)))
				dp.SetSum(step[pod].Seconds() + float64(n)*100)
			})
			one.ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
		}
		got := verdicts(t, r.send(md))
		if i == 0 {
			continue // b's first hundred seconds
		}
		require.Len(t, got, 1, "flush %d", i)
		require.NotContains(t, got[0].attrs, "pod")
		if i == 29 {
			require.EqualValues(t, 1, got[0].state)
			require.InDelta(t, 0.4, got[0].current, 1e-9)
		}
	}
}

func TestMaxSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch.Add(24 * time.Hour)))
		r := newRig(t, func(c *Config) { c.MaxSeries, c.Emit = 3, emitAll })
		send := func(name string) int {
			return len(verdicts(t, r.send(gauge(name, 0, 1))))
		}
		for i := range 3 {
			require.Equal(t, 1, send(fmt.Sprint("m", i)))
		}
		require.Equal(t, 0, send("m3"), "no room: passes unjudged")
		time.Sleep(40 * time.Minute)
		require.Equal(t, 1, send("m0"))
		time.Sleep(30 * time.Minute)
		require.Equal(t, 1, send("m3"), "m1 was not seen for more than a window")
		require.Equal(t, 1, send("m4"), "nor was m2")
		require.Equal(t, 0, send("m1"), "m0 was, and the others too")
		require.Equal(t, 1, send("m0"))
	})
}

// A degraded series that vanishes does not stay in the count for ever.
func TestVanishedSeriesAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch.Add(24 * time.Hour)))
		r := newRig(t, nil)
		for i := range 30 {
			r.send(gauge("m1", time.Duration(i)*time.Minute, 1))
		}
		require.EqualValues(t, 1, degradedCount(r.send(gauge("m1", 31*time.Minute, 9))))
		require.EqualValues(t, 1, degradedCount(r.send(gauge("m2", 31*time.Minute, 9))))
		time.Sleep(59 * time.Minute)
		require.EqualValues(t, 1, degradedCount(r.send(gauge("m2", 32*time.Minute, 9))))
		time.Sleep(6 * time.Minute)
		require.EqualValues(t, 0, degradedCount(r.send(gauge("m2", 33*time.Minute, 9))))
	})
}

func TestLatePoints(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Emit, c.MinSamples = emitAll, 1 })
	for i := range 25 {
		r.send(gauge("m", time.Duration(i)*5*time.Minute, 1)) // until 2h, panes from 1h on are held
	}
	require.Empty(t, verdicts(t, r.send(gauge("m", 59*time.Minute, 50))), "no longer held")
	require.Empty(t, verdicts(t, r.send(gauge("m", 100*time.Minute, 1))), "held, and not told after newer ones")
	got := verdicts(t, r.send(gauge("m", 101*time.Minute, 1e6)))
	require.Len(t, got, 1, "bad news are")
	require.EqualValues(t, 1, got[0].state)
	got = verdicts(t, r.send(gauge("m", 2*time.Hour+time.Second, 1)))
	require.Len(t, got, 1)
	require.InDelta(t, (13*1+1e6)/14, 1/got[0].factor, 1e-6, "1 a pane, the one at 100 and the one at 101 minutes")
}

func TestConcurrentSenders(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Emit, c.MaxSeries = emitAll, 50 })
	var wg sync.WaitGroup
	for s := range 16 {
		wg.Go(func() {
			for i := range 200 {
				md := gauge(fmt.Sprint("m", s%8), time.Duration(i)*time.Minute, 1)
				_ = r.proc.ConsumeMetrics(context.Background(), md)
			}
		})
	}
	wg.Wait()
	require.Len(t, r.sink.AllMetrics(), 16*200)
}
