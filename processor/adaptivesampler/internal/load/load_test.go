package load

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func TestLadderToTheLetter(t *testing.T) {
	l := Ladder{Above: []float64{0.6, 0.8}}
	for i, tt := range []struct {
		load  float64
		level int
	}{
		{0, 0},
		{0.60, 0},
		{0.61, 1},
		{0.80, 1},
		{0.81, 2},
		{0.80, 1},
		{0.60, 0},
		{0.99, 2}, // both steps at once
		{0, 0},
	} {
		assert.Equal(t, tt.level, l.Observe(at(time.Duration(i)*time.Millisecond), tt.load), "row %d", i)
	}
}

func TestLadderHysteresis(t *testing.T) {
	l := Ladder{Above: []float64{0.6, 0.8}, ExitMargin: 0.1, MinDwell: 10 * time.Second}
	for i, tt := range []struct {
		at    time.Duration
		load  float64
		level int
		why   string
	}{
		{0, 0.61, 1, "no dwell before the first step"},
		{1 * time.Second, 0.55, 1, "inside the margin"},
		{2 * time.Second, 0.1, 1, "below the margin, but not long enough here"},
		{9 * time.Second, 0.1, 1, ""},
		{10 * time.Second, 0.51, 1, "inside the margin again"},
		{11 * time.Second, 0.85, 2, "up at once"},
		{12 * time.Second, 0.1, 2, "the dwell begins anew with the level"},
		{21 * time.Second, 0.71, 2, "inside the margin of the second step"},
		{22 * time.Second, 0.70, 1, "left"},
		{23 * time.Second, 0.1, 1, ""},
		{32 * time.Second, 0.5, 0, ""},
	} {
		assert.Equal(t, tt.level, l.Observe(at(tt.at), tt.load), "row %d %s", i, tt.why)
	}
}

func TestLadderWithoutSteps(t *testing.T) {
	assert.Equal(t, 0, (&Ladder{}).Observe(start, 5))
}

func TestAverage(t *testing.T) {
	a := Average{Up: 5 * time.Second, Down: 30 * time.Second}
	assert.Equal(t, 0.2, a.Observe(at(0), 0.2), "the first value as it is")
	rise := 0.2 + 0.8*(1-math.Exp(-1))
	assert.InDelta(t, rise, a.Observe(at(5*time.Second), 1), 1e-12, "one constant up")
	assert.InDelta(t, rise, a.Observe(at(5*time.Second), 0), 1e-12, "no time, no weight")
	assert.InDelta(t, rise, a.Observe(at(0), 0), 1e-12, "a clock that steps back has no weight")
	assert.InDelta(t, rise*math.Exp(-1), a.Observe(at(35*time.Second), 0), 1e-12, "one constant down")
}

func TestAverageDoesNotDependOnTheTick(t *testing.T) {
	often := Average{Up: 5 * time.Second, Down: 30 * time.Second}
	seldom := often
	often.Observe(start, 0)
	seldom.Observe(start, 0)
	var got float64
	for i := 1; i <= 20; i++ {
		got = often.Observe(at(time.Duration(i)*500*time.Millisecond), 0.9)
	}
	assert.InDelta(t, seldom.Observe(at(10*time.Second), 0.9), got, 1e-12)
}
