package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
)

// Restoring puts a state that was written back into a detector that has seen
// nothing yet: any number of Read, then Finish.
type Restoring struct {
	d              *Detector
	oldest, now    int64
	series         []*entry[Series]
	streams        []*entry[measure.Stream]
	newest, sweeps int64
}

// Restore begins to read at the time now (Unix nanoseconds). What was not seen
// for longer than ttl nanoseconds before is left out.
func (d *Detector) Restore(now, ttl int64) *Restoring {
	return &Restoring{d: d, now: now, oldest: now - ttl}
}

// Read reads a part, all of it or, with an error, nothing.
func (rs *Restoring) Read(part int, payload []byte) error {
	r := record.NewReader(payload)
	if part == Shards {
		newest, sweeps := r.IntWithin(0, math.MaxInt64), r.Int()
		if r.Err() == nil {
			rs.newest, rs.sweeps = newest, sweeps
		}
		return r.Err()
	}
	var series []*entry[Series]
	var streams []*entry[measure.Stream]
	for tag := r.Byte(); tag != end; tag = r.Byte() {
		switch {
		case tag == aSeries:
			e := readEntry[Series](r, part, rs.now)
			e.value.read(r, rs)
			series = append(series, e)
		case tag == aStream && rs.d.streams != nil:
			e := readEntry[measure.Stream](r, part, rs.now)
			e.value.Read(r)
			streams = append(streams, e)
		default:
			r.Fail()
		}
		// a failed reader reads 0, which is the end
	}
	if err := r.Err(); err != nil {
		return err
	}
	rs.series, rs.streams = append(rs.series, series...), append(rs.streams, streams...)
	return nil
}

func readEntry[V any](r *record.Reader, part int, now int64) *entry[V] {
	e := &entry[V]{key: Key{r.Fixed(), r.Fixed()}}
	e.seen = min(r.Int(), now) // see the clock in Finish
	e.order = r.Uint()
	r.FailUnless(e.key.shard() == part)
	return e
}

func (s *Series) read(r *record.Reader, rs *Restoring) {
	d := rs.d
	if d.opts.Guarded != nil {
		s.guard = d.newGuard()
		s.guard.read(r)
	} else {
		s.ring = &baseline.Ring{}
		d.merger.Read(s.ring, r)
	}
	s.stream.Read(r)
	s.lastSeen = min(r.Int(), rs.now)
	if s.episode = r.Bool(); s.episode {
		s.reason.Read(r)
	}
	if r.Bool() {
		s.lastIn = restoredIn
		s.lastAt = r.IntWithin(0, math.MaxInt64)
		s.last.Read(r)
	}
}

// restoredIn is the batch that all that was restored came in.
const restoredIn = 1

// Restored is what became of the series that were written.
type Restored struct {
	Series  int // taken back
	Expired int // not seen for too long
	Refused int // more than the detector holds; those not seen for the longest time
}

// Finish puts what was read into the detector.
func (rs *Restoring) Finish() Restored {
	d := rs.d
	d.newest = max(d.newest, rs.newest)
	// A clock that was ahead when it was written would keep for ever what was
	// seen, and sweep never.
	d.nextSweep = min(rs.sweeps, rs.now+d.opts.Panes.Width)
	d.batch = restoredIn
	var out Restored
	out.Series, out.Expired, out.Refused = restore(d.series, rs.series, rs.oldest)
	for i := range d.series.shards {
		for _, e := range d.series.shards[i].entries {
			d.resume(&e.value)
		}
	}
	if d.streams != nil {
		restore(d.streams, rs.streams, rs.oldest)
	}
	return out
}

// resume makes of a series what is not written, since it follows from the rest.
func (d *Detector) resume(s *Series) {
	if s.episode {
		// as it was after the last sweep
		s.openAt = gone
		if s.lastSeen >= d.nextSweep-d.opts.Panes.Width-d.window {
			d.enter(s)
		}
	}
	if s.guard != nil {
		d.resumeGuard(s.guard)
	}
}

// restore inserts the entries in the order in which they were last seen.
func restore[V any](t *table[V], entries []*entry[V], oldest int64) (taken, expired, refused int) {
	alive := slices.DeleteFunc(entries, func(e *entry[V]) bool { return e.seen < oldest })
	expired, entries = len(entries)-len(alive), alive
	slices.SortFunc(entries, func(a, b *entry[V]) int { return cmp.Compare(a.order, b.order) })
	if refused = max(0, len(entries)-t.max); refused > 0 {
		entries = entries[refused:]
	}
	for _, e := range entries {
		if t.find(e.key) == nil { // a key stands twice only in a record that lies
			t.order = e.order - 1 // it keeps its own: it is in what is written
			t.insert(e)
			taken++
		}
	}
	// What was left out must go from the storage, too.
	for i := range t.shards {
		t.shards[i].dirty = expired+refused > 0
	}
	return taken, expired, refused
}
