package alertrules

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/exemplars"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// maxText caps a label's or annotation's text in an event: texts come from
// telemetry, and what reads events should not have to fear them.
const maxText = 4096

// alertEvent is what goes out of an alert, whichever kind of rule made it.
type alertEvent struct {
	kind        Kind
	state       rules.State
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
	flapping    bool
	trace       pcommon.TraceID // zero = none
	span        pcommon.SpanID
}

func eventOfChange(c rules.Change) alertEvent {
	e := eventOfAlert(c.Rule, c.Alert, c.At)
	e.reason = c.Reason
	switch {
	case c.Note == rules.NoteNoData:
		e.kind = KindNoData
	case c.Note == rules.NoteFlapping:
		e.kind = KindFlapping
	case e.state == rules.Pending:
		e.kind = KindPending
	case e.state == rules.Firing:
		e.kind = KindTriggered
	case e.state == rules.Resolved:
		e.kind, e.end = KindResolved, c.At
	}
	return e
}

// eventOfAlert tells of an alert as it is at the time at.
func eventOfAlert(r rules.Rule, a rules.Alert, at time.Time) alertEvent {
	e := alertEvent{
		kind: KindActive, state: a.State, rule: r.Name, severity: a.Severity(), id: a.ID(), episode: a.EpisodeID(), reason: a.Reason(), at: at,
		start: a.FiredAt, labels: a.Labels, annotations: a.Annotations, operand: r.Operand, value: a.Value, hasValue: !math.IsNaN(a.Value),
		flapping: a.Flapping,
	}
	if a.State == rules.Pending {
		e.start, e.episode = a.ActiveAt, "" // an episode begins when it fires
	}
	return e
}

// shower finds the exemplars of events that belong to one time, rule by rule.
type shower struct {
	from  *exemplars.Store
	of    *rules.Sources
	at    time.Time
	found *exemplars.Found
}

// show names the trace of the worst exemplar in the rule's window, if there is
// one.
func (s *shower) show(e *alertEvent, r rules.Rule, a rules.Alert) {
	if r.Sources == nil {
		return
	}
	if s.found == nil || s.of != r.Sources || !s.at.Equal(e.at) {
		s.of, s.at = r.Sources, e.at
		s.found = s.from.Find(exemplars.Query{
			Selectors: r.Sources.Selectors, From: e.at.Add(-r.Sources.Window).UnixMilli(), To: e.at.UnixMilli(),
			Lowest: r.Operand.Op == rules.OpLT || r.Operand.Op == rules.OpLTE,
		})
	}
	worst, _ := s.found.Worst(a.Source())
	e.trace, e.span = worst.Trace, worst.Span
}

// compare orders events of different alerts, the same in every replica.
func (e *alertEvent) compare(o *alertEvent) int {
	return cmp.Or(cmp.Compare(e.rule, o.rule), labels.Compare(e.labels, o.labels))
}

// write fills a log record.
func (e *alertEvent) write(lr plog.LogRecord, prefix string, external map[string]string, now time.Time) {
	lr.SetEventName(prefix + "." + e.kind.String())
	lr.SetTimestamp(pcommon.NewTimestampFromTime(e.at))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	lr.SetSeverityNumber(severityNumber(e.severity))
	lr.SetSeverityText(capped(e.severity))
	lr.SetTraceID(e.trace)
	lr.SetSpanID(e.span)
	at := lr.Attributes()
	at.PutStr(semconv.AttributeAlertRuleName, e.rule)
	at.PutStr(semconv.AttributeAlertID, e.id)
	if e.episode != "" {
		at.PutStr(semconv.AttributeAlertEpisodeID, e.episode)
	}
	at.PutStr(semconv.AttributeAlertState, e.state.String())
	if e.severity != "" {
		at.PutStr(semconv.AttributeAlertSeverity, capped(e.severity))
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
	if e.flapping {
		at.PutBool(semconv.AttributeAlertFlapping, true)
	}
	e.labels.Range(func(l labels.Label) { at.PutStr(semconv.AttributeAlertLabel+"."+l.Name, capped(l.Value)) })
	for name, value := range external {
		if !e.labels.Has(name) {
			at.PutStr(semconv.AttributeAlertLabel+"."+name, value)
		}
	}
	e.annotations.Range(func(l labels.Label) { at.PutStr(semconv.AttributeAlertAnnotation+"."+l.Name, capped(l.Value)) })
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// legal makes a text one that every reader of OTLP takes.
func legal(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// capped makes a text legal UTF-8, since a template can cut a character in two,
// and cuts it between two characters.
func capped(s string) string {
	s = legal(s)
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut]
}
