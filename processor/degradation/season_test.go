package degradation

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
)

// day is a series of office hours: three times as slow from 8 to 18, on
// weekdays, with some noise.
func day(rng *rand.Rand, when time.Duration) float64 {
	level := 0.1
	at := epoch.Add(when)
	if h := at.Hour(); h >= 8 && h < 18 && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday {
		level = 0.3
	}
	return level * math.Exp(0.1*rng.NormFloat64())
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// A rush every morning alarms every morning; where the week has been learned it
// does not, and an incident that comes on top does. For scalars and histograms,
// and also when the collector is restarted every now and then.
func TestSeasonality(t *testing.T) {
	const incident = 25*24*time.Hour + 8*time.Hour + 30*time.Minute // in the rush of a Monday
	require.Equal(t, time.Monday, epoch.Add(incident).Weekday())
	for _, enc := range encodings() {
		switch enc.name {
		case "gauge", "histogram, delta", "exponential histogram, cumulative":
		default:
			continue
		}
		t.Run(enc.name, func(t *testing.T) {
			run := func(s Seasonality, days int, restarts bool) (alarms map[int]int, said uint64) {
				alarms = map[int]int{}
				digest := xxhash.New()
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(epoch))
					change := func(c *Config) { c.Seasonality, c.MinCount, c.Emit, c.Pane = s, 10, emitAll, 10*time.Minute }
					rng := rand.New(rand.NewPCG(1, 9))
					disk := newMemoryStorage()
					l := live(t, disk, change)
					var all []interval
					for from := time.Duration(0); from < time.Duration(days)*24*time.Hour; from += 5 * time.Minute {
						i := interval{from: from, to: from + 5*time.Minute, restart: from == 0}
						for range 12 {
							v := day(rng, i.to)
							if from >= incident && from < incident+time.Hour {
								v *= 3
							}
							i.values = append(i.values, v)
						}
						if enc.scalar {
							i.values = i.values[:1]
						}
						all = append(all, i)
					}
					degraded := int64(0)
					for n, md := range enc.encode(all, 1) {
						out := l.send(md)
						_, _ = digest.Write(bytesOf(t, out))
						for _, v := range verdicts(t, out) {
							if v.state == 1 { // told in the unit of what came, whatever it was divided by
								require.InEpsilon(t, mean(all[n].values), v.current, 1e-6)
								require.InEpsilon(t, v.factor, v.current/v.mean, 1e-6)
							}
						}
						now := degradedCount(out)
						if now > degraded {
							alarms[int(all[n].to/(24*time.Hour))]++
						}
						degraded = now
						time.Sleep(5 * time.Minute)
						if n%487 == 486 && restarts {
							l.end()
							l = live(t, disk, change)
						}
					}
					l.end()
				})
				return alarms, digest.Sum64()
			}
			without, _ := run(seasonalityNone, 14, false)
			mornings := 0
			for day := range 14 {
				if wd := epoch.Add(time.Duration(day) * 24 * time.Hour).Weekday(); wd != time.Saturday && wd != time.Sunday && without[day] > 0 {
					mornings++
				}
			}
			require.Equal(t, 10, mornings, "the rush of each of ten working days")
			with, said := run(seasonalityHourOfWeek, 26, false)
			for day, n := range with {
				if day >= 15 { // two weeks, and a day to take effect
					require.Equal(t, 25, day, "%d alarms", n)
				}
			}
			require.Equal(t, 1, with[25], "the incident")
			if enc.name == "histogram, delta" {
				_, again := run(seasonalityHourOfWeek, 26, true)
				require.Equal(t, said, again, "byte for byte")
			}
		})
	}
}
