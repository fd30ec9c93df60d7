package alertrules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/episodes"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// maxClockDifference is how far a record's own time may lie from the clock and
// still be taken as the time of what it tells.
const maxClockDifference = 24 * time.Hour

// eventRules are the rules on log records. They are safe for concurrent use.
type eventRules struct {
	mu    sync.Mutex
	rules []*eventRule
}

type eventRule struct {
	cfg         Event
	condition   *ottl.Condition[*ottllog.TransformContext]
	resolve     *ottl.Condition[*ottllog.TransformContext]
	annotations labels.Labels
	tracker     episodes.Tracker
	changed     bool // since it was kept last
}

// nopTelemetry is for parsing conditions where there is no telemetry yet.
func nopTelemetry() component.TelemetrySettings {
	return component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: noop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
}

// newEventRules parses all conditions and reports all that are wrong.
func newEventRules(c *Config, set component.TelemetrySettings) (*eventRules, error) {
	er := &eventRules{}
	if len(c.Events) == 0 {
		return er, nil
	}
	p, err := ottllog.NewParser(ottlfuncs.StandardConverters[*ottllog.TransformContext](), set, ottllog.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, e := range c.Events {
		path := fmt.Sprintf("events[%d] (%q)", i, e.Name)
		fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(path+format, args...)) }
		if e.Name == "" {
			fail(".name: is empty, must name the alert")
		}
		if e.ExpireAfter < 0 {
			fail(".expire_after: %s is negative, must be 0s or more", e.ExpireAfter)
		}
		if e.Resolve == "" && e.ExpireAfter == 0 {
			fail(".resolve: is empty and expire_after is 0s, one of them must end the alert")
		}
		for j, name := range e.GroupBy {
			switch name {
			case "":
				fail(".group_by[%d]: is empty, must name an attribute", j)
			case labels.AlertName, severityName:
				fail(".group_by[%d]: %q is the rule's own label, must be another", j, name)
			}
		}
		r := newEventRule(e, c.Limits.AlertsPerRule)
		if e.Condition == "" {
			fail(".condition: is missing, must be an OTTL condition on the log context")
		} else if r.condition, err = p.ParseCondition(e.Condition); err != nil {
			fail(".condition: %w", err)
		}
		if e.Resolve != "" {
			if r.resolve, err = p.ParseCondition(e.Resolve); err != nil {
				fail(".resolve: %w", err)
			}
		}
		er.rules = append(er.rules, r)
	}
	return er, errors.Join(errs...)
}

func newEventRule(e Event, maxActive int) *eventRule {
	return &eventRule{cfg: e, annotations: labels.FromMap(e.Annotations), tracker: episodes.Tracker{Max: maxActive, ExpireAfter: e.ExpireAfter}}
}

// consume runs the rules over the records, hands what began and ended to tell,
// with the state after it, and returns how many alerts were refused. tell is
// called before another change can happen, so that changes are told in their
// order. A condition that fails on a record does not hold for it: records have
// all shapes.
func (er *eventRules) consume(ctx context.Context, ld plog.Logs, now time.Time, tell func([]alertEvent, []keptEvents)) (refused int) {
	if len(er.rules) == 0 {
		return 0
	}
	er.mu.Lock()
	defer er.mu.Unlock()
	var out []alertEvent
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				tc := ottllog.NewTransformContext(rl, sl, lr)
				for _, r := range er.rules {
					e, ok, full := r.record(ctx, tc, now)
					if ok {
						out = append(out, e)
					}
					if full {
						refused++
					}
				}
				tc.Close()
			}
		}
	}
	if len(out) > 0 {
		tell(out, er.changed(false))
	}
	return refused
}

func (r *eventRule) record(ctx context.Context, tc *ottllog.TransformContext, now time.Time) (e alertEvent, ok, full bool) {
	at := recordTime(tc.GetLogRecord(), now)
	if holds(ctx, r.condition, tc) {
		episode, outcome := r.tracker.Trigger(r.groupOf(tc), at, now)
		r.changed = r.changed || outcome != episodes.Refused // when it was heard, at least
		if outcome != episodes.Started {
			return e, false, outcome == episodes.Refused
		}
		return r.event(episode, rules.Firing, at, rules.ReasonMet), true, false
	}
	if r.resolve != nil && r.tracker.Active() > 0 && holds(ctx, r.resolve, tc) {
		if episode, ok := r.tracker.Resolve(r.groupOf(tc)); ok {
			r.changed = true
			return r.event(episode, rules.Resolved, at, reasonResolveMet), true, false
		}
	}
	return e, false, false
}

func holds(ctx context.Context, c *ottl.Condition[*ottllog.TransformContext], tc *ottllog.TransformContext) bool {
	ok, err := c.Eval(ctx, tc)
	return ok && err == nil
}

// expire ends alerts whose condition was not met for too long; tell as for
// consume, called also for what has changed without an event.
func (er *eventRules) expire(now time.Time, tell func([]alertEvent, []keptEvents)) {
	er.mu.Lock()
	defer er.mu.Unlock()
	var out []alertEvent
	for _, r := range er.rules {
		for _, e := range r.tracker.Expire(now) {
			out = append(out, r.event(e, rules.Resolved, now, reasonExpired))
			r.changed = true
		}
	}
	if changed := er.changed(false); len(out) > 0 || len(changed) > 0 {
		tell(out, changed)
	}
}

// Reasons of event rules, beside those of package rules.
const (
	reasonResolveMet = "resolve_met"
	reasonExpired    = "expired"
)

// each calls f with the number of active alerts of each rule.
func (er *eventRules) each(f func(e *Event, active int)) {
	er.mu.Lock()
	defer er.mu.Unlock()
	for _, r := range er.rules {
		f(&r.cfg, r.tracker.Active())
	}
}

func (r *eventRule) event(ep episodes.Episode, state rules.State, at time.Time, reason string) alertEvent {
	if state == rules.Resolved && at.Before(ep.Start) {
		at = ep.Start // what ended it came late, or from another clock
	}
	ls := map[string]string{labels.AlertName: r.cfg.Name, severityName: r.cfg.Severity.String()}
	for i, name := range r.cfg.GroupBy {
		if ep.Values[i] != "" {
			ls[name] = ep.Values[i]
		}
	}
	a := rules.Alert{Labels: labels.FromMap(ls), FiredAt: ep.Start}
	e := alertEvent{
		state: state, rule: r.cfg.Name, severity: r.cfg.Severity.String(), id: a.ID(), episode: a.EpisodeID(),
		reason: reason, at: at, start: ep.Start, labels: a.Labels, annotations: r.annotations,
	}
	if state == rules.Resolved {
		e.end = at
	}
	return e
}

// groupOf reads the group's values from the record, else its scope, else its
// resource. The trackers keep them, so they must be short; what reads events
// refuses a batch with a text that is not UTF-8.
func (r *eventRule) groupOf(tc *ottllog.TransformContext) []string {
	values := make([]string, len(r.cfg.GroupBy))
	places := [...]pcommon.Map{
		tc.GetLogRecord().Attributes(), tc.GetInstrumentationScope().Attributes(), tc.GetResource().Attributes(),
	}
	for i, name := range r.cfg.GroupBy {
		for _, m := range places {
			if v, ok := m.Get(name); ok {
				values[i] = capped(strings.ToValidUTF8(v.AsString(), "\uFFFD"))
				break
			}
		}
	}
	return values
}

// recordTime is when the thing happened that the record tells of, so that
// replicas agree on it: its own time if that is credible, else the clock's.
func recordTime(lr plog.LogRecord, now time.Time) time.Time {
	for _, ts := range []pcommon.Timestamp{lr.Timestamp(), lr.ObservedTimestamp()} {
		if t := ts.AsTime(); ts != 0 && t.Sub(now).Abs() < maxClockDifference {
			return t
		}
	}
	return now.UTC()
}
