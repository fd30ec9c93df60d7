package detector

import (
	"encoding/binary"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
)

// Version is of the layout of everything that is written. It must change with
// the layout of any of it.
const Version = 1

// Parts is how many records hold the whole state: the shards, and what belongs
// to no series.
const Parts = Shards + 1

// What follows in a part.
const (
	end = iota
	aSeries
	aStream
)

// Saving is a part on its way to be written. Between calls of Append the
// detector may go on.
type Saving struct {
	d       *Detector
	series  []*entry[Series]
	streams []*entry[measure.Stream]
	general bool
}

// Save begins to write a part, 0 to Parts-1, which from here on counts as
// written. Nil when nothing of it has changed since it was.
func (d *Detector) Save(part int) *Saving {
	if part == Shards {
		if d.batch == d.savedBatch {
			return nil
		}
		d.savedBatch = d.batch
		return &Saving{d: d, general: true}
	}
	series, changed := d.series.save(part)
	s := &Saving{d: d, series: series}
	if d.streams != nil {
		streams, also := d.streams.save(part)
		s.streams, changed = streams, changed || also
	}
	if !changed {
		return nil
	}
	return s
}

// Unsaved takes back that a part was written.
func (d *Detector) Unsaved(part int) {
	if part == Shards {
		d.savedBatch = 0
		return
	}
	d.series.shards[part].dirty = true
}

// save returns the entries of a shard, and whether it has changed.
func (t *table[V]) save(part int) (entries []*entry[V], changed bool) {
	sh := &t.shards[part]
	changed, sh.dirty = sh.dirty, false
	entries = make([]*entry[V], 0, len(sh.entries))
	for _, e := range sh.entries {
		entries = append(entries, e)
	}
	return entries, changed
}

func (t *table[V]) find(k Key) *entry[V] { return t.shards[k.shard()].entries[k] }

// Append appends the next n series or streams of the part; more is false when
// that was the end of it.
func (s *Saving) Append(b []byte, n int) (_ []byte, more bool) {
	if s.general {
		b = binary.AppendVarint(b, s.d.newest)
		return binary.AppendVarint(b, s.d.nextSweep), false
	}
	for range n {
		switch {
		case len(s.series) > 0:
			e := s.series[0]
			s.series = s.series[1:]
			if s.d.series.find(e.key) == e { // else it is gone since
				b = appendEntry(append(b, aSeries), e)
				b = e.value.append(b)
			}
		case len(s.streams) > 0:
			e := s.streams[0]
			s.streams = s.streams[1:]
			if s.d.streams.find(e.key) == e {
				b = appendEntry(append(b, aStream), e)
				b = e.value.Append(b)
			}
		default:
			return append(b, end), false
		}
	}
	return b, true
}

func appendEntry[V any](b []byte, e *entry[V]) []byte {
	b = binary.LittleEndian.AppendUint64(b, e.key[0])
	b = binary.LittleEndian.AppendUint64(b, e.key[1])
	b = binary.AppendVarint(b, e.seen)
	return binary.AppendUvarint(b, e.order)
}

func (s *Series) append(b []byte) []byte {
	if s.guard != nil {
		b = s.guard.append(b)
	} else {
		b = s.ring.Append(b)
	}
	b = s.stream.Append(b)
	b = binary.AppendVarint(b, s.lastSeen)
	b = record.AppendBool(b, s.episode)
	if s.episode {
		b = s.reason.Append(b)
	}
	b = record.AppendBool(b, s.lastIn > 0)
	if s.lastIn > 0 {
		b = binary.AppendVarint(b, s.lastAt)
		b = s.last.Append(b)
	}
	return b
}
