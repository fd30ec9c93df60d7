package store

import (
	"context"
	"errors"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// Kind is what a point's value means.
type Kind int

const (
	Gauge      Kind = iota
	Cumulative      // a total since Point.Start
	Delta           // an increase between Point.Start and Point.Time
)

// Point is the time of a value. All times are Unix milliseconds.
type Point struct {
	Kind  Kind
	Start int64 // 0 = unknown
	Time  int64
	// Before is when the value's source was last heard before this point; 0 =
	// never. A series that was not there then began after it, so its first
	// value is an increase since then, however old Start is.
	Before int64
	Stale  bool // there is no value: the series ends here
}

// Counts is what became of the points of a batch.
type Counts struct {
	Written   int
	Refused   int // new series beyond MaxSeries
	Late      int // older than the out-of-order window
	Duplicate int // another value for the same time is there
	Invalid   int // not a legal histogram
}

// Add adds o.
func (c *Counts) Add(o Counts) {
	c.Written += o.Written
	c.Refused += o.Refused
	c.Late += o.Late
	c.Duplicate += o.Duplicate
	c.Invalid += o.Invalid
}

// Batch writes points of one consume call. It holds the table's lock from its
// beginning to Commit: end it soon and always.
type Batch struct {
	s      *Store
	app    storage.AppenderV2
	dirty  []*series
	counts Counts
}

// Batch begins a batch.
func (s *Store) Batch(ctx context.Context) *Batch {
	s.table.mu.Lock()
	return &Batch{s: s, app: s.db.AppenderV2(ctx)}
}

// Float writes a number.
func (b *Batch) Float(ls labels.Labels, p Point, v float64) { b.write(ls, p, v, nil) }

// Histogram writes a native histogram. It keeps h.
func (b *Batch) Histogram(ls labels.Labels, p Point, h *histogram.FloatHistogram) {
	if !p.Stale && h.Validate() != nil {
		b.counts.Invalid++
		return
	}
	b.write(ls, p, 0, h)
}

func (b *Batch) write(ls labels.Labels, p Point, v float64, h *histogram.FloatHistogram) {
	if p.Stale {
		if sr := b.s.table.known(ls); sr != nil && sr.last != 0 {
			b.flush(sr)
			b.append(sr, p.Time, math.Float64frombits(value.StaleNaN), nil)
		}
		return
	}
	sr, isNew := b.s.table.get(ls)
	if sr == nil {
		b.counts.Refused++
		return
	}
	switch p.Kind {
	case Gauge:
		b.append(sr, p.Time, v, h)
	case Cumulative:
		b.total(sr, p, isNew, v, h)
	case Delta:
		b.increase(sr, p, isNew, v, h)
	}
}

// total writes a cumulative value, after a zero where its counting began.
func (b *Batch) total(sr *series, p Point, isNew bool, v float64, h *histogram.FloatHistogram) {
	switch {
	case p.Start <= 0 || p.Start >= p.Time:
		// An unknown start: what was counted before the first value is unknown too.
	case isNew:
		b.zero(sr, max(p.Start, p.Before), p.Time, h)
	case sr.start > 0 && p.Start > sr.start:
		b.zero(sr, max(p.Start, sr.last+1), p.Time, h)
	}
	if p.Start > 0 {
		sr.start = max(sr.start, p.Start)
	}
	b.append(sr, p.Time, v, h)
}

// increase folds a delta into the series' own total. What comes late is still
// counted, at the earliest time that is left; points of one time are one
// sample.
func (b *Batch) increase(sr *series, p Point, isNew bool, v float64, h *histogram.FloatHistogram) {
	if isNew {
		since := max(p.Start, p.Before)
		if since <= 0 || since >= p.Time {
			since = p.Time - max(b.s.opt.Interval.Milliseconds(), 1)
		}
		b.zero(sr, since, p.Time, h)
	}
	if p.Time < sr.last-b.s.opt.OutOfOrder.Milliseconds() {
		b.counts.Late++
		return
	}
	if h == nil {
		sr.sum += v
	} else if sr.hist == nil {
		sr.hist = h.Copy()
	} else if sum := added(sr.hist, h); sum != nil {
		sr.hist = sum
	} else {
		b.counts.Invalid++
		return
	}
	at := p.Time
	if sr.dirty {
		if at > sr.at {
			b.flush(sr)
		} else {
			at = sr.at
		}
	}
	if at <= sr.last {
		at = sr.last + 1
	}
	sr.at = at
	if !sr.dirty {
		sr.dirty = true
		b.dirty = append(b.dirty, sr)
	}
	b.counts.Written++
}

// flush writes a folded total.
func (b *Batch) flush(sr *series) {
	if !sr.dirty {
		return
	}
	sr.dirty = false
	if sr.hist != nil {
		b.put(sr, sr.at, 0, sr.hist.Copy())
	} else {
		b.put(sr, sr.at, sr.sum, nil)
	}
}

// zero writes the zero from which a value counts, if there is room for it. A
// zero older than rules reach would be of no use.
func (b *Batch) zero(sr *series, at, before int64, h *histogram.FloatHistogram) {
	if at <= 0 || at >= before || at <= sr.last || at < before-(b.s.opt.Reach+b.s.opt.OutOfOrder).Milliseconds() {
		return
	}
	var zh *histogram.FloatHistogram
	if h != nil {
		zh = &histogram.FloatHistogram{
			CounterResetHint: histogram.CounterReset,
			Schema:           h.Schema,
			ZeroThreshold:    h.ZeroThreshold,
			CustomValues:     h.CustomValues,
		}
	}
	ref, err := b.app.Append(storage.SeriesRef(sr.ref), sr.labels, 0, at, 0, nil, zh, storage.AppendV2Options{RejectOutOfOrder: true})
	if err == nil {
		sr.ref, sr.last = uint64(ref), at
	}
}

func (b *Batch) append(sr *series, t int64, v float64, h *histogram.FloatHistogram) {
	if b.put(sr, t, v, h) {
		b.counts.Written++
	}
}

func (b *Batch) put(sr *series, t int64, v float64, h *histogram.FloatHistogram) bool {
	ref, err := b.app.Append(storage.SeriesRef(sr.ref), sr.labels, 0, t, v, nil, h, storage.AppendV2Options{})
	switch {
	case err == nil:
		sr.ref = uint64(ref)
		b.s.table.late = b.s.table.late || t < sr.last
		sr.last = max(sr.last, t)
		return true
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		b.counts.Duplicate++
	case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrOutOfBounds):
		b.counts.Late++
	default:
		b.counts.Invalid++
	}
	return false
}

// Commit ends the batch and makes its samples visible together.
func (b *Batch) Commit() (Counts, error) {
	defer b.s.table.mu.Unlock()
	for _, sr := range b.dirty {
		b.flush(sr)
	}
	return b.counts, b.app.Commit()
}
