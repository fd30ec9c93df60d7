package semconv

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEveryEventOfTheDocumentHasOneNumber(t *testing.T) {
	numbers := map[int]string{}
	for _, e := range Events {
		for _, o := range e.Occurrences {
			if other, ok := numbers[o.Number]; ok {
				t.Errorf("number %d belongs to %s and %s", o.Number, other, e.Name)
			}
			numbers[o.Number] = e.Name
			if phased := o.Phase != ""; phased && o.Phase != PhaseStart && o.Phase != PhaseComplete {
				t.Errorf("%s: phase %q", e.Name, o.Phase)
			}
		}
	}
	for n := 1; n <= 28; n++ {
		if numbers[n] == "" {
			t.Errorf("event %d is missing", n)
		}
	}
	if len(numbers) != 28 {
		t.Errorf("%d numbers, want 28", len(numbers))
	}
}

func TestNamesAndAliasesMeanOneThing(t *testing.T) {
	canonical := map[string]bool{}
	for _, a := range Attributes {
		if canonical[a.Name] {
			t.Errorf("attribute %s twice", a.Name)
		}
		canonical[a.Name] = true
	}
	// gen_ai.agent.id is both what we mirror to and what others send.
	foreign := []string{AttributeGenAIAgentID}
	aliases := map[string]string{}
	for _, a := range Attributes {
		own := map[string]bool{}
		for _, alias := range a.Aliases {
			if own[alias] {
				t.Errorf("%s: alias %s twice", a.Name, alias)
			}
			own[alias] = true
			if len(a.Events) > 0 {
				continue // a word that only counts on its own events
			}
			if other, ok := aliases[alias]; ok {
				t.Errorf("alias %s means %s and %s", alias, other, a.Name)
			}
			aliases[alias] = a.Name
			if canonical[alias] && !slices.Contains(foreign, alias) {
				t.Errorf("%s: alias %s is an attribute itself", a.Name, alias)
			}
		}
	}
	events := map[string]bool{}
	for _, e := range Events {
		for _, n := range append([]string{e.Name}, e.Aliases...) {
			if events[n] {
				t.Errorf("event name %s twice", n)
			}
			events[n] = true
		}
	}
}

func TestEventsBelongToTheLayerOfTheirName(t *testing.T) {
	for _, e := range Events {
		if got := LayerOf(e.Name); got != e.Layer {
			t.Errorf("%s: layer %s, its name says %s", e.Name, e.Layer, got)
		}
	}
}

func TestLayerOf(t *testing.T) {
	for name, want := range map[string]Layer{
		"foundation_os.request":           LayerFoundationOS,
		"request.optimize":                LayerFoundationOS,
		"foundation_jido.signal.dispatch": LayerFoundationJido,
		"jido.agent.run":                  LayerFoundationJido,
		"ds_ex.program":                   LayerDspex,
		"foundation.agent_discovery":      LayerFoundation,
		"foundation":                      LayerUnknown, // no dot: not below the prefix
		"":                                LayerUnknown,
		"GET /":                           LayerUnknown,
	} {
		if got := LayerOf(name); got != want {
			t.Errorf("LayerOf(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestAllRowsOfTheMetricTable(t *testing.T) {
	rows := map[int][]string{}
	names := map[string]bool{}
	for _, m := range Metrics {
		if names[m.Name] {
			t.Errorf("metric %s twice", m.Name)
		}
		names[m.Name] = true
		if m.Row > 0 {
			rows[m.Row] = append(rows[m.Row], m.Name)
		}
	}
	for row := 1; row <= 28; row++ {
		if len(rows[row]) == 0 {
			t.Errorf("row %d is missing", row)
		}
	}
	for _, n := range []string{
		"foundation.process_registry.lookup_latency", "foundation.infrastructure.circuit_breaker.latency",
		"foundation_jido.coordination.duration", "dspex.coordination.multi_agent_duration",
		"foundation_jido.auction.started.participant_count", "foundation_jido.auction.bid.value",
		"foundation_jido.auction.completed.winner_count", "foundation_jido.auction.completed.total_duration",
		"foundation_jido.agent.registrations.capabilities",
		"dspex.coordination.agent_contributions.contribution_quality",
		"dspex.coordination.multi_agent_complete.final_score", "dspex.coordination.multi_agent_complete.coordination_duration",
		"foundation_jido.active_agents", "foundation.circuit_breaker.state",
		"dspex.optimization.runs.finished", "dspex.optimization.runs.converged",
		"degradation.state", "alert.active",
	} {
		if !names[n] {
			t.Errorf("metric %s is missing", n)
		}
	}
}

// The names, labels, missing values and buckets of the document's Prometheus exporter.
func TestThePrometheusContract(t *testing.T) {
	want := map[string]struct {
		metric string
		labels string
		bounds []float64
	}{
		"foundation_process_registrations_total":     {"foundation.process.registrations", "namespace=default process_type=unknown", nil},
		"foundation_process_lookup_duration_seconds": {"foundation.process.lookup.duration", "namespace=default", []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1}},
		"foundation_jido_active_agents":              {"foundation_jido.active_agents", "agent_type=unknown", nil},
		"foundation_jido_coordinations_total":        {"foundation_jido.coordinations", "coordination_type=auction success=false", nil},
		"dspex_optimization_duration_seconds":        {"dspex.optimization.duration", "strategy=unknown program_type=unknown", []float64{1, 5, 10, 30, 60, 300, 600}},
		"dspex_optimization_performance_score":       {"dspex.optimization.performance_score", "program_id=unknown strategy=unknown", nil},
	}
	got := 0
	for _, m := range Metrics {
		if m.Prometheus == "" {
			continue
		}
		got++
		w, ok := want[m.Prometheus]
		if !ok {
			t.Errorf("unexpected Prometheus name %s", m.Prometheus)
			continue
		}
		var labels []string
		for _, a := range m.Attributes {
			labels = append(labels, a.Key+"="+a.Default)
		}
		if m.Name != w.metric || strings.Join(labels, " ") != w.labels || !slices.Equal(m.Bounds, w.bounds) {
			t.Errorf("%s: %s {%s} %v, want %+v", m.Prometheus, m.Name, strings.Join(labels, " "), m.Bounds, w)
		}
	}
	if got != len(want) {
		t.Errorf("%d metrics with a Prometheus name, want %d", got, len(want))
	}
}

// What an operation is, is said by the events and by the metric that counts them: a
// new one that is forgotten in one place would be missing in the error rate.
func TestOperationsAreCounted(t *testing.T) {
	var operations []string
	for _, e := range Events {
		if e.Operation {
			operations = append(operations, e.Name)
		}
	}
	for _, m := range Metrics {
		if m.Name == MetricOperations && !slices.Equal(m.Sources[0].Events, operations) {
			t.Errorf("%s counts %v, the operations are %v", m.Name, m.Sources[0].Events, operations)
		}
	}
}

func TestMetricsReadWhatExists(t *testing.T) {
	attributes, events := map[string]bool{}, map[string]bool{}
	for _, a := range Attributes {
		attributes[a.Name] = true
	}
	for _, e := range Events {
		events[e.Name] = true
	}
	for _, m := range Metrics {
		if m.Instrument == InstrumentGauge && m.Unit != "" {
			t.Errorf("%s: a gauge with unit %q would be renamed in Prometheus", m.Name, m.Unit)
		}
		for _, k := range m.Attributes {
			if !attributes[k.From[0]] {
				t.Errorf("%s.%s reads %s, which is no attribute", m.Name, k.Key, k.From[0])
			}
			if k.Default == "" {
				t.Errorf("%s.%s has no default", m.Name, k.Key)
			}
		}
		for _, s := range m.Sources {
			if len(s.From) > 0 && !attributes[s.From[0]] {
				t.Errorf("%s reads %s, which is no attribute", m.Name, s.From[0])
			}
			if (s.Value == ValueAttribute || s.Value == ValueLength) != (len(s.From) > 0) {
				t.Errorf("%s: value %s from %v", m.Name, s.Value, s.From)
			}
			for _, e := range s.Events {
				if !strings.HasSuffix(e, "*") && !events[e] {
					t.Errorf("%s counts %s, which is no event", m.Name, e)
				}
			}
		}
	}
}

// What the source document keeps a baseline of, and what it gives a sampling rate.
func TestWatchedMetricsAndSamplingRates(t *testing.T) {
	var watched []string
	for _, m := range Metrics {
		if m.Watched {
			watched = append(watched, m.Name)
		}
	}
	slices.Sort(watched)
	want := []string{
		"dspex.coordination.multi_agent_duration", "dspex.optimization.iteration_duration", "dspex.program.execution_duration",
		"foundation.infrastructure.circuit_breaker.latency", "foundation.process_registry.lookup_latency",
		"foundation_jido.agent.startup_duration", "foundation_jido.coordination.duration", "foundation_jido.signal.dispatch_duration",
	}
	if !slices.Equal(watched, want) {
		t.Errorf("watched: %v", watched)
	}
	rates := map[string]float64{}
	for _, e := range Events {
		if e.SamplingRate != 0 {
			rates[e.Name] = e.SamplingRate
		}
	}
	wantRates := map[string]float64{
		EventProcessRegistryLookup: 0.1, EventSignalDispatch: 0.2, EventAgentRegistration: 0.5, EventProgramExecution: 0.8,
		EventCoordinationAuction: 1, EventOptimizationIteration: 1, EventErrorOccurred: 1,
	}
	if len(rates) != len(wantRates) {
		t.Errorf("rates: %v", rates)
	}
	for e, r := range wantRates {
		if rates[e] != r {
			t.Errorf("%s: rate %v, want %v", e, rates[e], r)
		}
	}
}

func TestDurationBoundsGrowByHalf(t *testing.T) {
	bounds := Bounds(BucketsDuration)
	if bounds[0] != 0.001 || bounds[len(bounds)-1] != 600 {
		t.Errorf("from %v to %v, want 0.001 to 600", bounds[0], bounds[len(bounds)-1])
	}
	for i := 1; i < len(bounds); i++ {
		// The last step is shorter, to end at 600.
		if f := bounds[i] / bounds[i-1]; math.Abs(f-1.5) > 0.02 && i < len(bounds)-1 {
			t.Errorf("bound %v is %.3f times the one before, want 1.5", bounds[i], f)
		}
	}
	for _, set := range []BucketSet{BucketsCount, BucketsScore, BucketsValue, BucketsDuration} {
		if b := Bounds(set); len(b) == 0 || !slices.IsSorted(b) {
			t.Errorf("bounds of %s: %v", set, b)
		}
	}
	if Bounds(BucketsNone) != nil || Bounds(BucketsFixed) != nil {
		t.Error("none and fixed have no set of bounds")
	}
}
