package layerenricher

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
)

// telemetry counts; its attribute sets are built once.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	signals map[place]*signalSets
}

type signalSets struct {
	signal  metric.MeasurementOption
	refused metric.MeasurementOption
	sources [sources]metric.MeasurementOption
	filled  []metric.MeasurementOption // by slot
}

func newTelemetry(tb *metadata.TelemetryBuilder, p *plan) *telemetry {
	t := &telemetry{builder: tb, signals: map[place]*signalSets{}}
	for place, name := range map[place]string{onSpan: "span", onLog: "log", onDataPoint: "data_point"} {
		signal := attribute.String("signal", name)
		sets := &signalSets{
			signal:  metric.WithAttributeSet(attribute.NewSet(signal)),
			refused: metric.WithAttributeSet(attribute.NewSet(signal, attribute.String("reason", "refused"))),
			filled:  make([]metric.MeasurementOption, len(p.slots)),
		}
		for i := range sets.sources {
			sets.sources[i] = metric.WithAttributeSet(attribute.NewSet(signal, attribute.String("source", sourceNames[i])))
		}
		for i := range sets.filled {
			sets.filled[i] = metric.WithAttributeSet(attribute.NewSet(signal, attribute.String("attribute", p.slots[i].name)))
		}
		t.signals[place] = sets
	}
	return t
}

// record adds up a batch.
func (t *telemetry) record(ctx context.Context, s *scratch, on place) {
	b, sets := t.builder, t.signals[on]
	add := func(c metric.Int64Counter, n int64, opts ...metric.AddOption) {
		if n != 0 {
			c.Add(ctx, n, opts...)
		}
	}
	for i, n := range s.sources {
		add(b.LayerEnricherItems, n, sets.sources[i])
	}
	for i, n := range s.filled {
		add(b.LayerEnricherIdsFilled, n, sets.filled[i])
	}
	add(b.LayerEnricherDurationsUndecided, s.unknown, sets.signal)
	add(b.LayerEnricherSpansReparented, s.reparented)
	add(b.LayerEnricherCacheJoins, s.stats.Joined)
	add(b.LayerEnricherCacheHits, s.stats.Hits)
	add(b.LayerEnricherCacheMisses, s.stats.Misses)
	add(b.LayerEnricherCacheEvictions, s.stats.Evicted)
	add(b.LayerEnricherCacheExpirations, s.stats.Expired)
	add(b.LayerEnricherCacheConflicts, s.stats.Conflicts)
	add(b.LayerEnricherCacheSpansDropped, s.stats.SpansDropped)
	if n := s.stats.Traces; n != 0 {
		b.LayerEnricherCacheTraces.Add(ctx, n)
	}
	if n := s.stats.Bytes; n != 0 {
		b.LayerEnricherCacheSize.Add(ctx, n)
	}
}

// held counts items that begin to wait (n > 0) or go on.
func (t *telemetry) held(ctx context.Context, on place, n int64) {
	t.builder.LayerEnricherHeldItems.Add(ctx, n, t.signals[on].signal)
}

// overflow counts items that could not wait for want of room.
func (t *telemetry) overflow(ctx context.Context, on place, n int64) {
	t.builder.LayerEnricherHoldOverflows.Add(ctx, n, t.signals[on].signal)
}

// refused counts items that were held and that nobody wanted afterwards.
func (t *telemetry) refused(ctx context.Context, on place, n int64) {
	t.builder.LayerEnricherDroppedItems.Add(ctx, n, t.signals[on].refused)
}
