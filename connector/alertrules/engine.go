package alertrules

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/exemplars"
	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/intake"
	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// outOfOrder is how late a point may come and still be inserted.
const outOfOrder = 5 * time.Minute

// engine is the one engine of a component ID, whatever pairs of signals it
// connects.
type engine struct {
	cfg    *Config
	id     component.ID
	logger *zap.Logger
	tel    *metadata.TelemetryBuilder
	clock  func() time.Time
	ticks  bool // evaluate by itself

	registry *registry
	files    []ruleText // in force
	rejected error      // why those found at the reload are not

	events       *eventRules
	degradations *degradations // nil when switched off
	outbox       *outbox
	durable      *durable // nil without a storage
	ended        ended
	exemplars    *exemplars.Store
	warned       atomic.Int64 // when it was logged last that samples could not be written, in Unix ns; 0 = never

	// Set by registration, before any Start.
	life      sync.Mutex
	created   int
	started   int
	stopped   int
	ingesting bool
	logs      consumer.Logs
	metrics   consumer.Metrics

	// Between the first Start and the last Shutdown.
	store  *store.Store
	intake *intake.Intake
	cancel context.CancelFunc
	done   chan struct{}

	ticking sync.Mutex
	eval    evaluator
}

// newEngine reads the rules. At a reload bad rule files leave those in force that
// were before.
func newEngine(cfg *Config, set connector.Settings, r *registry, inForce []ruleText, reload bool) (*engine, error) {
	files, groups, rejected := cfg.readRuleFiles()
	if rejected != nil {
		if !reload {
			return nil, rejected
		}
		var err error
		if files, groups, err = inForce, nil, nil; len(files) > 0 {
			groups, err = cfg.loadRuleFiles(files)
		}
		if err != nil {
			return nil, errors.Join(rejected, err)
		}
	}
	short, err := cfg.shortRules()
	if err != nil {
		return nil, err
	}
	groups = append(groups, short...)
	events, err := newEventRules(cfg, set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &engine{
		cfg: cfg, id: set.ID, logger: set.Logger, tel: tel, registry: r, clock: r.clock, ticks: r.ticks, files: files, rejected: rejected,
		events: events, outbox: newOutbox(metadata.ScopeName), exemplars: exemplars.New(cfg.Limits.Series),
	}
	if cfg.DegradationEvents {
		e.degradations = newDegradations(cfg.Limits.Series, cfg.PromoteResourceAttributes)
	}
	e.eval = newEvaluator(e, groups)
	return e, nil
}

// start opens the store with the first instance, and begins to evaluate with the
// last: until then some of what comes after may not be there.
func (e *engine) start(ctx context.Context, host component.Host) error {
	e.life.Lock()
	defer e.life.Unlock()
	if e.store == nil {
		if err := e.open(ctx, host); err != nil {
			return err
		}
	}
	if e.started++; e.started == e.created && e.ticks {
		ctx, cancel := context.WithCancel(context.Background())
		e.cancel, e.done = cancel, make(chan struct{})
		go func() {
			e.deliver(ctx, e.logs) // what an engine before this one could not tell any more
			e.every(ctx, e.eval.next, e.tick)
		}()
	}
	return nil
}

func (e *engine) open(ctx context.Context, host component.Host) error {
	if err := e.openStorage(ctx, host); err != nil {
		return err
	}
	if e.cfg.Directory != "" {
		if err := os.MkdirAll(e.cfg.Directory, 0o700); err != nil {
			return fmt.Errorf("directory: %w", err)
		}
	}
	now := e.clock()
	from := e.registry.inherit(e.id)
	reach := store.Lookback
	var selectors [][]*labels.Matcher
	for _, g := range e.eval.groups {
		reach = max(reach, g.Reach(now, store.Lookback))
		selectors = append(selectors, g.Selectors()...)
	}
	reach += e.cfg.EvalDelay + e.eval.longestInterval()
	st, err := store.Open(store.Options{
		Dir: e.cfg.Directory, Reach: reach, OutOfOrder: outOfOrder, Interval: e.cfg.EvaluationInterval,
		MaxSeries: e.cfg.Limits.Series, MaxSamples: e.cfg.Limits.SamplesPerQuery, Parser: rules.NewParser(),
	})
	if err != nil {
		return err
	}
	if err := st.Broken(); err != nil {
		e.logger.Warn("the stored samples cannot be read; they are set aside in a folder of their own, and all windows begin empty",
			zap.String("directory", e.cfg.Directory), zap.Error(err))
		e.discarded(ctx, "unreadable")
	}
	e.store = st
	var sources *intake.Sources
	if from != nil {
		sources = from.sources
		e.exemplars = from.exemplars
	}
	e.intake = intake.New(st, intake.Options{
		Strategy: e.cfg.TranslationStrategy.option(), Promote: e.cfg.PromoteResourceAttributes, Selectors: selectors,
		Oldest: reach, MaxSources: e.cfg.Limits.Series, Exemplars: e.exemplars, Sources: sources,
	})
	e.goOn(ctx, from, now)
	return nil
}

// stop ends the evaluations with the first instance that shuts down, since what
// they lead to may be next, and closes the store with the last.
func (e *engine) stop(ctx context.Context) error {
	e.life.Lock()
	defer e.life.Unlock()
	e.stopped++
	if e.cancel != nil {
		e.cancel()
		select {
		case <-e.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		e.cancel = nil
	}
	if e.stopped == 1 && e.started > 0 {
		e.deliver(ctx, e.logs) // what waits gets a last chance
	}
	if e.stopped < e.created {
		return nil
	}
	defer e.tel.Shutdown()
	if e.store == nil {
		e.registry.forget(e, nil)
		return nil
	}
	var err error
	if e.durable != nil {
		e.keepAll(ctx, plog.NewLogRecordSlice(), nil)
		err = e.durable.kv.close(ctx)
	}
	e.registry.forget(e, e.leave(ctx))
	st := e.store
	e.store = nil
	return errors.Join(err, st.Close())
}

// every calls tick whenever something is due.
func (e *engine) every(ctx context.Context, next func() time.Time, tick func(context.Context)) {
	defer close(e.done)
	for {
		wait := next().Add(e.cfg.EvalDelay).Sub(e.clock())
		timer := time.NewTimer(min(max(wait, 0), e.cfg.EvaluationInterval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			tick(ctx)
		}
	}
}

// tick evaluates what is due at the clock's time.
func (e *engine) tick(ctx context.Context) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	now := e.clock()
	records, c, md := e.eval.at(ctx, now.Add(-e.cfg.EvalDelay), now)
	if c.all {
		e.keepAll(ctx, records, nil)
	} else {
		e.keep(ctx, records, c)
	}
	e.resend(now.Add(-e.cfg.EvalDelay), now)
	e.deliver(ctx, e.logs)
	if e.metrics != nil && md.DataPointCount() > 0 {
		if err := e.metrics.ConsumeMetrics(ctx, md); err != nil {
			e.logger.Warn("recorded series and alert state were not taken", zap.Error(err))
		}
	}
}
