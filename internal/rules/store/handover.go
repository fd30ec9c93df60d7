package store

import (
	"context"
	"fmt"
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Samples is what a store held, for the one that takes its place in the same
// process.
type Samples struct {
	held  []heldSeries // nil when the folder keeps them
	known map[uint64]*series
	n     int
}

// heldSeries is a series with copies of its chunks, about as large as in the
// store.
type heldSeries struct {
	labels labels.Labels
	chunks []chunkenc.Chunk
}

// everySeries matches all of them.
var everySeries = labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")

// HandOver copies what the store holds, if it has no folder that keeps it. Only
// Close may follow.
func (s *Store) HandOver(ctx context.Context) (*Samples, error) {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	all := &Samples{known: s.table.byHash, n: s.table.n}
	for _, sr := range all.known {
		for ; sr != nil; sr = sr.next {
			sr.ref = 0 // of this store
		}
	}
	s.table.init(s.table.max)
	if s.opt.Dir != "" {
		return all, nil
	}
	q, err := s.db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return all, fmt.Errorf("samples to hand over: %w", err)
	}
	defer func() { _ = q.Close() }()
	set := q.Select(ctx, false, nil, everySeries)
	for set.Next() && ctx.Err() == nil {
		h := heldSeries{labels: set.At().Labels().Copy()}
		for it := storage.NewSeriesToChunkEncoder(set.At()).Iterator(nil); it.Next(); {
			h.chunks = append(h.chunks, it.At().Chunk)
		}
		all.held = append(all.held, h)
	}
	return all, set.Err()
}

// TakeOver goes on with what another store held. Only before anything is
// written.
func (s *Store) TakeOver(ctx context.Context, from *Samples) error {
	s.table.mu.Lock()
	s.table.byHash, s.table.n = from.known, from.n
	s.table.mu.Unlock()
	app := s.db.AppenderV2(ctx)
	written := 0
	for _, h := range from.held {
		for _, c := range h.chunks {
			it := c.Iterator(nil)
			for typ := it.Next(); typ != chunkenc.ValNone; typ = it.Next() {
				// What is out of the new store's reach is refused, and of no use.
				_, _ = appendFrom(app, h.labels, typ, it)
				written++
			}
		}
		if written > 10_000 {
			if err := app.Commit(); err != nil {
				return fmt.Errorf("samples taken over: %w", err)
			}
			app, written = s.db.AppenderV2(ctx), 0
		}
	}
	return app.Commit()
}

func appendFrom(app storage.AppenderV2, ls labels.Labels, typ chunkenc.ValueType, it chunkenc.Iterator) (storage.SeriesRef, error) {
	switch typ {
	case chunkenc.ValFloat:
		t, v := it.At()
		return app.Append(0, ls, 0, t, v, nil, nil, storage.AppendV2Options{})
	case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
		t, h := it.AtFloatHistogram(nil)
		return app.Append(0, ls, 0, t, 0, nil, h, storage.AppendV2Options{})
	}
	return 0, nil
}

// recall lists the series that a folder has kept, so that totals of delta streams
// go on and what was counted before is not counted again. Those that get points
// move into the table; the others are forgotten with the next Truncate.
func (s *Store) recall(ctx context.Context) error {
	q, err := s.db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer func() { _ = q.Close() }()
	set := q.Select(ctx, false, nil, everySeries)
	for set.Next() {
		sr := &series{labels: set.At().Labels().Copy()}
		it := set.At().Iterator(nil)
		for typ := it.Next(); typ != chunkenc.ValNone; typ = it.Next() {
			switch typ {
			case chunkenc.ValFloat:
				t, v := it.At()
				if sr.last = t; !math.IsNaN(v) {
					sr.sum = v
				}
			case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
				t, h := it.AtFloatHistogram(nil)
				if sr.last = t; !math.IsNaN(h.Sum) {
					h.CounterResetHint = 0
					sr.hist = h
				}
			}
		}
		// It counts since before its last sample: a start at that or later is a reset.
		sr.start = sr.last - 1
		hash := sr.labels.Hash()
		sr.next = s.table.before[hash]
		s.table.before[hash] = sr
	}
	return set.Err()
}
