package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Lookback is how old the newest sample of a series may be at an instant query:
// Prometheus' default, which rule files are written for.
const Lookback = 5 * time.Minute

// samplesPerChunk is how many samples are packed together. A query unpacks a
// chunk from its beginning, and most rules look at the last minutes: with tsdb's
// 120 an instant query unpacks sixty samples of each series to find one. Each
// chunk costs some 50 bytes, so that fewer still would cost more than they bring.
const samplesPerChunk = 30

// Options of a Store.
type Options struct {
	// Dir keeps the samples over a restart; empty = a private temporary folder
	// without a write-ahead log, removed by Close.
	Dir string
	// Reach is how far rules look into the past.
	Reach time.Duration
	// OutOfOrder is how late a sample may come and still be inserted.
	OutOfOrder time.Duration
	// Interval is the resolution of subqueries that name none.
	Interval time.Duration
	// MaxSeries bounds the series that a Batch writes; 0 = no bound.
	MaxSeries int
	// MaxSamples bounds what one query may load.
	MaxSamples int
	// QueryTimeout ends a query; 0 = two minutes.
	QueryTimeout time.Duration
	// Parser of the engine; nil = the default one.
	Parser parser.Parser
}

// Store is a tsdb with a query engine. It is safe for concurrent use.
type Store struct {
	opt    Options
	dir    string
	db     *tsdb.DB
	engine *promql.Engine
	table  table
	broken error        // why what lay in the folder was set aside
	cutoff atomic.Int64 // of the last Truncate; tsdb asks for it from its own goroutine
}

// Open opens the store in its folder.
func Open(opt Options) (_ *Store, err error) {
	s := &Store{opt: opt, dir: opt.Dir}
	if opt.Dir == "" {
		if s.dir, err = os.MkdirTemp("", "alert_rules-*"); err != nil {
			return nil, fmt.Errorf("temporary directory of samples: %w", err)
		}
	}
	quiet := slog.New(slog.DiscardHandler)
	o := tsdb.DefaultOptions()
	// Half of a block's span bounds how old a sample in order may be, so a block
	// is twice as long as what rules reach. Blocks are never cut from the head.
	span := 2 * max(opt.Reach+opt.OutOfOrder, time.Hour)
	o.MinBlockDuration, o.MaxBlockDuration = span.Milliseconds(), span.Milliseconds()
	o.RetentionDuration = (2 * span).Milliseconds()
	o.OutOfOrderTimeWindow = opt.OutOfOrder.Milliseconds()
	o.WALSegmentSize = -1
	if opt.Dir != "" {
		o.WALSegmentSize = 0
	}
	o.StripeSize = 1 << 10 // 16384 stripes cost 6 MB before the first sample
	o.SamplesPerChunk = samplesPerChunk
	o.BlocksToDelete = s.expired
	s.table.init(opt.MaxSeries)
	if err = s.openDB(quiet, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open samples in %s: %w", s.dir, err), s.removeTemp())
	}
	s.db.DisableCompactions()
	timeout := opt.QueryTimeout
	if timeout <= 0 {
		timeout = 2 * time.Minute
	}
	s.engine = promql.NewEngine(promql.EngineOpts{
		Logger:                   quiet,
		MaxSamples:               opt.MaxSamples,
		Timeout:                  timeout,
		LookbackDelta:            Lookback,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return max(opt.Interval.Milliseconds(), 1) },
		Parser:                   opt.Parser,
	})
	return s, nil
}

// Close closes the files, and removes a temporary folder.
func (s *Store) Close() error {
	return errors.Join(s.engine.Close(), s.db.Close(), s.removeTemp())
}

func (s *Store) removeTemp() error {
	if s.opt.Dir != "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// Query answers an instant query: a rules.QueryFunc.
func (s *Store) Query(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	q, err := s.engine.NewInstantQuery(ctx, s.db, nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V, Metric: labels.EmptyLabels()}}, nil
	}
	return nil, fmt.Errorf("the expression gives a %s, a rule needs a vector or a scalar", res.Value.Type())
}

// AppenderV2 writes samples as they are, past the table of Batch.
func (s *Store) AppenderV2(ctx context.Context) storage.AppenderV2 { return s.db.AppenderV2(ctx) }

// Querier implements storage.Queryable.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) { return s.db.Querier(mint, maxt) }

// Series counts the series in memory.
func (s *Store) Series() int { return int(s.db.Head().NumSeries()) }

// Holds tells whether some series that one of the selectors means has a sample
// between two times.
func (s *Store) Holds(ctx context.Context, selectors [][]*labels.Matcher, from, to time.Time) (bool, error) {
	q, err := s.db.Querier(timestamp.FromTime(from), timestamp.FromTime(to))
	if err != nil {
		return false, err
	}
	defer func() { _ = q.Close() }()
	for _, ms := range selectors {
		set := q.Select(ctx, false, nil, ms...)
		if set.Next() {
			return true, nil
		}
		if set.Err() != nil {
			return false, set.Err()
		}
	}
	return false, nil
}

// Newest is the time of the newest sample in memory; zero = there is none.
func (s *Store) Newest() time.Time {
	if t := s.db.Head().MaxTime(); t != math.MinInt64 {
		return timestamp.Time(t)
	}
	return time.Time{}
}

// Truncate drops what no rule can reach any more at the time now. Not to be
// called beside itself; beside queries and batches it is safe.
func (s *Store) Truncate(ctx context.Context, now time.Time) error {
	cutoff := timestamp.FromTime(now.Add(-s.opt.Reach - s.opt.OutOfOrder))
	late := s.table.forget(cutoff)
	var errs []error
	s.cutoff.Store(cutoff)
	if late || len(s.db.Blocks()) > 0 {
		// Late samples lie in chunks of their own, which only this frees: it makes
		// blocks of them, and deletes the blocks that are out of reach.
		errs = append(errs, s.db.CompactOOOHead(ctx))
	}
	errs = append(errs, s.db.Head().Truncate(cutoff))
	return errors.Join(errs...)
}

// expired lists the blocks of late samples that no rule can reach any more.
func (s *Store) expired(blocks []*tsdb.Block) map[ulid.ULID]struct{} {
	gone := map[ulid.ULID]struct{}{}
	for _, b := range blocks {
		if m := b.Meta(); m.MaxTime < s.cutoff.Load() || m.Compaction.Deletable {
			gone[m.ULID] = struct{}{}
		}
	}
	return gone
}
