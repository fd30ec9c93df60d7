package livingos

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// item is a span or an event as a receiver sees it.
type item struct {
	name   string // canonical, phase included
	isSpan bool
	failed bool
	value  func(string) any
}

// canonicalSpan translates the span names for which the application has its own.
func canonicalSpan(name string) string {
	switch name {
	case SpanRequest:
		return semconv.EventRequest
	case SpanMultiAgent:
		return semconv.EventCoordinationMultiAgent
	}
	return name
}

func items(s Settings, requests int) []item {
	w := NewWorld(s)
	var out []item
	event := func(e *Event) { out = append(out, item{name: e.Name, value: e.Value}) }
	for i := range requests {
		w.Request(i, s.Due(i)).Walk(func(s *Span) {
			out = append(out, item{name: canonicalSpan(s.Name), isSpan: true, failed: s.Failure != "", value: s.Value})
			for _, e := range s.Events {
				event(e)
			}
		})
	}
	for _, e := range w.Incidents(0, s.End()+1) {
		event(e)
	}
	return out
}

func TestRequestIsDeterministic(t *testing.T) {
	s := valid()
	s.Senders, s.ErrorRate = 3, 0.2
	for i := range 20 {
		a, b := NewWorld(s).Request(i, s.Due(i)), NewWorld(s).Request(i, s.Due(i))
		assert.Equal(t, a, b)
		assert.Equal(t, i%3, a.Sender)
	}
	other := s
	other.Seed++
	a, b := NewWorld(s).Request(0, 0), NewWorld(other).Request(0, 0)
	assert.NotEqual(t, a.Root, b.Root)
	assert.NotEqual(t, a.IDs.Uint64(), b.IDs.Uint64())
	assert.NotEqual(t, NewWorld(s).Request(0, 0).IDs.Uint64(), NewWorld(s).Request(1, 0).IDs.Uint64())
}

// The tree is the document's: three layers below the request, and times that
// nest.
func TestRequestShape(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.3
	for i := range 50 {
		r := NewWorld(s).Request(i, 0)
		require.Len(t, r.Root.Children, 3)
		assert.Equal(t, SpanRequest, r.Root.Name)
		assert.Equal(t, []string{SpanDiscovery, SpanCoordinationSetup, SpanMultiAgent},
			[]string{r.Root.Children[0].Name, r.Root.Children[1].Name, r.Root.Children[2].Name})
		assert.Zero(t, r.Root.Start)
		bearers := 0
		r.Walk(func(s *Span) {
			assert.Less(t, s.Start, s.End, s.Name)
			assert.Zero(t, s.Length()%time.Microsecond)
			assert.NotZero(t, s.Length()%time.Millisecond, "a length on a histogram's bound")
			for _, c := range s.Children {
				assert.GreaterOrEqual(t, c.Start, s.Start)
				assert.LessOrEqual(t, c.End, s.End, "%s in %s", c.Name, s.Name)
			}
			for _, e := range s.Events {
				assert.GreaterOrEqual(t, e.At, s.Start)
				assert.LessOrEqual(t, e.At, s.End)
			}
			if s.Value("request_id") != nil {
				bearers++
			}
		})
		assert.Equal(t, 1, bearers, "the request's id is known in one place only")
	}
}

// Agents work side by side, each in a subtree of its own that alone names it.
func TestAgentsHaveTheirOwnSubtree(t *testing.T) {
	r := NewWorld(valid()).Request(0, 0)
	agents := map[any]bool{}
	r.Walk(func(s *Span) {
		switch s.Name {
		case SpanAgentRun:
			agents[s.Value("agent_id")] = true
			require.Len(t, s.Children, 1)
			assert.Nil(t, s.Children[0].Value("agent_id"), "inherited")
		case SpanRegister, SpanIteration, SpanExecution, SpanMultiAgent:
			assert.Nil(t, s.Value("agent_id"))
		case SpanLookup:
			assert.Equal(t, "nil", s.Value("agent_id"))
		}
	})
	assert.Len(t, agents, r.Root.ChildrenCount())
}

func (s *Span) ChildrenCount() int { return int(s.Value("agent_count").(int64)) }

// Every one of the document's 28 events is there; the three of the collector
// itself only when asked for.
func TestAllEvents(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.01
	with := s
	with.DocumentAlerts = true
	plain, all := seen(items(s, 100)), seen(items(with, 100))

	numbers := map[int]bool{}
	for _, e := range semconv.Events {
		for _, o := range e.Occurrences {
			name := e.Name
			if e.Kind == semconv.KindLog && o.Phase != "" {
				name += "." + o.Phase
			}
			if e.Name == semconv.EventSpan { // the document's own tracer calls the second phase end
				name = map[string]string{"start": EventSpanStart, "complete": EventSpanEnd, "end": EventSpanEnd}[o.Phase]
			}
			assert.True(t, all[name], "event %d, %s", o.Number, name)
			ours := slices.Contains([]int{23, 27, 28}, o.Number)
			assert.Equal(t, !ours, plain[name], "event %d, %s", o.Number, name)
			numbers[o.Number] = true
		}
	}
	assert.Len(t, numbers, 28)
}

func seen(all []item) map[string]bool {
	names := map[string]bool{}
	for _, i := range all {
		names[i.name] = true
	}
	return names
}

// Every metric that the collector makes gets data: its source's items, with the
// attributes that the value and the labels come from.
func TestEveryMetricHasItsSource(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.05
	all := items(s, 100)
	rows := map[int]bool{}
	for _, m := range semconv.Metrics {
		if m.By != "foundation_metrics" {
			continue
		}
		rows[m.Row] = true
		t.Run(m.Name, func(t *testing.T) {
			missing := "no item of " + fmt.Sprint(m.Sources)
			for _, source := range m.Sources {
				for _, i := range all {
					if !matches(source, i) {
						continue
					}
					if missing = lacks(m, source, i); missing == "" {
						return
					}
				}
			}
			t.Error(missing)
		})
	}
	for row := 1; row <= 28; row++ {
		assert.True(t, rows[row], "row %d of the table is not in the model", row)
	}
}

func matches(source semconv.Source, i item) bool {
	named := func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return i.name == pattern || wild && strings.HasPrefix(i.name, prefix)
	}
	if !slices.ContainsFunc(source.Events, named) || slices.ContainsFunc(source.Except, named) || source.SpansOnly && !i.isSpan {
		return false
	}
	for _, c := range source.When {
		var is string
		switch c.Attribute {
		case semconv.AttributeCircuitBreakerTo:
			is = i.value("state_change").([]string)[1]
		case semconv.AttributeOutcome:
			is = "success"
			if i.failed {
				is = "failure"
			}
		default:
			panic("condition on " + c.Attribute)
		}
		if !slices.Contains(c.Is, is) {
			return false
		}
	}
	return true
}

// lacks says what the item does not carry, "" if nothing.
func lacks(m semconv.Metric, source semconv.Source, i item) string {
	has := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			base, _, _ := strings.Cut(n, "[")
			return i.value(base) != nil
		})
	}
	switch source.Value {
	case semconv.ValueDuration:
		if !i.isSpan {
			return "no duration"
		}
	case semconv.ValueAttribute, semconv.ValueLength:
		if !has(source.From) {
			return fmt.Sprintf("no %v", source.From)
		}
	}
	for _, a := range m.Attributes {
		// The program's id is trace-wide and on the request's root.
		if a.Key == "program_id" || has(a.From) {
			continue
		}
		// Runs and breaker states are known from several items together.
		if m.State != semconv.StateNone {
			continue
		}
		return fmt.Sprintf("no label %s (%v)", a.Key, a.From)
	}
	return ""
}

// Applications are not consistent: all of these must be there for the collector
// to clean up.
func TestRawness(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.2
	found := map[string]bool{}
	for i := range 100 {
		NewWorld(s).Request(i, 0).Walk(func(s *Span) {
			for _, a := range s.Attributes {
				found[fmt.Sprintf("%s:%s", a.Key, a.Value.Type())] = true
				if v := a.Value.AsInterface(); v == "nil" || v == "undefined" {
					found[fmt.Sprintf("%s=%v", a.Key, v)] = true
				}
				if v, ok := a.Value.AsInterface().(string); ok && strings.HasPrefix(v, "Elixir.") {
					found["Elixir."] = true
				}
			}
			if s.Value("layer") == nil {
				found["no layer"] = true
			}
			for _, e := range s.Events {
				found[fmt.Sprintf("shape %d", e.Shape)] = true
			}
		})
	}
	for _, f := range []string{
		"agent_id=nil", "coordination_id=undefined", "Elixir.", "no layer", "layer:STRING",
		"success:BOOL", "success:STRING", "result:STRING", "duration:INT64", "duration:FLOAT64", "duration_ms:FLOAT64",
		"time_unit:STRING", "startup_duration:FLOAT64", "converged:BOOL", "error_context:STRING", "retry_attempt:INT64",
		"shape 0", "shape 1", "shape 2", "shape 3", "shape 4",
	} {
		assert.True(t, found[f], f)
	}
}

// A program is not optimised again before its last optimisation is over, unless
// RunsOverlap says so.
func TestRunsOverlap(t *testing.T) {
	assert.False(t, Settings{Senders: 16, Requests: 16 * programsPerSender}.RunsOverlap())
	assert.True(t, Settings{Senders: 16, Requests: 16*programsPerSender + 1}.RunsOverlap())
	assert.True(t, Settings{Senders: 1, Rate: 10}.RunsOverlap())
	assert.False(t, Settings{Senders: 2, Rate: 10}.RunsOverlap())
	assert.True(t, Settings{Senders: 2, Rate: 10, SlowDowns: []SlowDown{{Factor: 2}}}.RunsOverlap())

	// The bound is generous: not even the demo's slow-down lets runs overlap.
	s := Demo()
	ends := map[any]time.Duration{}
	for i := range s.Total() {
		r := NewWorld(s).Request(i, s.Due(i))
		start := s.Due(i) - r.Length() // requests end when they are due
		program := r.Root.Value("program_id")
		if end, ok := ends[program]; ok {
			assert.Greater(t, start, end, "%v in request %d", program, i)
		}
		ends[program] = s.Due(i)
	}
}

func TestLongestRequest(t *testing.T) {
	s := valid()
	for i := range 300 {
		assert.Less(t, NewWorld(s).Request(i, 0).Length(), longestRequest)
	}
	s.ErrorRate = 0.5
	for i := range 300 {
		assert.Less(t, NewWorld(s).Request(i, 0).Length(), longestRequest, "with failures")
	}
}
