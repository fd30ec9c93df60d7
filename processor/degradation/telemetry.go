package degradation

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// tally counts the watched points of one batch; each is in exactly one number.
type tally struct {
	evaluated, learning, late, refused int64
	ignored                            [measure.Reasons]int64
}

func (t *tally) total() int64 {
	n := t.evaluated + t.learning + t.late + t.refused
	for _, i := range t.ignored {
		n += i
	}
	return n
}

// telemetry is the processor's own metrics.
type telemetry struct {
	builder                            *metadata.TelemetryBuilder
	evaluated, learning, late, refused metric.MeasurementOption
	ignored                            [measure.Reasons]metric.MeasurementOption
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
		builder:   builder,
		evaluated: outcome("evaluated"),
		learning:  outcome("learning"),
		late:      outcome("late"),
		refused:   outcome("refused"),
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
	return t, nil
}

func (t *telemetry) record(ctx context.Context, n *tally, evicted int) {
	add := func(c metric.Int64Counter, n int64, opts ...metric.AddOption) {
		if n > 0 {
			c.Add(ctx, n, opts...)
		}
	}
	points := t.builder.DegradationPoints
	add(points, n.evaluated, t.evaluated)
	add(points, n.learning, t.learning)
	add(points, n.late, t.late)
	add(points, n.refused, t.refused)
	for r, ignored := range n.ignored {
		add(points, ignored, t.ignored[r])
	}
	add(t.builder.DegradationEvictions, int64(evicted))
}
