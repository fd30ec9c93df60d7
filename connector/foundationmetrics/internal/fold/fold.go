// Package fold counts: it takes items in and keeps the aggregate of everything seen
// since its start. It is driven under one lock by its owner; the same items in any
// order and from any number of senders give the same counts.
package fold

import (
	"math"
	"slices"
	"time"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/agents"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/breakers"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/once"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/plan"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/runs"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/series"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Options configures an Aggregate. Zero times and sizes mean nothing is remembered.
type Options struct {
	MaxSeries   int
	Exponential bool
	Disabled    []string
	Remember    int // operations in each generation of the memory of what was counted
	AgentTTL    time.Duration
	BreakerTTL  time.Duration
	RunTTL      time.Duration
	MaxGauges   int // names that applications may make up with foundation.metric
}

// Stats counts what was taken in and what was not, since the start.
type Stats struct {
	Items      int64            // that some metric counts
	Duplicates int64            // events that name a span counted already, or the other way round
	Overflowed int64            // samples in overflow series
	Unusable   map[string]int64 // samples left out, by reason
}

// The reasons of Stats.Unusable.
const (
	ReasonEndBeforeStart = "end_before_start"
	ReasonNotANumber     = "not_a_number"
	ReasonNegative       = "negative_duration"
	ReasonNoUnit         = "unit_unknown"
	ReasonTableFull      = "table_full"
	ReasonGaugeName      = "gauge_name"
)

// Aggregate is everything counted.
type Aggregate struct {
	Plan   *plan.Plan
	Series *series.Table
	Stats  Stats

	opts     Options
	values   []item.Value // by slot, of the item at hand
	set      []uint16     // the slots to empty after it
	memory   *once.Memory
	agents   *agents.Table
	breakers *breakers.Table
	runs     *runs.Table
	caps     []map[string]struct{}
	gauges   map[string]int // of foundation.metric: name to definition
	attrs    []item.Pair
	ended    []runs.Ended
	closing  []closing

	activeAgents, breakerState, finished, converged int // metrics; -1 = disabled
}

// closing is an operation that ends the run of its program. It waits for the rest of
// its batch: batches hold parents before their children as often as after them.
type closing struct {
	key runs.Key
	at  int64
}

// New returns an empty aggregate.
func New(o Options) *Aggregate {
	p := plan.New(o.Disabled)
	a := &Aggregate{
		Plan: p, opts: o, values: make([]item.Value, len(p.Slots)),
		memory: once.New(o.Remember), agents: agents.New(o.MaxSeries, o.AgentTTL),
		breakers: breakers.New(o.MaxSeries, o.BreakerTTL), runs: runs.New(o.MaxSeries, o.RunTTL),
		gauges: map[string]int{},
		Stats:  Stats{Unusable: map[string]int64{}},
	}
	definitions := make([]series.Definition, len(p.Metrics))
	for i, m := range p.Metrics {
		definitions[i] = a.define(m)
	}
	a.Series = series.New(definitions, o.MaxSeries)
	a.caps = make([]map[string]struct{}, len(p.Caps))
	for i := range a.caps {
		a.caps[i] = map[string]struct{}{}
	}
	a.activeAgents, a.breakerState = a.metric(semconv.MetricActiveAgents), a.metric(semconv.MetricCircuitBreakerState)
	a.finished, a.converged = a.metric(semconv.MetricOptimizationRunsFinished), a.metric(semconv.MetricOptimizationRunsConverged)
	return a
}

func (a *Aggregate) metric(name string) int {
	return slices.IndexFunc(a.Plan.Metrics, func(m semconv.Metric) bool { return m.Name == name })
}

func (a *Aggregate) define(m semconv.Metric) series.Definition {
	d := series.Definition{Name: m.Name, Unit: m.Unit, Brief: m.Brief}
	switch m.Instrument {
	case semconv.InstrumentCounter:
		d.Kind = series.Counter
	case semconv.InstrumentGauge:
		d.Kind = series.Gauge
	case semconv.InstrumentHistogram:
		d.Kind, d.Bounds = series.Histogram, m.Bounds
		if m.Buckets != semconv.BucketsFixed {
			d.Bounds = semconv.Bounds(m.Buckets)
			if a.opts.Exponential {
				d.Kind, d.Bounds = series.Exponential, nil
			}
		}
	}
	return d
}

// Add folds a batch in.
func (a *Aggregate) Add(now time.Time, items []item.Item) {
	for i := range items {
		it := &items[i]
		for _, f := range it.Fields {
			a.values[f.Slot] = f.Value
			a.set = append(a.set, f.Slot)
		}
		a.one(now, it)
		for _, s := range a.set {
			a.values[s] = item.Value{}
		}
		a.set = a.set[:0]
	}
	for _, c := range a.closing {
		a.ended = a.runs.Close(c.key, c.at, a.ended)
	}
	a.closing = a.closing[:0]
	a.countRuns()
}

func (a *Aggregate) one(now time.Time, it *item.Item) {
	// Beginning and end of an agent are told by the events themselves: an agent whose
	// registration failed was never there.
	if id, ok := a.text(a.Plan.AgentID); ok && a.activeAgents >= 0 && it.Class != a.Plan.Terminate && it.Class != a.Plan.Register {
		a.full(a.agents.See(now, agents.Agent{Scope: a.scope(it), ID: id}, a.agentPlace(it)))
	}
	if it.Class < 0 {
		return
	}
	class := &a.Plan.Classes[it.Class]
	if it.Class == a.Plan.AppGauge {
		a.Stats.Items++
		a.appGauge(it)
		return
	}
	key := once.Key{Trace: it.TraceID, Span: it.SpanID, Class: uint16(it.Class)}
	var mark once.Mark
	if it.HasSpan() {
		mark = a.memory.Get(key)
	}
	taken, counted, repeated := mark.BySpan, false, false
	if it.Shape == item.Span {
		taken = mark.ByEvent
	}
	var done uint64
	for i := range class.Samples {
		s := &class.Samples[i]
		if !counts(s, it) {
			continue
		}
		counted = true
		if !a.holds(s, it) {
			continue
		}
		if taken&(1<<i) != 0 {
			repeated = true
			continue
		}
		if a.sample(now, it, class, s) {
			done |= 1 << i
		}
	}
	if counted {
		a.Stats.Items++
	}
	if repeated {
		a.Stats.Duplicates++
	}
	if !it.HasSpan() {
		return
	}
	switch {
	case it.Shape == item.Span:
		// The event has met its span: a second span of the same id counts again.
		a.memory.Put(key, once.Mark{BySpan: mark.BySpan | mark.ByEvent | done})
	case done != 0:
		mark.ByEvent |= done
		a.memory.Put(key, mark)
	}
}

func (a *Aggregate) full(ok bool) {
	if !ok {
		a.Stats.Unusable[ReasonTableFull]++
	}
}

func (a *Aggregate) scope(it *item.Item) string { return a.Series.Resources[it.Resource].Scope }

// Flush brings the gauges of last states up to date; the owner then reads Series.
func (a *Aggregate) Flush(now time.Time) {
	a.ended = a.runs.Expire(now, a.ended)
	a.countRuns()
	if a.activeAgents >= 0 {
		for _, c := range a.agents.Active(now) {
			a.gauge(c.Resource, a.activeAgents, float64(c.Active),
				item.Pair{Key: "agent_type", Value: c.Type}, item.Pair{Key: semconv.AttributeLayer, Value: string(semconv.LayerFoundationJido)})
		}
	}
	if a.breakerState >= 0 {
		a.Series.Reset(a.breakerState) // a breaker that was forgotten has no state
		for _, b := range a.breakers.Last(now) {
			for _, state := range [...]string{semconv.CircuitBreakerStateClosed, semconv.CircuitBreakerStateOpen, semconv.CircuitBreakerStateHalfOpen} {
				v := 0.0
				if b.State == state {
					v = 1
				}
				a.gauge(b.Resource, a.breakerState, v, item.Pair{Key: "name", Value: b.Name}, item.Pair{Key: "state", Value: state},
					item.Pair{Key: semconv.AttributeLayer, Value: b.Layer})
			}
		}
	}
}

func (a *Aggregate) gauge(resource, m int, v float64, attrs ...item.Pair) {
	x := a.Series.Get(resource, m, attrs)
	a.full(x != nil)
	if x != nil && !math.IsNaN(v) {
		a.Series.Add(m, x, v)
	}
}
