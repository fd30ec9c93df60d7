package degradation

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
)

// inBubble runs f on a clock of its own, which begins after all event time.
func inBubble(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(epoch.Add(24 * time.Hour)))
		f(t)
	})
}

// learn brings n series out of learning: an hour of a point a minute each.
func (l *life) learn(n int) {
	for i := range 60 {
		for s := range n {
			l.send(gauge(fmt.Sprint("m", s), time.Duration(i)*time.Minute, 1))
		}
	}
}

// stateOf is what is told of a point of 9 in the second hour: 1 when the series'
// baseline is there, -1 when it learns.
func (l *life) stateOf(s int, when time.Duration) int64 {
	got := verdicts(l.t, l.send(gauge(fmt.Sprint("m", s), time.Hour+when, 9)))
	require.Len(l.t, got, 1)
	return got[0].state
}

func strict(c *Config) { c.Mode = modeStrict }

func all(c *Config) { c.Mode, c.Emit = modeStrict, emitAll }

func garbage(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// A killed process loses what came after the last save, which is at most a
// minute of it.
func TestAKilledProcessLosesAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		first := live(t, disk, all)
		first.learn(1)
		time.Sleep(saveInterval - time.Second)
		require.Empty(t, disk.copy())
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, first.stateOf(0, 0))
		atKill := newMemoryStorage()
		atKill.records = disk.copy()
		second := live(t, atKill, all)
		require.EqualValues(t, 1, second.own("restored_series", ""))
		require.EqualValues(t, 1, second.stateOf(0, time.Second), "it did not learn anew")
		require.Equal(t, 1, second.logs.FilterMessage("the state is back").Len())
	})
}

// An episode that was told goes on: it neither ends nor begins anew.
func TestAnEpisodeOutlivesTheProcess(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		first := live(t, disk, strict)
		first.learn(2)
		require.EqualValues(t, 1, first.stateOf(0, 0))
		first.end()
		second := live(t, disk, strict)
		require.EqualValues(t, 1, degradedCount(second.send(gauge("m1", time.Hour, 1))))
		got := verdicts(t, second.send(gauge("m0", time.Hour+time.Minute, 1)))
		require.Len(t, got, 1, "the closing one")
		require.EqualValues(t, 0, got[0].state)
		require.Equal(t, "mean_and_p95", got[0].reason)
	})
}

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		l := live(t, disk, all)
		l.learn(200)
		time.Sleep(saveInterval + time.Second)
		first := len(disk.copy())
		require.Greater(t, first, 50, "most of the parts hold some of 200 series")
		l.stateOf(7, 0)
		time.Sleep(saveInterval)
		require.EqualValues(t, first+2, l.own("saves", ""), "the part of the series, and the one of none")
		time.Sleep(10 * saveInterval)
		require.EqualValues(t, first+2, l.own("saves", ""), "nothing has happened")
	})
}

func TestBrokenRecords(t *testing.T) {
	const series = 100
	version := func(b []byte) []byte { binary.LittleEndian.PutUint32(b[4:], 99); return b }
	for name, c := range map[string]struct {
		reason string
		harm   func(b []byte) []byte
	}{
		"a bit":     {"corrupt", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }},
		"truncated": {"corrupt", func(b []byte) []byte { return b[:len(b)-3] }},
		"empty":     {"corrupt", func([]byte) []byte { return []byte{} }},
		"garbage":   {"corrupt", func(b []byte) []byte { return garbage(len(b)) }},
		"version":   {"version", version},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				disk := newMemoryStorage()
				first := live(t, disk, all)
				first.learn(series)
				first.end()
				harmed := 0
				for key, b := range disk.records {
					if key != recordKey(detector.Shards) && harmed < 10 {
						disk.records[key] = c.harm(b)
						harmed++
					}
				}
				second := live(t, disk, all)
				require.EqualValues(t, 10, second.own("discarded_records", c.reason))
				require.EqualValues(t, 10, second.own("discarded_records", ""))
				warned := second.logs.FilterLevelExact(zap.WarnLevel).All()
				require.Len(t, warned, 1, "one for all")
				require.Equal(t, c.reason, warned[0].ContextMap()["reason"])
				learning := int64(0)
				for s := range series {
					if second.stateOf(s, 0) == -1 {
						learning++
					}
				}
				require.Greater(t, learning, int64(5))
				require.EqualValues(t, series-learning, second.own("restored_series", ""))
				// and the next one finds them mended
				second.end()
				require.Zero(t, live(t, disk, all).own("discarded_records", ""))
			})
		})
	}
}

// A record whose checksum holds may still be a lie.
func TestRecordsOfOtherPlaces(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		first := live(t, disk, all)
		first.learn(100)
		first.end()
		a, b := recordKey(1), recordKey(2)
		require.NotNil(t, disk.records[a])
		require.NotNil(t, disk.records[b])
		disk.records[a], disk.records[b] = disk.records[b], disk.records[a]
		require.EqualValues(t, 2, live(t, disk, all).own("discarded_records", "corrupt"))
	})
}

func TestAnotherConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		taken  bool
	}{
		"thresholds": {func(c *Config) { c.MeanRatio, c.P95Ratio, c.MinSamples = 3, 2, 5 }, true},
		"emit":       {func(c *Config) { c.Emit = emitDegraded }, true},
		"pane":       {func(c *Config) { c.Pane = time.Minute }, false},
		"window":     {func(c *Config) { c.Window = 2 * time.Hour }, false},
		"season":     {func(c *Config) { c.Seasonality = seasonalityHourOfWeek }, false},
		"current":    {func(c *Config) { c.Current = currentP95 }, false},
		"attributes": {func(c *Config) { c.ExcludeAttributes = []string{"pod"} }, false},
	} {
		change := c.change
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				disk := newMemoryStorage()
				first := live(t, disk, all)
				first.learn(1)
				first.end()
				second := live(t, disk, func(c *Config) { all(c); change(c) })
				if c.taken {
					require.EqualValues(t, 1, second.own("restored_series", ""))
					require.Zero(t, second.own("discarded_records", ""))
				} else {
					require.Zero(t, second.own("restored_series", ""))
					require.EqualValues(t, len(disk.copy()), second.own("discarded_records", "configuration"))
				}
			})
		})
	}
}

func TestWhatIsNotTakenBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		first := live(t, disk, all)
		first.learn(4)
		time.Sleep(20 * time.Hour)
		for s := range 3 {
			first.stateOf(3-s, 0) // 3, 2, 1
		}
		first.end()
		time.Sleep(5 * time.Hour)
		second := live(t, disk, func(c *Config) { all(c); c.MaxSeries = 2 })
		require.EqualValues(t, 1, second.own("discarded_series", "expired"), "not seen for 25 h")
		require.EqualValues(t, 1, second.own("discarded_series", "max_series"))
		require.EqualValues(t, 2, second.own("restored_series", ""))
		for s, want := range map[int]int64{2: 1, 1: 1} {
			require.Equal(t, want, second.stateOf(s, time.Second), "%d, which was seen last", s)
		}
		second.end()
		require.Zero(t, live(t, disk, all).own("discarded_series", ""), "they are gone from the storage, too")
	})
}

func TestAStorageThatTakesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		disk.broken = errors.New("no space left on device")
		l := live(t, disk, all)
		l.learn(1)
		for range 25 {
			l.stateOf(0, 0)
			time.Sleep(saveInterval)
		}
		synctest.Wait()
		require.EqualValues(t, 50, l.own("save_errors", ""), "two parts a minute")
		require.Zero(t, l.own("saves", ""))
		warned := l.logs.FilterLevelExact(zap.WarnLevel)
		require.Equal(t, 3, warned.Len(), "one in ten minutes")
		require.Contains(t, fmt.Sprint(warned.All()[0].ContextMap()), "no space left on device")
		disk.do(func() { disk.broken = nil })
		time.Sleep(saveInterval + time.Second)
		require.EqualValues(t, 2, l.own("saves", ""), "nothing happened since, and it is tried again")
		require.Equal(t, 1, l.logs.FilterMessage("the state is saved again").Len())
		l.end()
		require.EqualValues(t, 1, live(t, disk, all).stateOf(0, time.Second))
	})
}

func TestAStorageThatDoesNotOpen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		disk.opening = errors.New("invalid database")
		l := live(t, disk, all)
		require.Equal(t, 1, l.logs.FilterLevelExact(zap.WarnLevel).Len())
		l.learn(1)
		time.Sleep(3 * saveInterval)
		require.EqualValues(t, 1, l.stateOf(0, 0), "it works without")
		disk.do(func() { disk.opening = nil })
		time.Sleep(saveInterval + time.Second)
		require.EqualValues(t, 2, l.own("saves", ""))
		l.end()
		require.Zero(t, disk.open)
	})
}

func TestAStorageThatPanics(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		disk.panics = true
		l := live(t, disk, all)
		require.EqualValues(t, detector.Parts, l.own("discarded_records", "unreadable"))
		l.learn(1)
		require.EqualValues(t, 1, l.stateOf(0, 0))
	})
}

func TestNoSuchStorage(t *testing.T) {
	other := component.MustNewIDWithName("file_storage", "other")
	health := component.MustNewID("health_check")
	plain := struct {
		component.StartFunc
		component.ShutdownFunc
	}{}
	for _, c := range []struct {
		host host
		want string
	}{
		{nil, "storage: there is no extension file_storage; no storage extension is listed in service::extensions; add one, such as file_storage"},
		{host{health: plain}, "storage: there is no extension file_storage; no storage extension is listed in service::extensions; add one, such as file_storage"},
		{host{health: plain, other: newMemoryStorage()}, "storage: there is no extension file_storage; use one of file_storage/other"},
		{host{storageID: plain, other: newMemoryStorage()}, "storage: the extension file_storage stores nothing; use one of file_storage/other"},
	} {
		_, err := tryToLive(t, c.host, nil)
		require.EqualError(t, err, c.want)
	}
}

// Saving while batches come; the race detector looks on.
func TestSavingWhileConsuming(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		disk := newMemoryStorage()
		l := live(t, disk, all)
		var senders sync.WaitGroup
		for s := range 20 {
			senders.Go(func() {
				for i := range 100 {
					_ = l.proc.ConsumeMetrics(context.Background(), gauge(fmt.Sprint("m", s), time.Duration(i)*time.Minute, 1))
					time.Sleep(saveInterval / 4) // all of them, and every fourth time a save, at one moment
				}
			})
		}
		senders.Wait()
		require.Greater(t, l.own("saves", ""), int64(100))
		l.end()
		require.EqualValues(t, 20, live(t, disk, all).own("restored_series", ""))
	})
}
