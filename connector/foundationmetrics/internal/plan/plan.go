// Package plan turns the table of metrics into what the folding walks: for every
// event the samples that it makes, with attribute names as slots.
package plan

import (
	"slices"
	"strings"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/reading"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Ref is a list of slots to look into, the first that holds something wins.
type Ref []uint16

// Condition holds when the attribute has one of the values.
type Condition struct {
	Attribute string
	Ref       Ref
	Is        []string
}

// Attribute is an attribute of a metric.
type Attribute struct {
	semconv.MetricAttribute
	Ref Ref
	Cap int // number of the set that bounds the values; -1 = none
}

// Sample is one metric that an event contributes to.
type Sample struct {
	Metric     int // in the list given to New
	Instrument semconv.Instrument
	State      semconv.State
	Count      semconv.Count
	SpansOnly  bool
	When       []Condition
	Value      semconv.Value
	From       Ref
	FromNames  []string
	Attributes []Attribute
	OutcomeAt  int // the attribute that states an outcome; -1 = none
}

// Class is a kind of event.
type Class struct {
	Event   string // canonical name, or the prefix of a pattern
	Layer   string
	Samples []Sample
}

// Plan is the compiled table.
type Plan struct {
	Metrics []semconv.Metric
	Classes []Class
	Slots   map[string]uint16
	Caps    []int // the sizes of the sets that bound attribute values

	Layer, Outcome, AgentID, AgentType, ProgramID, CoordinationID, RequestID Ref
	Operation, Iteration, Converged, Score, Strategy, TimeUnit               Ref
	BreakerName, BreakerTo, MetricName, MetricValue                          Ref
	Duration                                                                 Ref
	DurationNames                                                            []string
	Register, Terminate, Iterations, AppGauge                                int // classes

	// AgentIDNames are the names of an agent's id, none when agents are not counted.
	AgentIDNames []string
	// Inherited are the attributes that a span event has of its span.
	Inherited []Inherited

	byName   map[string]int
	patterns []pattern
}

// Inherited is an attribute, as its names in their order, and the slot of the first.
type Inherited struct {
	Names []string
	Slot  uint16
}

type pattern struct {
	prefix string
	except []string
	class  int
}

// New compiles the metrics that are not disabled.
func New(disabled []string) *Plan {
	p := &Plan{Slots: map[string]uint16{}, byName: map[string]int{}}
	for _, e := range semconv.Events {
		p.byName[e.Name] = p.class(e.Name, string(e.Layer))
		for _, a := range e.Aliases {
			p.byName[a] = p.byName[e.Name]
		}
	}
	for _, m := range semconv.Metrics {
		if m.By == "foundation_metrics" && !slices.Contains(disabled, m.Name) {
			p.Metrics = append(p.Metrics, m)
		}
	}
	p.makePatterns()
	caps := map[string]int{}
	for i, m := range p.Metrics {
		for _, s := range m.Sources {
			sample := p.sample(i, m, s, caps)
			for c := range p.Classes {
				if p.matches(s, c) {
					p.Classes[c].Samples = append(p.Classes[c].Samples, sample)
				}
			}
		}
	}
	p.special()
	return p
}

func (p *Plan) class(event, layer string) int {
	p.Classes = append(p.Classes, Class{Event: event, Layer: layer})
	return len(p.Classes) - 1
}

// makePatterns gives every name pattern a class of its own, for the names below its
// prefix that are no event of the model.
func (p *Plan) makePatterns() {
	for _, m := range p.Metrics {
		for _, s := range m.Sources {
			for _, e := range s.Events {
				prefix, ok := strings.CutSuffix(e, "*")
				if !ok || slices.ContainsFunc(p.patterns, func(x pattern) bool { return x.prefix == prefix }) {
					continue
				}
				c := p.class(e, string(semconv.LayerOf(prefix)))
				p.patterns = append(p.patterns, pattern{prefix, s.Except, c})
			}
		}
	}
}

func (p *Plan) matches(s semconv.Source, class int) bool {
	name := p.Classes[class].Event
	for _, e := range s.Events {
		prefix, isPattern := strings.CutSuffix(e, "*")
		if e == name || isPattern && strings.HasPrefix(name, prefix) && !slices.Contains(s.Except, name) {
			return true
		}
	}
	return false
}

func (p *Plan) sample(i int, m semconv.Metric, s semconv.Source, caps map[string]int) Sample {
	out := Sample{
		Metric: i, Instrument: m.Instrument, State: m.State, Count: s.Count, SpansOnly: s.SpansOnly,
		Value: s.Value, From: p.ref(s.From...), FromNames: s.From, OutcomeAt: -1,
	}
	for _, c := range s.When {
		out.When = append(out.When, Condition{Attribute: c.Attribute, Ref: p.of(c.Attribute), Is: c.Is})
	}
	for j, a := range m.Attributes {
		x := Attribute{MetricAttribute: a, Ref: p.ref(a.From...), Cap: -1}
		if a.Cap > 0 {
			// Metrics that bound the same attribute share the set: an agent that has a
			// name in one has it in the other.
			set, ok := caps[a.From[0]]
			if !ok {
				set = len(p.Caps)
				caps[a.From[0]] = set
				p.Caps = append(p.Caps, a.Cap)
			}
			x.Cap = set
		}
		if a.From[0] == semconv.AttributeOutcome {
			out.OutcomeAt = j
		}
		out.Attributes = append(out.Attributes, x)
	}
	return out
}

// ref numbers attribute names.
func (p *Plan) ref(names ...string) Ref {
	if len(names) == 0 {
		return nil
	}
	r := make(Ref, len(names))
	for i, n := range names {
		slot, ok := p.Slots[n]
		if !ok {
			slot = uint16(len(p.Slots))
			p.Slots[n] = slot
		}
		r[i] = slot
	}
	return r
}

// of is the reference to an attribute of the model and its aliases.
func (p *Plan) of(name string) Ref { return p.ref(namesOf(name)...) }

func namesOf(attribute string) []string {
	for _, a := range semconv.Attributes {
		if a.Name == attribute {
			return append([]string{a.Name}, a.Aliases...)
		}
	}
	panic("semconv has no attribute " + attribute) // a name in this package's code
}

// inherited are who and where, but not how it went, which only an event itself knows.
func (p *Plan) inherited() (out []Inherited) {
	for _, name := range []string{
		semconv.AttributeLayer, semconv.AttributeAgentID, semconv.AttributeAgentType, semconv.AttributeRequestID,
		semconv.AttributeCoordinationID, semconv.AttributeCoordinationType, semconv.AttributeProgramID,
		semconv.AttributeProgramType, semconv.AttributeOptimizationStrategy,
	} {
		out = append(out, Inherited{Names: namesOf(name), Slot: p.of(name)[0]})
	}
	return out
}

func (p *Plan) special() {
	p.Layer = p.of(semconv.AttributeLayer)
	p.Outcome = p.of(semconv.AttributeOutcome)
	p.AgentID = p.of(semconv.AttributeAgentID)
	p.AgentType = p.of(semconv.AttributeAgentType)
	p.ProgramID = p.of(semconv.AttributeProgramID)
	p.CoordinationID = p.of(semconv.AttributeCoordinationID)
	p.RequestID = p.of(semconv.AttributeRequestID)
	p.Operation = p.of(semconv.AttributeOperation)
	p.Iteration = p.of(semconv.AttributeOptimizationIteration)
	p.Converged = p.of(semconv.AttributeConverged)
	p.Score = p.of(semconv.AttributePerformanceScore)
	p.Strategy = p.of(semconv.AttributeOptimizationStrategy)
	p.TimeUnit = p.of(semconv.AttributeTimeUnit)
	p.BreakerName = p.of(semconv.AttributeCircuitBreakerName)
	p.BreakerTo = p.of(semconv.AttributeCircuitBreakerTo)
	p.MetricName = p.of(semconv.AttributeMetric)
	p.MetricValue = p.of(semconv.AttributeValue)
	p.Duration = p.of(semconv.AttributeDuration)
	p.DurationNames = namesOf(semconv.AttributeDuration)
	p.Inherited = p.inherited()
	if slices.ContainsFunc(p.Metrics, func(m semconv.Metric) bool { return m.State == semconv.StateAgents }) {
		p.AgentIDNames = namesOf(semconv.AttributeAgentID)
	}
	p.Register = p.byName[semconv.EventAgentRegistration]
	p.Terminate = p.byName[semconv.EventAgentTermination]
	p.Iterations = p.byName[semconv.EventOptimizationIteration]
	p.AppGauge = p.byName[semconv.EventMetric]
}

// Class returns the class of a canonical name, -1 when no metric counts it.
func (p *Plan) Class(name string) int {
	if c, ok := p.byName[name]; ok {
		return c
	}
	for i := range p.patterns {
		if x := &p.patterns[i]; len(name) > len(x.prefix) && strings.HasPrefix(name, x.prefix) && !slices.Contains(x.except, name) {
			return x.class
		}
	}
	return -1
}

// Named is what a name and a phase attribute mean.
type Named struct {
	Class     int
	Phase     string
	Operation string // of request.<operation>
}

// Name resolves an item: its canonical event name when an enricher has set it, else
// its own, and the phase attribute. A phase may be the name's last part, as in
// auction and bid_received.
func (p *Plan) Name(canonical, own, phase string) Named {
	n := reading.Name{Base: canonical}
	if canonical == "" {
		n = reading.ReadName(own)
	} else if phase == "" {
		_, n.Phase = reading.SplitPhase(reading.Atoms(own))
	}
	if phase != "" {
		if ph := reading.Phase(phase); ph != "" {
			n.Phase = ph
		} else if c, ok := p.byName[n.Base+"."+phase]; ok {
			return Named{Class: c}
		}
	}
	return Named{Class: p.Class(n.Base), Phase: n.Phase, Operation: n.Operation}
}
