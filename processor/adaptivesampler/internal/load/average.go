package load

import (
	"math"
	"time"
)

// Average is an exponentially weighted moving average with one time constant
// for rising values and a longer one for falling values: overload is believed
// quickly, relief slowly. The zero value with both constants set is ready; the
// first value is taken as it is.
type Average struct {
	Up, Down time.Duration

	value float64
	last  time.Time
}

// Observe adds a value and returns the average. Readings may come at any
// interval: a late tick weighs more, a clock that stands or steps back weighs
// nothing.
func (a *Average) Observe(now time.Time, value float64) float64 {
	if a.last.IsZero() {
		a.value, a.last = value, now
		return value
	}
	elapsed := now.Sub(a.last)
	if elapsed <= 0 {
		return a.value
	}
	a.last = now
	constant := a.Down
	if value > a.value {
		constant = a.Up
	}
	a.value += (value - a.value) * (1 - math.Exp(-elapsed.Seconds()/constant.Seconds()))
	return a.value
}
