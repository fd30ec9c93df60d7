package alertmanager

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// The values of alert.state that Alertmanager has a message for.
const (
	stateFiring   = "firing"
	stateResolved = "resolved"
)

// verdict says whether a record goes to Alertmanager: empty = yes. The event's
// name does not matter (its prefix is configurable, and begins, re-sends and ends
// have different ones): the state says it all.
func verdict(lr plog.LogRecord) message.Reason {
	state, ok := lr.Attributes().Get(semconv.AttributeAlertState)
	if _, named := lr.Attributes().Get(semconv.AttributeAlertRuleName); !ok || !named {
		return reasonNoAlert
	}
	if s := state.AsString(); s != stateFiring && s != stateResolved {
		return reasonState
	}
	return ""
}

// eventOf reads an alert event.
func eventOf(lr plog.LogRecord) message.Event {
	e := message.Event{Told: recordTime(lr)}
	facts := map[string]string{}
	for name, v := range lr.Attributes().All() {
		if label, ok := strings.CutPrefix(name, semconv.AttributeAlertLabel+"."); ok {
			e.Labels = append(e.Labels, message.Pair{Name: label, Value: v.AsString()})
			continue
		}
		if annotation, ok := strings.CutPrefix(name, semconv.AttributeAlertAnnotation+"."); ok {
			e.Annotations = append(e.Annotations, message.Pair{Name: annotation, Value: v.AsString()})
			continue
		}
		switch name {
		case semconv.AttributeAlertRuleName:
			e.Rule = v.AsString()
		case semconv.AttributeAlertSeverity:
			e.Severity = v.AsString()
		case semconv.AttributeAlertState:
			e.Resolved = v.AsString() == stateResolved
		case semconv.AttributeAlertStartsAt:
			e.Start = timeOf(v)
		case semconv.AttributeAlertEndsAt:
			e.End = timeOf(v)
		case semconv.AttributeAlertOperator:
			facts[name] = sign(v.AsString())
		case semconv.AttributeAlertThreshold, semconv.AttributeAlertValue, semconv.AttributeAlertMetricName,
			semconv.AttributeAlertReason, semconv.AttributeAlertEpisodeID, semconv.AttributeAlertFlapping:
			facts[name] = number(v)
		}
	}
	if id := lr.TraceID(); !id.IsEmpty() {
		facts["trace.id"] = id.String()
	}
	if id := lr.SpanID(); !id.IsEmpty() {
		facts["span.id"] = id.String()
	}
	for name, value := range facts {
		// With underscores whatever label_names says: templates that read them stay as they are.
		e.Facts = append(e.Facts, message.Pair{Name: strings.ReplaceAll(name, ".", "_"), Value: value})
	}
	return e
}

// recordTime is when the record was written. The timestamp is only the second
// choice: it is the time that was evaluated, or a log record's, which may have
// been under way for long.
func recordTime(lr plog.LogRecord) time.Time {
	if t := lr.ObservedTimestamp(); t != 0 {
		return t.AsTime()
	}
	return lr.Timestamp().AsTime()
}

func timeOf(v pcommon.Value) time.Time {
	t, err := time.Parse(time.RFC3339, v.AsString())
	if err != nil {
		return time.Time{}
	}
	return t
}

// number is a value as text; pdata has none for what JSON cannot say.
func number(v pcommon.Value) string {
	if v.Type() == pcommon.ValueTypeDouble {
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	return v.AsString()
}

// sign is PromQL's for an alert's operator.
func sign(operator string) string {
	signs := map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "neq": "!="}
	if s, ok := signs[operator]; ok {
		return s
	}
	return operator
}
