package degradation

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// tally counts the watched points of one batch; each is in exactly one number.
type tally struct {
	refused int64
	ignored [measure.Reasons]int64
	// of the detector, which knows them at the end of the batch
	outcomes                          [detector.Outcomes]int64
	evicted, quarantined, rebaselines int64
	episodes                          int64
}

func (t *tally) take(d *detector.Detector) {
	t.outcomes = d.Outcomes()
	t.evicted, t.quarantined, t.rebaselines = int64(d.Evicted()), d.Quarantined(), d.Rebaselines()
	t.episodes = d.Episodes()
}

func (t *tally) total() int64 {
	n := t.refused
	for _, i := range t.outcomes {
		n += i
	}
	for _, i := range t.ignored {
		n += i
	}
	return n
}

// telemetry is the processor's own metrics.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	outcomes [detector.Outcomes]metric.MeasurementOption
	refused  metric.MeasurementOption
	ignored  [measure.Reasons]metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, p *degradation) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	outcome := func(text string, more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(more, attribute.String("outcome", text))...))
	}
	t := &telemetry{
		builder: builder,
		outcomes: [detector.Outcomes]metric.MeasurementOption{
			detector.Evaluated: outcome("evaluated"),
			detector.Learning:  outcome("learning"),
			detector.Pooled:    outcome("pooled"),
			detector.Late:      outcome("late"),
			detector.Duplicate: outcome("ignored", attribute.String("reason", "duplicate")),
		},
		refused: outcome("refused"),
	}
	for r := range measure.Reasons {
		t.ignored[r] = outcome("ignored", attribute.String("reason", r.String()))
	}
	observe := func(read func() int) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			o.Observe(int64(read()))
			return nil
		}
	}
	if err := builder.RegisterDegradationSeriesCallback(observe(p.detector.Len)); err != nil {
		return nil, err
	}
	if err := builder.RegisterDegradationDegradedSeriesCallback(observe(p.detector.Degraded)); err != nil {
		return nil, err
	}
	return t, builder.RegisterDegradationStatesCallback(func(_ context.Context, o metric.Int64Observer) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if states, ok := p.detector.States(); ok {
			for s, n := range states {
				o.Observe(int64(n), stateSets[s])
			}
		}
		return nil
	})
}

var stateSets = func() (sets [episode.States]metric.MeasurementOption) {
	for s := range sets {
		sets[s] = metric.WithAttributeSet(attribute.NewSet(attribute.String("state", episode.State(s).String())))
	}
	return sets
}()

func (t *telemetry) record(ctx context.Context, n *tally) {
	add := func(c metric.Int64Counter, n int64, opts ...metric.AddOption) {
		if n > 0 {
			c.Add(ctx, n, opts...)
		}
	}
	points := t.builder.DegradationPoints
	for o, n := range n.outcomes {
		add(points, n, t.outcomes[o])
	}
	add(points, n.refused, t.refused)
	for r, ignored := range n.ignored {
		add(points, ignored, t.ignored[r])
	}
	add(t.builder.DegradationEpisodes, n.episodes)
	add(t.builder.DegradationEvictions, n.evicted)
	add(t.builder.DegradationQuarantinedPanes, n.quarantined)
	add(t.builder.DegradationRebaselines, n.rebaselines)
}
