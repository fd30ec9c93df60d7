package adaptivesampler

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// reason tells why an item was kept or dropped.
type reason uint8

const (
	// reasonSampled: the randomness reached the threshold.
	reasonSampled reason = iota
	// reasonBoosted: as reasonSampled, but only because it is an error or a
	// retry.
	reasonBoosted
	// reasonSampledOut: the randomness did not reach the threshold.
	reasonSampledOut
	// reasonLoad: as reasonSampledOut, but only because of the load.
	reasonLoad
	// reasonZeroRate: the rate is 0.
	reasonZeroRate
	// reasonNoRandomness: there is nothing to decide by.
	reasonNoRandomness
	// reasonMalformed: the sampling information cannot be read.
	reasonMalformed
	// reasonLate: its trace was decided before it came.
	reasonLate
	// reasonBudget: dropped, but only because of the budget.
	reasonBudget
	// reasonMinimum: kept, as the minimum of its name.
	reasonMinimum
	reasons
)

func (r reason) String() string {
	return [reasons]string{"sampled", "boosted", "sampled_out", "load", "zero_rate", "no_randomness", "malformed", "late", "budget", "minimum"}[r]
}

const (
	dropped = iota
	kept
	decisions
)

// tally counts one batch, so that the instruments are touched once a batch
// and not once an item.
type tally struct {
	items         [decisions][reasons]int64
	adjustedCount float64
	inconsistent  int64
	nameMisses    int64
	traces        [decisions][triggers]int64 // of mode trace
	// demand is what the budget of mode span would keep without its multipliers:
	// of errors under Failed, of all others under Plain.
	demand [sampling.Contents]float64
}

func (t *tally) keep(r reason, adjustedCount float64) bool {
	t.items[kept][r]++
	t.adjustedCount += adjustedCount
	return true
}

func (t *tally) drop(r reason) bool {
	t.items[dropped][r]++
	return false
}

// telemetry has the processor's own metrics with their attributes prepared.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	items   [decisions][reasons][]metric.AddOption
	traces  [decisions][triggers][]metric.AddOption
	add     []metric.AddOption
	record  []metric.RecordOption
	signal  attribute.KeyValue
}

func newTelemetry(builder *metadata.TelemetryBuilder, signal string) *telemetry {
	t := &telemetry{builder: builder, signal: attribute.String("signal", signal)}
	set := metric.WithAttributeSet(attribute.NewSet(t.signal))
	t.add, t.record = []metric.AddOption{set}, []metric.RecordOption{set}
	for decision, name := range [decisions]string{dropped: "dropped", kept: "kept"} {
		for why := range triggers {
			t.traces[decision][why] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(
				attribute.String("decision", name), attribute.String("trigger", why.String()),
			))}
		}
		for r := range reasons {
			t.items[decision][r] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(
				t.signal, attribute.String("decision", name), attribute.String("reason", r.String()),
			))}
		}
	}
	return t
}

// report adds a batch and returns how many items it had and kept.
func (t *telemetry) report(ctx context.Context, batch *tally) (received, keptItems int64) {
	for decision := range batch.items {
		for r, n := range batch.items[decision] {
			if n == 0 {
				continue
			}
			received += n
			if decision == kept {
				keptItems += n
			}
			t.builder.AdaptiveSamplerItems.Add(ctx, n, t.items[decision][r]...)
		}
	}
	for decision := range batch.traces {
		for why, n := range batch.traces[decision] {
			if n != 0 {
				t.builder.AdaptiveSamplerTraces.Add(ctx, n, t.traces[decision][why]...)
			}
		}
	}
	if batch.adjustedCount != 0 {
		t.builder.AdaptiveSamplerAdjustedCount.Add(ctx, batch.adjustedCount, t.add...)
	}
	if batch.inconsistent != 0 {
		t.builder.AdaptiveSamplerInconsistentThresholds.Add(ctx, batch.inconsistent, t.add...)
	}
	if batch.nameMisses != 0 {
		t.builder.AdaptiveSamplerNameCacheMisses.Add(ctx, batch.nameMisses, t.add...)
	}
	return received, keptItems
}

func (t *telemetry) ofSource(source string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(t.signal, attribute.String("source", source)))
}

// buffered reports what mode trace holds.
func (t *telemetry) buffered(ctx context.Context, traces, bytes int64) {
	t.builder.AdaptiveSamplerBufferTraces.Record(ctx, traces)
	t.builder.AdaptiveSamplerBufferSize.Record(ctx, bytes)
}

// refuse counts kept spans that the next component did not take and that nobody
// will send again.
func (t *telemetry) refuse(ctx context.Context, spans int) {
	t.builder.AdaptiveSamplerRefusedSpans.Add(ctx, int64(spans))
}

// misses counts what the budget could not do as it should.
func (t *telemetry) misses(ctx context.Context, c budget.Counts) {
	for cause, n := range map[string]int64{"oversized": c.Oversized, "no_room": c.NoRoom, "unmet_minimum": c.Unmet, "shared_minimum": c.Overflow} {
		if n != 0 {
			t.builder.AdaptiveSamplerBudgetMisses.Add(ctx, n, metric.WithAttributeSet(attribute.NewSet(t.signal, attribute.String("cause", cause))))
		}
	}
}

// evicted counts traces in flight that lost their setting.
func (t *telemetry) evicted(ctx context.Context, n int64) {
	if n != 0 {
		t.builder.AdaptiveSamplerStickyEvictions.Add(ctx, n)
	}
}

// multiplied reports what the budget of mode span multiplies by.
func (t *telemetry) multiplied(ctx context.Context, by budget.Multipliers) {
	for kind, m := range map[string]float64{"errors": by.Errors, "others": by.Others} {
		t.builder.AdaptiveSamplerBudgetMultiplier.Record(ctx, m, metric.WithAttributeSet(attribute.NewSet(t.signal, attribute.String("kind", kind))))
	}
}
