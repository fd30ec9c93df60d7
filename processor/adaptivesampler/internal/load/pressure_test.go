package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const ms = time.Millisecond

// call is one call of a consumer, from the moment it began.
type call struct {
	at, takes time.Duration
	refused   bool
}

// each repeats a call every so often for ten seconds.
func each(every, takes time.Duration) (calls []call) {
	for at := time.Duration(0); at < 10*time.Second; at += every {
		calls = append(calls, call{at: at, takes: takes})
	}
	return calls
}

// replay lets the calls begin and end, reading every tick, and returns the
// readings.
func replay(calls []call, tick time.Duration) (readings []float64) {
	p := Pressure{Patience: 200 * ms}
	type running struct {
		call
		id uint64
	}
	var under []running
	for now := time.Duration(0); now <= 10*time.Second; now += ms {
		keep := under[:0]
		for _, r := range under {
			if r.at+r.takes <= now {
				p.End(at(now), r.id, r.refused)
			} else {
				keep = append(keep, r)
			}
		}
		under = keep
		for len(calls) > 0 && calls[0].at <= now {
			under = append(under, running{calls[0], p.Begin(at(now))})
			calls = calls[1:]
		}
		if now%tick == 0 {
			if value, ok := p.Read(at(now)); ok {
				readings = append(readings, value)
			}
		}
	}
	return readings
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

func TestPressure(t *testing.T) {
	slowTail := each(ms, 20*ms)
	for i := range slowTail {
		if i%100 == 0 {
			slowTail[i].takes = 300 * ms
		}
	}
	for _, tt := range []struct {
		name     string
		calls    []call
		from, to float64 // the mean reading
	}{
		{"nobody calls", nil, 0, 0},
		{"one caller, answered soon", each(20*ms, 20*ms), 0, 0},
		{"busy and healthy: fifty calls at once, each answered soon", each(ms, 50*ms), 0, 0},
		{"a far back-end: fifty calls at once, each just in time", each(4*ms, 200*ms), 0, 0},
		{"busy, one call in a hundred slow", slowTail, 0.02, 0.08},
		{"one slow call in ten seconds", []call{{at: time.Second, takes: time.Second}}, 0.07, 0.09},
		{"one caller, every call 2.5 times its patience", each(500*ms, 500*ms), 0.55, 0.65},
		{"ten callers, 2.5 times", each(50*ms, 500*ms), 0.55, 0.65},
		{"one caller, 5 times", each(time.Second, time.Second), 0.75, 0.85},
		{"a hundred callers, 5 times", each(10*ms, time.Second), 0.7, 0.85},
		{"hanging", []call{{takes: time.Hour}}, 0.95, 1},
		{"callers gather before it", each(100*ms, time.Hour), 0.9, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mean(replay(tt.calls, 500*ms))
			assert.GreaterOrEqual(t, got, tt.from)
			assert.LessOrEqual(t, got, tt.to)
		})
	}
}

// A call is seen while it hangs, not only when it comes back.
func TestPressureSeesWhatHangs(t *testing.T) {
	p := Pressure{Patience: 200 * ms}
	_, ok := p.Read(start)
	assert.False(t, ok, "the first reading has no interval")
	id := p.Begin(at(0))
	for _, tt := range []struct {
		at   time.Duration
		want float64
	}{{200 * ms, 0}, {400 * ms, 1}, {600 * ms, 1}} {
		got, ok := p.Read(at(tt.at))
		assert.True(t, ok)
		assert.Equal(t, tt.want, got, "at %v", tt.at)
	}
	p.End(at(700*ms), id, false)
	got, _ := p.Read(at(800 * ms))
	assert.InDelta(t, 0.5, got, 1e-9, "half of the time")
	got, _ = p.Read(at(900 * ms))
	assert.Zero(t, got)
}

func TestPressureRefused(t *testing.T) {
	calls := each(10*ms, ms)
	calls[120].refused = true // at 1.2 s
	readings := replay(calls, 500*ms)
	assert.Equal(t, []float64{0, 0, 1, 0}, readings[:4], "full in its interval, and not after it")
}

// However the time is divided into readings, the same time is counted.
func TestPressureDoesNotDependOnTheTick(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var calls []call
	for range 5 { // always at least one call, so that the readings can be added up
		calls = append(calls, call{takes: time.Hour})
	}
	for at := time.Duration(0); at < 9*time.Second; at += time.Duration(rng.IntN(100)) * ms {
		calls = append(calls, call{at: at, takes: time.Duration(rng.IntN(1500)) * ms})
	}
	assert.InDelta(t, mean(replay(calls, 10*time.Second)), mean(replay(calls, 100*ms)), 0.05)
}

// A reader that starts late does not count what was before.
func TestPressureBeforeTheFirstReading(t *testing.T) {
	p := Pressure{Patience: 200 * ms}
	p.End(at(10*time.Second), p.Begin(at(0)), true)
	_, ok := p.Read(at(10 * time.Second))
	assert.False(t, ok)
	got, ok := p.Read(at(11 * time.Second))
	assert.True(t, ok)
	assert.Zero(t, got)
	_, ok = p.Read(at(11 * time.Second))
	assert.False(t, ok, "no time has passed")
	assert.Empty(t, p.calls, "nothing is kept of a call that has ended")
}
