package degradation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// several merges schedules of several series, which begin at different times,
// into batches of one or more.
func several(rng *rand.Rand, enc encoding, series int) []pmetric.Metrics {
	var streams [][]pmetric.Metrics
	for s := range series {
		stream := enc.encode(schedule(rng, enc.scalar), 1)
		for _, md := range stream {
			md.ResourceMetrics().At(0).Resource().Attributes().PutInt("shard", int64(s/2))
			putOnPoints(md, "pod", fmt.Sprint(s%2))
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
	for _, enc := range encodings() {
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
			"guarded, little room": func(c *Config) { c.Emit, c.MaxSeries, c.MinCount = emitAll, 3, 20 },
		} {
			t.Run(enc.name+"/"+name, func(t *testing.T) {
				degraded, restarts := 0, 0
				for seed := range uint64(3) {
					synctest.Test(t, func(t *testing.T) {
						time.Sleep(time.Until(epoch.Add(24 * time.Hour)))
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
							if rng.IntN(100) == 0 {
								time.Sleep(time.Duration(rng.IntN(180)) * time.Minute)
							}
							if rng.IntN(25) == 0 {
								restarted.end()
								restarted = live(t, disk, change)
								restarts++
							}
						}
						kept.end()
						restarted.end()
						require.Zero(t, disk.open, "a client was not closed")
					})
				}
				require.Greater(t, degraded, 20, "nothing degraded: the comparison shows nothing")
				require.Greater(t, restarts, 5)
			})
		}
	}
}
