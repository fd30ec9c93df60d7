package measure

// Point is what the points of all types have in common.
type Point struct {
	// Start and Time are Unix nanoseconds; a Start of 0 is unknown.
	Start, Time int64
	Cumulative  bool
	// Duration says that the metric measures time: it cannot be negative.
	Duration bool
}

// Stream is what must be remembered of one stream to know what its next point
// measured: the last cumulative point. The zero value has seen none.
type Stream struct {
	seen        bool
	start, time int64

	value float64 // a sum's value, a histogram's sum
	hist  *histogram
}

// relation is how a cumulative point follows the one before.
type relation uint8

const (
	follows relation = iota // the difference is what happened since
	resets                  // all of it happened since
	begins                  // unknown since when; it is only remembered
	stale                   // not newer; it is ignored
)

// relate tells how p follows the last point. within is how long before p.Time a
// stream that is seen for the first time may have begun for its value to count:
// the window, since then all of it belongs to the past that a baseline stands
// for. An older one would put days into one pane.
func (s *Stream) relate(p Point, within int64) relation {
	switch {
	case !s.seen:
		// s.time is of delta points before, which have told a part of it already
		if p.Start > 0 && p.Start < p.Time && p.Start >= s.time && p.Time-p.Start <= within {
			return resets
		}
		return begins
	case p.Start > s.start && (s.start > 0 || p.Start >= s.time):
		return resets // also when its time is not newer: a restart with the clock set back
	case p.Time <= s.time:
		return stale
	}
	return follows
}

func (s *Stream) remember(p Point) { s.seen, s.start, s.time = true, p.Start, p.Time }

// since is when what a point says began to happen: its own start, but not
// before the point before it.
func (s *Stream) since(p Point) int64 {
	since := p.Start
	if s.seen && s.time > since && s.time < p.Time {
		since = s.time
	}
	return since
}
