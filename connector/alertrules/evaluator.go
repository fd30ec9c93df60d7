package alertrules

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// evaluator evaluates the groups that are due, in their order, and collects what
// goes out. One goroutine uses it.
type evaluator struct {
	e           *engine
	groups      []*rules.Group
	schedules   []schedule
	own         schedule // of expiry and degradation events
	began       time.Time
	truncate    schedule
	resend      *schedule // nil = never
	survey      survey
	transitions transitions
	lastActive  map[string]rules.Alert // by id and state, to say when it is over
	lastTallies map[tally]int
	written     []uint64 // fingerprints of the groups as they are kept
}

// maxTransitions bounds the series of transitions: a severity may be a template
// over telemetry. Beyond it, changes are counted without their severity.
const maxTransitions = 10_000

// transitions counts changes; event rules count from other goroutines.
type transitions struct {
	mu sync.Mutex
	n  map[tally]int64
}

func (t *transitions) add(k tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[tally]int64{}
	}
	if _, known := t.n[k]; !known && len(t.n) >= maxTransitions {
		k.severity = ""
	}
	t.n[k]++
}

func (t *transitions) copy() map[tally]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.n)
}

// truncateInterval is how often samples out of reach are dropped.
const truncateInterval = 5 * time.Minute

func newEvaluator(e *engine, groups []*rules.Group) evaluator {
	rules.LinkSources(groups, store.Lookback)
	return evaluator{e: e, groups: rules.InOrder(groups), lastTallies: map[tally]int{}}
}

func (v *evaluator) longestInterval() time.Duration {
	longest := v.e.cfg.EvaluationInterval
	for _, g := range v.groups {
		longest = max(longest, g.Interval)
	}
	return longest
}

// window is how far back an exemplar is of use.
func (v *evaluator) window() time.Duration {
	var longest time.Duration
	for _, g := range v.groups {
		for _, r := range g.AlertRules() {
			longest = max(longest, r.Sources.Window)
		}
	}
	return longest
}

func (v *evaluator) begin(now time.Time) {
	v.began = now
	v.own = newSchedule(v.e.cfg.EvaluationInterval, now)
	v.truncate = newSchedule(truncateInterval, now)
	v.survey.schedule = newSchedule(surveyInterval, now)
	if v.e.cfg.resends() {
		s := newSchedule(v.e.cfg.ResendInterval, now)
		v.resend = &s
	}
	v.schedules = make([]schedule, len(v.groups))
	for i, g := range v.groups {
		v.schedules[i] = newSchedule(g.Interval, now)
	}
}

// next is when something is due.
func (v *evaluator) next() time.Time {
	t := v.own.next
	if v.resend != nil && v.resend.next.Before(t) {
		t = v.resend.next
	}
	for _, s := range v.schedules {
		if s.next.Before(t) {
			t = s.next
		}
	}
	return t
}

// at evaluates what is due at the time t. The records tell of the change; both
// are to be kept together.
func (v *evaluator) at(ctx context.Context, t, now time.Time) (plog.LogRecordSlice, change, pmetric.Metrics) {
	began := time.Now()
	md := pmetric.NewMetrics()
	sm := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(metadata.ScopeName)
	m := newStateMetrics(sm.Metrics(), v.e.cfg.ExternalLabels)

	var events []alertEvent
	traces := shower{from: v.e.exemplars}
	evaluated := 0
	for i, g := range v.groups {
		at, missed, ok := v.schedules[i].due(t)
		if !ok {
			continue
		}
		v.e.tel.AlertRulesEvaluationsMissed.Add(ctx, int64(missed))
		res := g.Eval(ctx, at, rules.Env{Query: v.e.store.Query, Appendable: v.e.store})
		evaluated += res.Evaluated
		v.report(ctx, g, &res)
		for _, c := range res.Changes {
			event := eventOfChange(c)
			traces.show(&event, c.Rule, c.Alert)
			events = append(events, event)
		}
		m.recorded(res.Recorded, res.Stale, at)
	}
	if evaluated > 0 {
		v.e.tel.AlertRulesEvaluations.Add(ctx, int64(evaluated))
		v.e.tel.AlertRulesEvaluationDuration.Record(ctx, time.Since(began).Seconds())
	}
	records := plog.NewLogRecordSlice()
	c := change{all: v.e.durable != nil && v.e.durable.isBehind()}
	if at, _, ok := v.own.due(t); ok {
		unwatched := v.e.events.expire(now, func(ended []alertEvent, state []keptEvents) {
			v.e.keep(ctx, v.e.records(ended, now), change{events: state})
		})
		v.e.refused(ctx, "flapping_limit", unwatched)
		if v.e.degradations != nil {
			changed, refused := v.e.degradations.edges(records, at, now)
			c.degraded = changed
			v.e.refused(ctx, "series_limit", refused)
		}
		v.state(m, at)
		v.e.tel.AlertRulesSeries.Record(ctx, int64(v.e.store.Series()))
	}
	v.e.records(events, now).MoveAndAppendTo(records)
	if at, _, ok := v.survey.due(t); ok {
		v.look(ctx, at)
	}
	if _, _, ok := v.truncate.due(t); ok {
		v.drop(ctx, t)
	}
	return records, v.changed(c), md
}

// report logs and counts what went wrong, once per rule and evaluation.
func (v *evaluator) report(ctx context.Context, g *rules.Group, res *rules.Result) {
	v.e.refused(ctx, "alert_limit", res.Refused)
	v.e.refused(ctx, "flapping_limit", res.Unwatched)
	v.e.tel.AlertRulesEvaluationFailures.Add(ctx, int64(len(res.Failures)))
	for _, f := range res.Failures {
		if f.TooManySamples() {
			v.e.refused(ctx, "sample_limit", 1)
		}
		if ctx.Err() == nil {
			v.e.logger.Warn("rule failed", zap.String("file", g.File), zap.String("group", g.Name), zap.String("rule", f.Rule), zap.Error(f.Err))
		}
	}
}

// drop forgets samples and sources that no rule reaches any more.
func (v *evaluator) drop(ctx context.Context, t time.Time) {
	v.e.intake.Forget(t.Add(-time.Hour))
	v.e.exemplars.Forget(t.Add(-v.window()).UnixMilli())
	if err := v.e.store.Truncate(ctx, t); err != nil && ctx.Err() == nil {
		v.e.logger.Warn("samples that no rule reaches could not be dropped", zap.Error(err))
	}
}

// state writes the state of all alerts. Every rule has a count, 0 included; a
// count or an alert that is gone is said to be gone once.
func (v *evaluator) state(m *stateMetrics, at time.Time) {
	tallies := map[tally]int{}
	active := map[string]rules.Alert{}
	for _, g := range v.groups {
		for _, r := range g.AlertRules() {
			for _, s := range metricStates {
				tallies[tally{r.Name, s.String(), plain(r.Severity)}] += 0
			}
		}
		g.Alerts(func(r rules.Rule, a rules.Alert) {
			tallies[tally{r.Name, a.State.String(), a.Severity()}]++
			active[a.ID()+a.State.String()] = a
			m.alert(a.Labels, a.State.String(), at, true)
		})
	}
	v.e.events.each(func(e *Event, n int) {
		tallies[tally{e.Name, rules.Firing.String(), e.Severity.String()}] += n
	})
	for id, a := range v.lastActive {
		if _, still := active[id]; !still {
			m.alert(a.Labels, a.State.String(), at, false)
		}
	}
	for t := range v.lastTallies {
		if _, still := tallies[t]; !still {
			m.active(t, 0, at)
		}
	}
	for t, n := range tallies {
		m.active(t, n, at)
	}
	m.transitions(v.transitions.copy(), v.began, at)
	v.lastActive, v.lastTallies = active, tallies
}

// plain is a severity that is no template.
func plain(s string) string {
	for i := 0; i+1 < len(s); i++ {
		if s[i:i+2] == "{{" {
			return ""
		}
	}
	return s
}
