package datadogfoundation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Datadog's limits on an event, in characters.
const (
	maxTitle       = 100
	maxText        = 4000
	maxAggregation = 100
)

// event is the body of POST /api/v1/events.
type event struct {
	Title          string   `json:"title"`
	Text           string   `json:"text"`
	AlertType      string   `json:"alert_type"`
	AggregationKey string   `json:"aggregation_key,omitempty"`
	DateHappened   int64    `json:"date_happened"`
	Host           string   `json:"host,omitempty"`
	Tags           []string `json:"tags,omitempty"`
}

// eventName is the record's name, in the field or in the older attribute.
func eventName(lr plog.LogRecord) string {
	if n := lr.EventName(); n != "" {
		return n
	}
	return text(lr.Attributes(), "event.name")
}

func text(m pcommon.Map, key string) string {
	if v, ok := m.Get(key); ok {
		return v.AsString()
	}
	return ""
}

// isAlert says whether a record becomes an event.
func isAlert(lr plog.LogRecord) bool {
	name := eventName(lr)
	return name == degradationEventName || name == recoveryEventName || strings.HasPrefix(name, alertEventPrefix) && len(name) > len(alertEventPrefix)
}

// isResend says whether an alert record tells only that nothing has changed: what
// Alertmanager needs every minute would fill the event stream.
func isResend(lr plog.LogRecord) bool { return eventName(lr) == alertEventPrefix+"active" }

// eventOf makes the event of an alert record. tags and host are the resource's.
func eventOf(lr plog.LogRecord, tags []string, host string, now time.Time) event {
	get := func(key string) string { return text(lr.Attributes(), key) }
	state := strings.TrimPrefix(eventName(lr), alertEventPrefix)
	e := event{
		AggregationKey: get(semconv.AttributeAlertEpisodeID),
		AlertType:      alertType(state, get(semconv.AttributeAlertSeverity), lr.SeverityNumber()),
		DateHappened:   now.Unix(),
		Host:           host,
	}
	for _, at := range []pcommon.Timestamp{lr.ObservedTimestamp(), lr.Timestamp()} {
		if at != 0 {
			e.DateHappened = at.AsTime().Unix()
		}
	}
	if state == degradationEventName || state == recoveryEventName {
		e.Title = "Performance degradation"
		e.AggregationKey = degradationEventName
		if state == recoveryEventName {
			e.Title, e.AlertType = "Performance recovered", "success"
		}
		if n := get(semconv.AttributeDegradedMetricsCount); n != "" {
			e.Title += ": " + n + " metrics"
		}
	} else {
		e.Title = fmt.Sprintf("%s: %s", get(semconv.AttributeAlertRuleName), state)
	}
	if e.AggregationKey == "" {
		e.AggregationKey = get(semconv.AttributeAlertID)
	}
	e.Text = eventText(lr.Attributes(), get)
	e.Tags = eventTags(lr.Attributes(), tags)
	e.Title = cut(e.Title, maxTitle)
	e.Text = cut(e.Text, maxText)
	e.AggregationKey = cut(e.AggregationKey, maxAggregation)
	return e
}

func alertType(state, severity string, number plog.SeverityNumber) string {
	switch {
	case state == "resolved":
		return "success"
	case severity == "critical" || severity == "error" || severity == "" && number >= plog.SeverityNumberError:
		return "error"
	case severity == "warning" || severity == "" && number >= plog.SeverityNumberWarn:
		return "warning"
	}
	return "info"
}

// eventText is what a person should read first, then everything else in order.
func eventText(attributes pcommon.Map, get func(string) string) string {
	var lines []string
	for _, k := range []string{"summary", "description"} {
		if v := get(semconv.AttributeAlertAnnotation + "." + k); v != "" {
			lines = append(lines, v)
		}
	}
	if m, op, limit := get(semconv.AttributeAlertMetricName), get(semconv.AttributeAlertOperator), get(semconv.AttributeAlertThreshold); m != "" && limit != "" {
		lines = append(lines, fmt.Sprintf("%s is %s (%s %s)", m, get(semconv.AttributeAlertValue), symbol(op), limit))
	}
	first := len(lines)
	for k, v := range attributes.All() {
		if k != semconv.AttributeAlertAnnotation+".summary" && k != semconv.AttributeAlertAnnotation+".description" {
			lines = append(lines, k+": "+v.AsString())
		}
	}
	slices.Sort(lines[first:])
	return strings.Join(lines, "\n")
}

// symbol is the sign that people read for an alert's operator.
func symbol(operator string) string {
	switch operator {
	case "gt":
		return ">"
	case "gte":
		return "≥"
	case "lt":
		return "<"
	case "lte":
		return "≤"
	case "eq":
		return "="
	case "neq":
		return "≠"
	}
	return operator
}

// eventTags are the resource's tags, the alert's labels under their own names,
// and rule, state and severity.
func eventTags(attributes pcommon.Map, base []string) []string {
	tags := slices.Clone(base)
	for k, v := range attributes.All() {
		if label, ok := strings.CutPrefix(k, semconv.AttributeAlertLabel+"."); ok {
			tags = appendTag(tags, tagOf(label), v)
		}
	}
	for _, k := range []string{semconv.AttributeAlertRuleName, semconv.AttributeAlertState, semconv.AttributeAlertSeverity} {
		if v, ok := attributes.Get(k); ok {
			tags = appendTag(tags, k, v)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// cut makes s legal UTF-8 of at most n characters.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func (e event) body() []byte {
	b, _ := json.Marshal(e) // strings and numbers always marshal
	return b
}
