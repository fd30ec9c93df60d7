package fold

import (
	"slices"
	"time"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/plan"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/reading"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/series"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// counts says whether an item is what a sample counts.
func counts(s *plan.Sample, it *item.Item) bool {
	if it.Shape == item.Span {
		return true
	}
	switch {
	case s.SpansOnly:
		return false
	case s.Count == semconv.CountEvent:
		return true
	case s.Count == semconv.CountStart:
		return it.Phase == semconv.PhaseStart
	default:
		// An operation's event without a phase tells of something done.
		return it.Phase != semconv.PhaseStart
	}
}

func (a *Aggregate) holds(s *plan.Sample, it *item.Item) bool {
	for i := range s.When {
		c := &s.When[i]
		var v string
		switch c.Attribute {
		case semconv.AttributeOutcome:
			v = a.outcome(it)
		case semconv.AttributeCircuitBreakerTo, semconv.AttributeCircuitBreakerFrom:
			v = reading.BreakerState(a.first(c.Ref))
		default:
			v, _ = a.text(c.Ref)
		}
		if !slices.Contains(c.Is, v) {
			return false
		}
	}
	return true
}

// sample folds one sample of an item and says whether there was one.
func (a *Aggregate) sample(now time.Time, it *item.Item, c *plan.Class, s *plan.Sample) bool {
	switch s.State {
	case semconv.StateAgents:
		return a.agent(now, it)
	case semconv.StateBreakers:
		return a.breaker(now, it, c)
	case semconv.StateRuns:
		return s.Metric == a.runsMetric() && a.run(now, it, c)
	default:
	}
	v, ok := a.value(it, s)
	if !ok {
		return false
	}
	a.attrs = a.attrs[:0]
	for i := range s.Attributes {
		a.attrs = append(a.attrs, item.Pair{Key: s.Attributes[i].Key, Value: a.attribute(it, &s.Attributes[i])})
	}
	a.attrs = append(a.attrs, item.Pair{Key: semconv.AttributeLayer, Value: a.layer(c)})
	x := a.Series.Get(it.Resource, s.Metric, a.attrs)
	switch {
	case x == nil:
		a.full(false)
		return true
	case x.Overflow:
		a.Stats.Overflowed++
	case s.Instrument == semconv.InstrumentCounter && s.OutcomeAt >= 0 && x.Sum == 0:
		a.otherOutcomes(it, s)
	}
	a.Series.Add(s.Metric, x, v)
	if s.Instrument != semconv.InstrumentGauge {
		a.exemplar(x, it, v)
	}
	return true
}

// otherOutcomes makes the series of the other outcomes, at zero, so that a ratio of
// outcomes exists from the first operation on: failures over all would have no
// value, rather than zero, while nothing fails.
func (a *Aggregate) otherOutcomes(it *item.Item, s *plan.Sample) {
	values := []string{semconv.OutcomeSuccess, semconv.OutcomeFailure}
	if s.Attributes[s.OutcomeAt].Form == semconv.FormSuccess {
		values = []string{"true", "false"}
	}
	for _, v := range values {
		a.attrs[s.OutcomeAt].Value = v
		a.Series.Ensure(it.Resource, s.Metric, a.attrs)
	}
}

// exemplar keeps the largest measurement since the last flush: of a histogram the one
// worth looking at, of a counter any.
func (a *Aggregate) exemplar(x *series.Series, it *item.Item, v float64) {
	if it.TraceID == [16]byte{} || x.Exemplar.Set && v <= x.Exemplar.Value {
		return
	}
	e := series.Exemplar{Set: true, Value: v, Time: it.Time, TraceID: it.TraceID, SpanID: it.SpanID, Attrs: x.Exemplar.Attrs[:0]}
	for _, id := range [...]struct {
		key string
		ref plan.Ref
	}{
		{semconv.AttributeRequestID, a.Plan.RequestID},
		{semconv.AttributeAgentID, a.Plan.AgentID},
		{semconv.AttributeCoordinationID, a.Plan.CoordinationID},
		{semconv.AttributeProgramID, a.Plan.ProgramID},
		{semconv.AttributeOptimizationIteration, a.Plan.Iteration},
	} {
		if s, ok := a.text(id.ref); ok {
			e.Attrs = append(e.Attrs, item.Pair{Key: id.key, Value: s})
		}
	}
	x.Exemplar = e
}
