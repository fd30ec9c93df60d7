package alertrules

import (
	"context"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/episodes"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// eventRules are the rules on log records and spans. They are safe for
// concurrent use.
type eventRules struct {
	mu    sync.Mutex
	rules []*eventRule
	logs  []conditions[*ottllog.TransformContext]
	spans []conditions[*ottlspan.TransformContext]
}

// eventRule is what a rule is whatever its signal.
type eventRule struct {
	cfg         Event
	annotations labels.Labels
	tracker     episodes.Tracker
	changed     bool // since it was kept last
}

// conditions are a rule's conditions on one signal.
type conditions[K any] struct {
	rule      *eventRule
	condition *ottl.Condition[K]
	resolve   *ottl.Condition[K] // nil = it ends by time only
}

// consumeLogs runs the rules over the records, hands what began and ended to
// tell, with the state after it, and returns how many alerts were refused. tell is called before another
// change can happen, so that changes are told in their order. A condition that
// fails on a record does not hold for it: records have all shapes.
func (er *eventRules) consumeLogs(ctx context.Context, ld plog.Logs, now time.Time, tell func([]alertEvent, []keptEvents)) (refused int) {
	if len(er.logs) == 0 {
		return 0
	}
	er.mu.Lock()
	defer er.mu.Unlock()
	v := verdicts{now: now}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				tc := ottllog.NewTransformContext(rl, sl, lr)
				judge(ctx, &v, er.logs, tc, itemOfLog)
				tc.Close()
			}
		}
	}
	if len(v.events) > 0 {
		tell(v.events, er.changed())
	}
	return v.refused
}

// consumeTraces does the same for spans.
func (er *eventRules) consumeTraces(ctx context.Context, td ptrace.Traces, now time.Time, tell func([]alertEvent, []keptEvents)) (refused int) {
	if len(er.spans) == 0 {
		return 0
	}
	er.mu.Lock()
	defer er.mu.Unlock()
	v := verdicts{now: now}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				tc := ottlspan.NewTransformContext(rs, ss, s)
				judge(ctx, &v, er.spans, tc, itemOfSpan)
				tc.Close()
			}
		}
	}
	if len(v.events) > 0 {
		tell(v.events, er.changed())
	}
	return v.refused
}

// verdicts are what the items of one call lead to.
type verdicts struct {
	now     time.Time
	events  []alertEvent
	refused int
}

// judge runs all rules of a signal over one item.
func judge[K any](ctx context.Context, v *verdicts, rs []conditions[K], tc K, of func(K) item) {
	for i := range rs {
		c := &rs[i]
		if holds(ctx, c.condition, tc) {
			c.rule.trigger(v, of(tc))
		} else if c.resolve != nil && c.rule.tracker.Active() > 0 && holds(ctx, c.resolve, tc) {
			c.rule.resolve(v, of(tc))
		}
	}
}

func holds[K any](ctx context.Context, c *ottl.Condition[K], tc K) bool {
	ok, err := c.Eval(ctx, tc)
	return ok && err == nil
}

func (r *eventRule) trigger(v *verdicts, it item) {
	at := it.at(v.now)
	r.changed = true // when it was heard, at least
	ep, outcome := r.tracker.Trigger(episodes.Episode{Values: it.group(r.cfg.GroupBy), Start: at, Trace: it.trace, Span: it.span}, v.now)
	switch outcome {
	case episodes.Refused:
		v.refused++
	case episodes.Started:
		v.events = append(v.events, r.event(ep, KindTriggered, at, rules.ReasonMet))
		if ep.Flapping {
			v.events = append(v.events, r.event(ep, KindFlapping, at, rules.ReasonMet))
		}
	}
}

func (r *eventRule) resolve(v *verdicts, it item) {
	at := it.at(v.now)
	r.changed = true
	ep, outcome := r.tracker.Resolve(it.group(r.cfg.GroupBy), v.now)
	switch outcome {
	case episodes.Ended:
		ep.Trace, ep.Span = it.trace, it.span
		v.events = append(v.events, r.event(ep, KindResolved, at, reasonResolveMet))
	case episodes.Held:
		v.events = append(v.events, r.event(ep, KindFlapping, at, rules.ReasonMet))
	}
}

// expire ends what time ends; tell as for consumeLogs, called also for what has
// changed without an event. It returns how many
// changes could not be watched for flapping.
func (er *eventRules) expire(now time.Time, tell func([]alertEvent, []keptEvents)) (unwatched int) {
	er.mu.Lock()
	defer er.mu.Unlock()
	var out []alertEvent
	for _, r := range er.rules {
		expired, quiet := r.tracker.Expire(now)
		r.changed = r.changed || len(expired)+len(quiet) > 0
		for _, e := range expired {
			out = append(out, r.event(e, KindResolved, now, reasonExpired))
		}
		for _, e := range quiet {
			out = append(out, r.event(e, KindResolved, now, reasonResolveMet))
		}
		unwatched += r.tracker.Unwatched
		r.tracker.Unwatched = 0
	}
	if changed := er.changed(); len(out)+len(changed) > 0 {
		tell(out, changed)
	}
	return unwatched
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

// active hands the alerts that are active to tell; as for consumeLogs, nothing
// changes before it returns.
func (er *eventRules) active(at time.Time, tell func([]alertEvent)) {
	er.mu.Lock()
	defer er.mu.Unlock()
	var all []alertEvent
	for _, r := range er.rules {
		r.tracker.Each(func(ep episodes.Episode) {
			all = append(all, r.event(ep, KindActive, at, rules.ReasonMet))
		})
	}
	tell(all)
}

// event tells of an episode. Only KindResolved ends it.
func (r *eventRule) event(ep episodes.Episode, kind Kind, at time.Time, reason string) alertEvent {
	ls := map[string]string{labels.AlertName: r.cfg.Name, severityName: r.cfg.Severity.String()}
	for i, name := range r.cfg.GroupBy {
		if ep.Values[i] != "" {
			ls[name] = ep.Values[i]
		}
	}
	a := rules.Alert{Labels: labels.FromMap(ls), FiredAt: ep.Start}
	e := alertEvent{
		kind: kind, state: rules.Firing, rule: r.cfg.Name, severity: r.cfg.Severity.String(), id: a.ID(), episode: a.EpisodeID(),
		reason: reason, at: at, start: ep.Start, labels: a.Labels, annotations: r.annotations, flapping: ep.Flapping,
		trace: ep.Trace, span: ep.Span,
	}
	if kind == KindResolved {
		e.state = rules.Resolved
		if at.Before(ep.Start) {
			e.at = ep.Start // what ended it came late, or from another clock
		}
		e.end = e.at
	}
	return e
}
