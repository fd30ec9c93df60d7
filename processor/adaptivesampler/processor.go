package adaptivesampler

import (
	"context"
	"sync"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/processor"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// sampler is what traces and logs have in common.
type sampler struct {
	table     *table
	governor  *governor
	telemetry *telemetry

	nameAttribute string
	hashAttribute string // logs only
	failClosed    bool
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
	return &sampler{
		table:         newTable(newRule(cfg), governor.factors, cfg.SamplingPrecision),
		governor:      governor,
		telemetry:     telemetry,
		nameAttribute: cfg.NameAttribute,
		failClosed:    cfg.FailClosed,
		interval:      cfg.Load.Tick,
		now:           time.Now,
	}, nil
}

func (s *sampler) start(context.Context, component.Host) error {
	// The context of Start ends with Start.
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.governor.tick(ctx, s.now())
	s.ticking.Go(func() {
		ticker := time.NewTicker(s.interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.governor.tick(ctx, s.now())
			}
		}
	})
	return nil
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

// batch is one call of the processor. The level is read once, so a step of
// the load does not divide a batch.
type batch struct {
	level int
	tally tally
	// arrived is that of the item at hand: it lives here because it would
	// be allocated for each item otherwise.
	arrived arrival
}

func (s *sampler) begin() *batch {
	return &batch{level: int(s.governor.level.Load())}
}

func (s *sampler) end(ctx context.Context, b *batch) {
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
	class, remembered := s.table.class(it.name(s.nameAttribute))
	if !remembered {
		b.tally.nameMisses++
	}
	at := &class.levels[b.level]
	if at[sampling.Failed].never() { // then every content is
		return b.tally.drop(reasonZeroRate)
	}
	a := &b.arrived
	*a = arrival{}
	malformed := it.arrival(s.hashAttribute, a)
	random := a.randomness.Unsigned()
	if malformed == nil && a.hasRandomness {
		if a.hasThreshold && !a.threshold.ShouldSample(a.randomness) {
			b.tally.inconsistent++
		}
		// No content can save it, not even without load.
		if random < class.levels[0][sampling.Failed].limit && !at[sampling.Plain].never() {
			return b.tally.drop(reasonSampledOut)
		}
	}
	content := sampling.Plain
	if at[sampling.Plain].limit > 0 { // else all contents are kept alike
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
	v := sampling.Decide(own.threshold, a.threshold, a.hasThreshold, a.randomness)
	if !v.Keep {
		if random >= class.levels[0][content].limit {
			return b.tally.drop(reasonLoad)
		}
		return b.tally.drop(reasonSampledOut)
	}
	if err := it.write(a, own, v.Threshold); err != nil {
		return b.undecided(reasonMalformed, !s.failClosed)
	}
	adjustedCount := own.adjustedCount
	if v.Threshold != own.threshold {
		adjustedCount = v.Threshold.AdjustedCount()
	}
	if random < at[sampling.Plain].limit {
		return b.tally.keep(reasonBoosted, adjustedCount)
	}
	return b.tally.keep(reasonSampled, adjustedCount)
}

// undecided keeps or drops an item that no threshold was applied to; kept, it
// stands for itself.
func (b *batch) undecided(r reason, pass bool) bool {
	if pass {
		return b.tally.keep(r, 1)
	}
	return b.tally.drop(r)
}
