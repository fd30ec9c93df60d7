package degradation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// several merges schedules of several series into batches of one or more points.
// Some points come late, by a few or by many.
func several(rng *rand.Rand, enc encoding, series int) []pmetric.Metrics {
	var streams [][]pmetric.Metrics
	for s := range series {
		stream := enc.encode(schedule(rng, enc.scalar), 1)
		for _, md := range stream {
			md.ResourceMetrics().At(0).Resource().Attributes().PutInt("shard", int64(s/2))
			putOnPoints(md, "pod", fmt.Sprint(s%2))
		}
		for i := range stream {
			if j := i + rng.IntN(4)*rng.IntN(20); rng.IntN(10) == 0 && j < len(stream) {
				held := stream[i]
				copy(stream[i:j], stream[i+1:j+1])
				stream[j] = held
			}
		}
		streams = append(streams, stream[:len(stream)/2+rng.IntN(len(stream)/2)])
	}
	var out []pmetric.Metrics
	for len(streams) > 0 {
		md := pmetric.NewMetrics()
		for range 1 + rng.IntN(2*series) {
			if len(streams) == 0 {
				break
			}
			i := rng.IntN(len(streams))
			streams[i][0].ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
			if streams[i] = streams[i][1:]; len(streams[i]) == 0 {
				streams[i] = streams[len(streams)-1]
				streams = streams[:len(streams)-1]
			}
		}
		out = append(out, md)
	}
	return out
}

func bytesOf(t *testing.T, md pmetric.Metrics) []byte {
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	return b
}

// A collector that is restarted, at any point, says to the byte what one says
// that is not.
func TestARestartChangesNothing(t *testing.T) {
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, enc := range encodings() {
		if strings.HasPrefix(enc.name, "non-monotonic") || enc.name == "summary" {
			continue // as a gauge from where it is read
		}
		for name, change := range map[string]func(*Config){
			"strict":              func(c *Config) { c.Mode = modeStrict },
			"strict, all":         func(c *Config) { c.Mode, c.Emit = modeStrict, emitAll },
			"strict, folded":      func(c *Config) { c.Mode, c.Emit, c.ExcludeAttributes = modeStrict, emitAll, []string{"pod"} },
			"strict, little room": func(c *Config) { c.Mode, c.Emit, c.MaxSeries = modeStrict, emitAll, 3 },

			"guarded":         func(c *Config) { c.MinCount = 5 },
			"guarded, all":    func(c *Config) { c.Emit = emitAll },
			"guarded, folded": func(c *Config) { c.Emit, c.ExcludeAttributes, c.MinCount = emitAll, []string{"pod"}, 5 },
			"guarded, both ways": func(c *Config) {
				c.Emit, c.Direction, c.Pending, c.MaxDegraded = emitAll, directionBoth, PendingConfig{M: 1, N: 2}, time.Hour
			},
			"guarded, long panes": func(c *Config) {
				c.Emit, c.Pane, c.Window, c.MinDuration, c.MinCount = emitAll, 2*time.Hour, 4*time.Hour, 0, 5
			},
			"adaptive":             func(c *Config) { c.Mode, c.Emit, c.MinCount, c.Direction = modeAdaptive, emitAll, 5, directionBoth },
			"adaptive, folded":     func(c *Config) { c.Mode, c.ExcludeAttributes, c.MinCount = modeAdaptive, []string{"pod"}, 5 },
			"guarded, little room": func(c *Config) { c.Emit, c.MaxSeries, c.MinCount = emitAll, 3, 20 },
		} {
			t.Run(enc.name+"/"+name, func(t *testing.T) {
				degraded, restarts := 0, 0
				for seed := range seeds {
					synctest.Test(t, func(t *testing.T) {
						// long after the event times, or at their beginning, which then
						// are ahead of the clock
						time.Sleep(time.Until(epoch.Add(time.Duration(seed%2) * 24 * time.Hour)))
						rng := rand.New(rand.NewPCG(seed, 8))
						kept, disk := live(t, newMemoryStorage(), change), newMemoryStorage()
						restarted := live(t, disk, change)
						for n, md := range several(rng, enc, 5) {
							copied := pmetric.NewMetrics()
							md.CopyTo(copied)
							want, got := kept.send(md), restarted.send(copied)
							if !bytes.Equal(bytesOf(t, want), bytesOf(t, got)) {
								require.Equal(t, want, got, "seed %d batch %d", seed, n)
							}
							for _, v := range verdicts(t, want) {
								if v.state == 1 {
									degraded++
								}
							}
							time.Sleep(time.Duration(rng.IntN(90)) * time.Second)
							gap := rng.IntN(60) == 0
							if gap {
								time.Sleep(time.Duration(rng.IntN(180)) * time.Minute)
							}
							if gap || rng.IntN(25) == 0 {
								restarted.end()
								next := live(t, disk, change)
								next.outcomes, restarted = restarted.outcomes, next
								restarts++
							}
						}
						kept.end()
						restarted.end()
						require.Equal(t, kept.outcomes, restarted.outcomes, "seed %d", seed)
						require.Zero(t, disk.open, "a client was not closed")
					})
				}
				if !testing.Short() { // with one seed not everything happens everywhere
					require.Greater(t, degraded, 0, "nothing degraded: the comparison shows nothing")
				}
				require.Greater(t, restarts, 5)
			})
		}
	}
}

// Values at the end of what numbers can be do not make a part of the state unreadable.
func TestHugeBucketsDoNotSpoilTheState(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newMemoryStorage()
		cfg := func(c *Config) { c.Current = currentP95 }
		l := live(t, s, cfg)
		for i := range 100 {
			l.send(batch("m", "", func(m pmetric.Metric) {
				h := m.SetEmptyExponentialHistogram()
				h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
				dp := h.DataPoints().AppendEmpty()
				dp.SetTimestamp(at(time.Duration(i) * time.Minute))
				dp.SetCount(10)
				dp.SetSum(1)
				dp.SetScale(0)
				dp.Positive().SetOffset(1023)
				dp.Positive().BucketCounts().FromRaw([]uint64{10})
			}))
			l.send(gauge("m.a", time.Duration(i)*time.Minute, 1))
		}
		l.end()
		l = live(t, s, cfg)
		require.Zero(t, l.own("discarded_records", "corrupt"))
	})
}
