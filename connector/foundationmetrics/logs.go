package foundationmetrics

import (
	"context"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

type logsInstance struct{ *instance }

// ConsumeLogs counts log events. It never fails: what cannot be counted is left out
// and counted as such.
func (l *logsInstance) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	c := l.core
	if !c.cfg.Sources.Logs {
		return nil
	}
	r := c.read()
	for _, rl := range ld.ResourceLogs().All() {
		r.enter(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				r.record(record)
			}
		}
	}
	c.done(r)
	return nil
}

func (r *reader) record(l plog.LogRecord) {
	attrs := l.Attributes()
	named := r.plan.Name(attribute(attrs, semconv.AttributeEventName), ownName(l), attribute(attrs, semconv.AttributePhase, "phase"))
	at := l.Timestamp()
	if at == 0 {
		at = l.ObservedTimestamp()
	}
	r.add(item.Item{Shape: item.LogRecord, TraceID: l.TraceID(), SpanID: l.SpanID(), Time: int64(at)}, named, attrs, nil)
}

// ownName is the name that a log event was sent with: EventName, an attribute, or the
// body, as a dotted name or a list of its parts.
func ownName(l plog.LogRecord) string {
	if l.EventName() != "" {
		return l.EventName()
	}
	if n := attribute(l.Attributes(), "event.name", "event_name"); n != "" {
		return n
	}
	switch b := l.Body(); b.Type() {
	case pcommon.ValueTypeStr:
		return b.Str()
	case pcommon.ValueTypeSlice:
		if b.Slice().Len() > 8 { // longer than any event's name
			return ""
		}
		parts := make([]string, b.Slice().Len())
		for i := range parts {
			parts[i] = strings.TrimPrefix(b.Slice().At(i).AsString(), ":")
		}
		return strings.Join(parts, ".")
	default:
		return ""
	}
}
