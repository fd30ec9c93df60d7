package datadogfoundation

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
)

// Reasons of dropped_points.
const (
	reasonName         = "invalid_name"
	reasonMalformed    = "malformed"
	reasonNotFinite    = "not_finite"
	reasonNoValue      = "no_value"
	reasonTemporality  = "no_temporality"
	reasonLate         = "out_of_order"
	reasonBuckets      = "buckets_changed"
	reasonFull         = "too_many_streams"
	reasonSeed         = "first_of_stream"
	reasonTooLarge     = "too_large"
	reasonRejected     = "rejected"
	reasonUnauthorized = "unauthorized"
	reasonRefused      = "refused"
	reasonNotAlert     = "not_an_alert"
	reasonResend       = "resend"
)

// tally counts what happened to a batch, to be published when it is certain: a
// batch that the queue refused comes again and must not count twice.
type tally struct {
	dropped                       map[string]int64
	window                        map[string]int64
	names, tags, merged, restarts int64
}

func (t *tally) drop(reason string, n int) {
	if n == 0 {
		return
	}
	if t.dropped == nil {
		t.dropped = map[string]int64{}
	}
	t.dropped[reason] += int64(n)
}

func (t *tally) outOfWindow(action string, n int) {
	if n == 0 {
		return
	}
	if t.window == nil {
		t.window = map[string]int64{}
	}
	t.window[action] += int64(n)
}

func (t *tally) publish(ctx context.Context, tb *metadata.TelemetryBuilder) {
	for reason, n := range t.dropped {
		tb.DatadogFoundationDroppedPoints.Add(ctx, n, with("reason", reason))
	}
	for action, n := range t.window {
		tb.DatadogFoundationOutOfWindowPoints.Add(ctx, n, with("action", action))
	}
	add := func(c metric.Int64Counter, n int64, opts ...metric.AddOption) {
		if n > 0 {
			c.Add(ctx, n, opts...)
		}
	}
	add(tb.DatadogFoundationNormalizedNames, t.names, with("kind", "metric"))
	add(tb.DatadogFoundationNormalizedNames, t.tags, with("kind", "tag"))
	add(tb.DatadogFoundationMergedPoints, t.merged)
	add(tb.DatadogFoundationResets, t.restarts)
}

func with(key, value string) metric.AddOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String(key, value)))
}
