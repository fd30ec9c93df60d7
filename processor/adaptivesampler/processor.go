package adaptivesampler

import (
	"context"
	"sync"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/processor"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/sticky"
)

// sampler is what traces and logs have in common.
type sampler struct {
	table     *table
	governor  *governor
	budget    *spanBudget // of spans in mode span, nil without one
	telemetry *telemetry

	nameAttribute string
	hashAttribute string // logs only
	failClosed    bool
	// hopeless is the randomness below which no name and no content can save an
	// item, so that its name need not be looked up; 0 when there is none such.
	hopeless uint64
	// passAnonymous keeps items that nothing can be decided by even when
	// failing closed: a log record without a trace id is not broken.
	passAnonymous bool

	interval time.Duration
	now      func() time.Time
	stop     context.CancelFunc
	ticking  sync.WaitGroup
}

func newSampler(set processor.Settings, cfg *Config, signal string, monitor *monitor) (*sampler, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	telemetry := newTelemetry(builder, signal)
	governor := newGovernor(monitor, telemetry)
	s := &sampler{
		table:         newTable(newRule(cfg), governor.factors, cfg.SamplingPrecision),
		governor:      governor,
		telemetry:     telemetry,
		nameAttribute: cfg.NameAttribute,
		failClosed:    cfg.FailClosed,
		interval:      cfg.Load.Tick,
		now:           time.Now,
	}
	if signal == "traces" && monitor.budget != nil {
		s.budget = monitor.budget
		s.table.minimum = s.budget.minimum
	}
	if monitor.budget == nil { // whose minimum could save any item
		s.hopeless = s.table.hopeless()
	}
	return s, nil
}

func (s *sampler) start(context.Context, component.Host) error {
	// The context of Start ends with Start.
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.tick(ctx)
	s.ticking.Go(func() {
		ticker := time.NewTicker(s.interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.tick(ctx)
			}
		}
	})
	return nil
}

func (s *sampler) tick(ctx context.Context) {
	s.governor.tick(ctx, s.now())
	s.telemetry.evicted(ctx, s.governor.monitor.evicted())
	if s.budget != nil {
		s.telemetry.multiplied(ctx, s.governor.monitor.history.Now().Value().multipliers())
		s.telemetry.misses(ctx, s.budget.news())
	}
}

func (s *sampler) shutdown(context.Context) error {
	if s.stop != nil {
		s.stop()
	}
	s.ticking.Wait()
	s.telemetry.builder.Shutdown()
	s.governor.monitor.release()
	return nil
}

// batch is one call of the processor. The moment is read once, so a step of
// the load does not divide a batch.
type batch struct {
	moment  *sticky.Moment[*setting]
	watched bool
	setting *setting  // in force
	now     time.Time // where something depends on it
	tally   tally
	// arrived is that of the item at hand, and scratch its outcome when it has
	// one to itself: they live here because they would be allocated for each
	// item otherwise.
	arrived arrival
	scratch behind
}

func (s *sampler) begin() *batch {
	moment := s.governor.monitor.history.Now()
	b := &batch{moment: moment, watched: moment.Watched(), setting: moment.Value()}
	if b.watched || s.budget != nil {
		b.now = s.now()
	}
	return b
}

// settingOf is the one of the trace.
func (b *batch) settingOf(id pcommon.TraceID) *setting {
	if id.IsEmpty() {
		return b.setting
	}
	return b.moment.Of(id, b.now)
}

func (s *sampler) end(ctx context.Context, b *batch) {
	if s.budget != nil {
		s.budget.observe(&b.tally)
	}
	s.governor.count(s.telemetry.report(ctx, &b.tally))
}

// arrival is the sampling information that an item comes with.
type arrival struct {
	randomness    otelsampling.Randomness
	hasRandomness bool
	threshold     otelsampling.Threshold
	hasThreshold  bool
	state         *sampling.TraceState // of spans with more than a threshold
}

// item is a span or a log record.
type item interface {
	TraceID() pcommon.TraceID
	// name is what the rates go by.
	name(attribute string) string
	// arrival reads the sampling information into a zero a; the error tells
	// that it is malformed.
	arrival(hashAttribute string, a *arrival) error
	// content is read only when it can make a difference: it costs more than
	// the rest of a decision.
	content() sampling.Content
	// write puts the threshold on a kept item. own is the outcome whose
	// threshold it usually is, with its text prepared. On an error the item
	// is as it was.
	write(a *arrival, own *outcome, threshold otelsampling.Threshold) error
}

// keep decides one item and, when it is kept, writes the threshold.
func keep[I item](s *sampler, b *batch, it I) bool {
	a := &b.arrived
	*a = arrival{}
	var malformed error
	if s.hopeless > 0 {
		malformed = it.arrival(s.hashAttribute, a)
		if malformed == nil && a.hasRandomness && a.randomness.Unsigned() < s.hopeless {
			if b.watched { // its trace keeps what it finds
				b.settingOf(it.TraceID())
			}
			b.inconsistent()
			return b.tally.drop(reasonSampledOut)
		}
	}
	class, remembered := s.table.known(it.name(s.nameAttribute))
	if !remembered {
		b.tally.nameMisses++
	}
	if class.levels[0][sampling.Failed].never() { // then every content is
		return b.tally.drop(reasonZeroRate)
	}
	of := b.setting
	if b.watched { // also for what is dropped: its trace keeps what it finds
		of = b.settingOf(it.TraceID())
	}
	at := &class.levels[of.level]
	if of.times != nil {
		at = of.outcomes(s.table, class.class)
	}
	if s.hopeless == 0 { // else it is known
		malformed = it.arrival(s.hashAttribute, a)
	}
	random := a.randomness.Unsigned()
	forced := false
	if malformed == nil && a.hasRandomness {
		b.inconsistent()
		forced = s.budget != nil && s.budget.claim(b.now, class, at)
		// No content can save it, not even without load.
		if random < class.levels[0][sampling.Failed].limit && !at[sampling.Plain].never() && !forced {
			return b.tally.drop(reasonSampledOut)
		}
	}
	content := sampling.Plain
	if at[sampling.Plain].limit > 0 || s.budget != nil { // else all contents are kept alike
		content = it.content()
	}
	own := &at[content]
	switch {
	case own.never():
		return b.tally.drop(reasonZeroRate)
	case malformed != nil:
		return b.undecided(reasonMalformed, !s.failClosed)
	case !a.hasRandomness:
		return b.undecided(reasonNoRandomness, !s.failClosed || s.passAnonymous)
	}
	if s.budget != nil {
		own = s.budget.apply(b, class, of, content, at, forced)
	}
	v := sampling.Decide(own.threshold, a.threshold, a.hasThreshold, a.randomness)
	if !v.Keep {
		switch {
		case random < class.levels[0][content].limit:
			return b.tally.drop(reasonSampledOut)
		case random < class.levels[of.level][content].limit:
			return b.tally.drop(reasonLoad)
		}
		return b.tally.drop(reasonBudget)
	}
	if err := it.write(a, own, v.Threshold); err != nil {
		return b.undecided(reasonMalformed, !s.failClosed)
	}
	adjustedCount := own.adjustedCount
	if v.Threshold != own.threshold {
		adjustedCount = v.Threshold.AdjustedCount()
	}
	switch {
	case forced:
		return b.tally.keep(reasonMinimum, adjustedCount)
	case random < at[sampling.Plain].limit:
		return b.tally.keep(reasonBoosted, adjustedCount)
	}
	return b.tally.keep(reasonSampled, adjustedCount)
}

// inconsistent counts the incoming threshold of the item at hand when it is.
func (b *batch) inconsistent() {
	if a := &b.arrived; a.hasThreshold && !a.threshold.ShouldSample(a.randomness) {
		b.tally.inconsistent++
	}
}

// undecided keeps or drops an item that no threshold was applied to; kept, it
// stands for itself.
func (b *batch) undecided(r reason, pass bool) bool {
	if pass {
		return b.tally.keep(r, 1)
	}
	return b.tally.drop(r)
}
