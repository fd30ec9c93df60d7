package foundationmetrics

import (
	"context"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

type tracesInstance struct{ *instance }

// ConsumeTraces counts spans and their events. It never fails: what cannot be counted
// is left out and counted as such.
func (t *tracesInstance) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	c := t.core
	if !c.cfg.Sources.Spans && !c.cfg.Sources.SpanEvents {
		return nil
	}
	r := c.read()
	for _, rs := range td.ResourceSpans().All() {
		r.enter(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				r.span(span, c.cfg.Sources)
			}
		}
	}
	c.done(r)
	return nil
}

func (r *reader) span(s ptrace.Span, from Sources) {
	attrs := s.Attributes()
	if from.Spans {
		named := r.plan.Name(attribute(attrs, semconv.AttributeEventName), s.Name(), attribute(attrs, semconv.AttributePhase, "phase"))
		r.add(item.Item{
			Shape: item.Span, Status: status(s.Status().Code()), TraceID: s.TraceID(), SpanID: s.SpanID(),
			Start: int64(s.StartTimestamp()), End: int64(s.EndTimestamp()), Time: int64(s.EndTimestamp()),
		}, named, attrs, nil)
	}
	if !from.SpanEvents {
		return
	}
	for _, e := range s.Events().All() {
		ea := e.Attributes()
		named := r.plan.Name(attribute(ea, semconv.AttributeEventName), e.Name(), attribute(ea, semconv.AttributePhase, "phase"))
		if named.Class < 0 {
			continue
		}
		r.add(item.Item{
			Shape: item.SpanEvent, TraceID: s.TraceID(), SpanID: s.SpanID(), Time: int64(e.Timestamp()),
		}, named, ea, &attrs)
	}
}

func status(c ptrace.StatusCode) item.Status {
	switch c {
	case ptrace.StatusCodeOk:
		return item.OK
	case ptrace.StatusCodeError:
		return item.Error
	default:
		return item.Unset
	}
}
