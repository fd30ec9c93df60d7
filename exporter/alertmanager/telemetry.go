package alertmanager

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/metadata"
)

// Reasons of dropped_records beside those of the messages.
const (
	reasonNoAlert  message.Reason = "not_an_alert"
	reasonState    message.Reason = "other_state"
	reasonRejected message.Reason = "rejected"
)

// tally counts what became of records, to be published when it is certain: a
// batch that comes again must not count twice.
type tally struct {
	dropped                 map[message.Reason]int64
	firing, resolved, joint int64
}

func (t *tally) drop(reason message.Reason) {
	if t.dropped == nil {
		t.dropped = map[message.Reason]int64{}
	}
	t.dropped[reason]++
}

func (t *tally) publish(ctx context.Context, tb *metadata.TelemetryBuilder) {
	for reason, n := range t.dropped {
		tb.AlertmanagerDroppedRecords.Add(ctx, n, with("reason", string(reason)))
	}
	if t.firing > 0 {
		tb.AlertmanagerAlerts.Add(ctx, t.firing, with("state", stateFiring))
	}
	if t.resolved > 0 {
		tb.AlertmanagerAlerts.Add(ctx, t.resolved, with("state", stateResolved))
	}
	if t.joint > 0 {
		tb.AlertmanagerJoinedNames.Add(ctx, t.joint)
	}
}

func with(pairs ...string) metric.AddOption {
	var attributes []attribute.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		attributes = append(attributes, attribute.String(pairs[i], pairs[i+1]))
	}
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}
