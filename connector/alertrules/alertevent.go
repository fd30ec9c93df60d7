package alertrules

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Ends of the names of alert events.
const (
	nameTriggered = ".triggered"
	nameResolved  = ".resolved"
)

// maxText caps a label's or annotation's text in an event: texts come from
// telemetry, and what reads events should not have to fear them.
const maxText = 4096

// alertEvent is what goes out when an alert begins or ends, whichever kind of
// rule made it.
type alertEvent struct {
	state       rules.State // Firing or Resolved
	rule        string
	severity    string
	id, episode string
	reason      string
	at          time.Time
	start, end  time.Time
	labels      labels.Labels
	annotations labels.Labels
	operand     rules.Operand
	value       float64
	hasValue    bool
}

func eventOfChange(c rules.Change) (alertEvent, bool) {
	a := c.Alert
	e := alertEvent{
		state: a.State, rule: c.Rule.Name, severity: a.Severity(), id: a.ID(), episode: a.EpisodeID(), reason: c.Reason, at: c.At,
		start: a.FiredAt, labels: a.Labels, annotations: a.Annotations, operand: c.Rule.Operand, value: a.Value, hasValue: true,
	}
	if a.State == rules.Resolved {
		e.end = c.At
	}
	return e, a.State != rules.Pending
}

// write fills a log record.
func (e *alertEvent) write(lr plog.LogRecord, prefix string, external map[string]string, now time.Time) {
	if e.state == rules.Resolved {
		lr.SetEventName(prefix + nameResolved)
	} else {
		lr.SetEventName(prefix + nameTriggered)
	}
	lr.SetTimestamp(pcommon.NewTimestampFromTime(e.at))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	lr.SetSeverityNumber(severityNumber(e.severity))
	lr.SetSeverityText(e.severity)
	at := lr.Attributes()
	at.PutStr(semconv.AttributeAlertRuleName, e.rule)
	at.PutStr(semconv.AttributeAlertID, e.id)
	at.PutStr(semconv.AttributeAlertEpisodeID, e.episode)
	at.PutStr(semconv.AttributeAlertState, e.state.String())
	if e.severity != "" {
		at.PutStr(semconv.AttributeAlertSeverity, e.severity)
	}
	if e.operand.Metric != "" {
		at.PutStr(semconv.AttributeAlertMetricName, e.operand.Metric)
	}
	if e.operand.Known {
		at.PutStr(semconv.AttributeAlertOperator, e.operand.Op.String())
		at.PutDouble(semconv.AttributeAlertThreshold, e.operand.Threshold)
	}
	if e.hasValue {
		at.PutDouble(semconv.AttributeAlertValue, e.value)
	}
	at.PutStr(semconv.AttributeAlertStartsAt, rfc3339(e.start))
	if !e.end.IsZero() {
		at.PutStr(semconv.AttributeAlertEndsAt, rfc3339(e.end))
	}
	at.PutStr(semconv.AttributeAlertReason, e.reason)
	e.labels.Range(func(l labels.Label) { at.PutStr(semconv.AttributeAlertLabel+"."+l.Name, capped(l.Value)) })
	for name, value := range external {
		if !e.labels.Has(name) {
			at.PutStr(semconv.AttributeAlertLabel+"."+name, value)
		}
	}
	e.annotations.Range(func(l labels.Label) { at.PutStr(semconv.AttributeAlertAnnotation+"."+l.Name, capped(l.Value)) })
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// capped cuts a text between two characters.
func capped(s string) string {
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut]
}
