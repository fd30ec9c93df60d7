package delta

import "time"

// Key identifies a stream. 128 bits of hash: with a million streams the chance
// of any two sharing a key is about 1e-27.
type Key [2]uint64

// Verdict says what became of a point.
type Verdict int

const (
	// Emit: the returned delta holds.
	Emit Verdict = iota
	// Reset: the returned delta holds and is the full value.
	Reset
	// Seed: the stream's first point; nothing to emit.
	Seed
	// Late: not newer than the last point of the stream, or of an earlier start.
	Late
	// Incomparable: the histogram changed its buckets without a reset; it seeds anew.
	Incomparable
	// Full: there is no room for another stream.
	Full
)

// Point is where a value lies in time, in nanoseconds since the epoch.
type Point struct{ Start, Time uint64 }

// value is what a stream holds: Number, Histogram or Exponential.
type value[T any] interface {
	// since returns the value minus an earlier one of the same stream.
	since(earlier T) (T, comparison)
}

type comparison int

const (
	grew comparison = iota
	shrank
	incomparable
)

type stream struct {
	at, nextAt Point
	val, next  any
	seen       int64
	known      bool // at and val hold
	staged     bool // nextAt and next hold
}

// Tracker holds the streams. It is not safe for concurrent use.
type Tracker struct {
	max     int
	ttl     time.Duration
	streams map[Key]*stream
	staged  []Key
	swept   time.Time
	// forgotten is the latest point of any stream that was swept. A stream that
	// comes back with an older start may have been counted before: counting it
	// in full again would double it, so it seeds.
	forgotten uint64
}

// New returns a Tracker of at most max streams that forgets a stream that was
// silent for ttl.
func New(max int, ttl time.Duration) *Tracker {
	return &Tracker{max: max, ttl: ttl, streams: map[Key]*stream{}}
}

// Len is the number of streams.
func (t *Tracker) Len() int { return len(t.streams) }

// Begin opens a batch, discarding what an earlier one did not commit.
func (t *Tracker) Begin(now time.Time) {
	t.Discard()
	// Four sweeps per ttl keep the cost of a sweep far below that of the points.
	if now.Sub(t.swept) >= t.ttl/4 {
		t.sweep(now)
	}
}

func (t *Tracker) sweep(now time.Time) {
	t.swept = now
	oldest := now.Add(-t.ttl).UnixNano()
	for k, s := range t.streams {
		if s.seen < oldest {
			// A time yet to come would let every later stream seed.
			t.forgotten = max(t.forgotten, min(s.at.Time, uint64(now.UnixNano())))
			delete(t.streams, k)
		}
	}
}

// Commit makes the batch's values the last ones.
func (t *Tracker) Commit() {
	for _, k := range t.staged {
		if s := t.streams[k]; s != nil && s.staged {
			s.at, s.val, s.known = s.nextAt, s.next, true
			s.next, s.staged = nil, false
		}
	}
	t.staged = t.staged[:0]
}

// Discard forgets the batch.
func (t *Tracker) Discard() {
	for _, k := range t.staged {
		if s := t.streams[k]; s != nil {
			s.next, s.staged = nil, false
			if !s.known {
				delete(t.streams, k)
			}
		}
	}
	t.staged = t.staged[:0]
}

// Next stages the value of a stream and returns what it adds to the last one,
// and since when. ours is the exporter's own start.
func Next[T value[T]](t *Tracker, key Key, now time.Time, ours uint64, at Point, v T) (T, Point, Verdict) {
	var none T
	s := t.streams[key]
	if s == nil {
		if len(t.streams) >= t.max {
			return none, at, Full
		}
		s = &stream{}
		t.streams[key] = s
	}
	last, lastAt := s.val, s.at
	if s.staged { // two points of one stream in one batch
		last, lastAt = s.next, s.nextAt
	}
	if last == nil {
		t.stage(key, s, now, at, v)
		if at.Start > max(ours, t.forgotten) && at.Start < at.Time {
			return v, at, Emit
		}
		return none, at, Seed
	}
	if at.Time <= lastAt.Time || at.Start != 0 && at.Start < lastAt.Start {
		return none, at, Late
	}
	earlier, same := last.(T)
	if at.Start > lastAt.Start && lastAt.Start != 0 {
		t.stage(key, s, now, at, v)
		return v, at, Reset
	}
	if !same {
		t.stage(key, s, now, at, v)
		return none, at, Incomparable
	}
	diff, how := v.since(earlier)
	t.stage(key, s, now, at, v)
	since := Point{Start: lastAt.Time, Time: at.Time}
	switch how {
	case shrank:
		return v, since, Reset
	case incomparable:
		return none, at, Incomparable
	default:
		return diff, since, Emit
	}
}

// stage also says that the stream lives. A late point does not: a stream with one
// time far ahead of all that follow is forgotten with it, and begins anew.
func (t *Tracker) stage(key Key, s *stream, now time.Time, at Point, v any) {
	s.seen = now.UnixNano()
	if !s.staged {
		s.staged = true
		t.staged = append(t.staged, key)
	}
	s.nextAt, s.next = at, v
}
