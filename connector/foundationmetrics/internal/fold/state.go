package fold

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/agents"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/breakers"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/plan"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/reading"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/runs"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/series"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

func (a *Aggregate) agentPlace(it *item.Item) agents.Place {
	t, ok := a.text(a.Plan.AgentType)
	if !ok {
		t = agents.Unknown
	}
	return agents.Place{Resource: it.Resource, Type: t}
}

func (a *Aggregate) agent(now time.Time, it *item.Item) bool {
	id, _ := a.text(a.Plan.AgentID)
	who, where := agents.Agent{Scope: a.scope(it), ID: id}, a.agentPlace(it)
	switch {
	case it.Class == a.Plan.Terminate:
		a.full(a.agents.Terminate(now, who, where, it.Time))
	case a.outcome(it) == semconv.OutcomeSuccess:
		a.full(a.agents.Register(now, who, where, it.Time))
	}
	return true
}

func (a *Aggregate) breaker(now time.Time, it *item.Item, c *plan.Class) bool {
	state := reading.BreakerState(a.first(a.Plan.BreakerTo))
	if state == "" {
		return false
	}
	name, ok := a.text(a.Plan.BreakerName)
	if !ok {
		name = "unknown"
	}
	a.full(a.breakers.Set(now, breakers.Key{Resource: it.Resource, Name: name, Layer: a.layer(c)}, state, it.Time))
	return true
}

// runsMetric is the metric through whose samples the runs see the items: both runs
// metrics count the same iterations, and one of them may be disabled.
func (a *Aggregate) runsMetric() int {
	if a.finished >= 0 {
		return a.finished
	}
	return a.converged
}

func (a *Aggregate) run(now time.Time, it *item.Item, c *plan.Class) bool {
	key, ok := a.runKey(it)
	if !ok {
		return false
	}
	if it.Class != a.Plan.Iterations {
		a.closing = append(a.closing, closing{key, it.Time})
		return true
	}
	x := runs.Iteration{At: it.Time, Labels: runs.Labels{Resource: it.Resource, Layer: a.layer(c)}}
	x.Strategy, _ = a.text(a.Plan.Strategy)
	if x.Strategy == "" {
		x.Strategy = "unknown"
	}
	x.Score, x.HasScore = reading.Number(a.first(a.Plan.Score))
	x.Converged, x.HasConverged = reading.True(a.first(a.Plan.Converged))
	if n, ok := reading.Number(a.first(a.Plan.Iteration)); ok && n >= 0 && n < 1e9 {
		x.Number, x.HasNumber = int(n), true
	}
	a.ended = a.runs.Add(now, key, x, a.ended)
	return true
}

// runKey is the program and the request, else the trace. The prefixes keep programs
// and traces apart.
func (a *Aggregate) runKey(it *item.Item) (key runs.Key, ok bool) {
	key.Scope = a.scope(it)
	if id, ok := a.text(a.Plan.ProgramID); ok {
		key.ID = "program " + id
		key.Request, _ = a.text(a.Plan.RequestID)
		return key, true
	}
	key.ID = "trace " + hex.EncodeToString(it.TraceID[:])
	return key, it.TraceID != [16]byte{}
}

// countRuns counts the runs that ended. Both counters get their series together, so
// that converged over finished is 0 and not missing while nothing converges.
func (a *Aggregate) countRuns() {
	for _, e := range a.ended {
		attrs := []item.Pair{{Key: "strategy", Value: e.Strategy}, {Key: semconv.AttributeLayer, Value: e.Layer}}
		for _, c := range [...]struct{ metric, n int }{{a.finished, e.Finished}, {a.converged, e.Converged}} {
			if c.metric < 0 {
				continue
			}
			s := a.Series.Get(e.Resource, c.metric, attrs)
			a.Series.Add(c.metric, s, float64(c.n))
			if s.Overflow {
				a.Stats.Overflowed += int64(c.n)
			}
		}
	}
	a.ended = a.ended[:0]
}

// maxGaugeName is the longest name that the instrument rules of OpenTelemetry allow.
const maxGaugeName = 255

// appGauge keeps the last value of a metric that an application records by event. A
// name of ours is refused: the document's own collectors record each of the 23
// metrics this way, and we make those from the operations themselves.
func (a *Aggregate) appGauge(it *item.Item) {
	name, ok := a.text(a.Plan.MetricName)
	v, isNumber := reading.Number(a.first(a.Plan.MetricValue))
	if !isNumber {
		a.Stats.Unusable[ReasonNotANumber]++
		return
	}
	m, known := a.gauges[name]
	if !known {
		if !ok || len(name) > maxGaugeName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' }) ||
			a.metric(name) >= 0 || len(a.gauges) >= a.opts.MaxGauges {
			a.Stats.Unusable[ReasonGaugeName]++
			return
		}
		m = a.Series.Define(series.Definition{Name: name, Kind: series.Gauge, Brief: "Recorded by the application with " + semconv.EventMetric + "."})
		a.gauges[name] = m
	}
	layer := string(semconv.LayerOf(name))
	if own, ok := a.text(a.Plan.Layer); ok && layer == string(semconv.LayerUnknown) {
		layer = own
	}
	a.attrs = a.attrs[:0]
	for _, t := range it.Tags {
		if t.Key != semconv.AttributeLayer && !slices.ContainsFunc(a.attrs, func(p item.Pair) bool { return p.Key == t.Key }) {
			a.attrs = append(a.attrs, t)
		}
	}
	slices.SortFunc(a.attrs, func(x, y item.Pair) int { return strings.Compare(x.Key, y.Key) })
	a.gauge(it.Resource, m, v, append(a.attrs, item.Pair{Key: semconv.AttributeLayer, Value: layer})...)
}
