package load

import "time"

// Ladder finds the level for a load. Level 0 is below the first step; level i
// is entered when the load exceeds Above[i-1].
type Ladder struct {
	// Above are the loads that are to be exceeded, ascending.
	Above []float64
	// ExitMargin is how far the load must fall below the entry of a level
	// before the level is left. 0: the level is left where it was entered.
	ExitMargin float64
	// MinDwell is how long a level is held before it may be left downwards.
	// Upwards there is no wait: overload does not wait either.
	MinDwell time.Duration

	level int
	since time.Time
}

// Observe takes the load of a moment and returns the level from now on. The
// load may skip levels in both directions.
func (l *Ladder) Observe(now time.Time, load float64) int {
	up := l.level
	for up < len(l.Above) && load > l.Above[up] {
		up++
	}
	if up > l.level {
		l.level, l.since = up, now
		return l.level
	}
	if now.Sub(l.since) < l.MinDwell {
		return l.level
	}
	down := l.level
	for down > 0 && load <= l.Above[down-1]-l.ExitMargin {
		down--
	}
	if down < l.level {
		l.level, l.since = down, now
	}
	return l.level
}
