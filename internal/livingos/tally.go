package livingos

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Tally counts what was delivered, and what a receiver that loses nothing must
// therefore show. It is written by hand from the design's tables and shares
// nothing with the components that make the metrics, so that the two can be
// compared. It is not safe for concurrent use.
type Tally struct {
	settings         Settings
	requests, failed int64
	spans            map[string]*NameCount
	logs             map[string]int64
	spanEvents       map[string]int64
	points           map[string]int64
	prometheus       family
	metrics          family
	agents           map[string]string // id → type
}

// NewTally makes an empty tally of a run with these settings.
func NewTally(s Settings) *Tally {
	return &Tally{
		settings: s,
		spans:    map[string]*NameCount{}, logs: map[string]int64{}, spanEvents: map[string]int64{}, points: map[string]int64{},
		prometheus: family{}, metrics: family{}, agents: map[string]string{},
	}
}

// labels are pairs of name and value.
type labels []string

func (l labels) toMap() map[string]string {
	m := make(map[string]string, len(l)/2)
	for i := 0; i < len(l); i += 2 {
		m[l[i]] = l[i+1]
	}
	return m
}

// family is metric → labels → sample.
type family map[string]map[string]*Sample

func (f family) sample(metric string, l labels) *Sample {
	series := f[metric]
	if series == nil {
		series = map[string]*Sample{}
		f[metric] = series
	}
	key := strings.Join(l, "\x00")
	s := series[key]
	if s == nil {
		s = &Sample{Labels: l.toMap()}
		series[key] = s
	}
	return s
}

func (f family) count(metric string, l ...string) { f.sample(metric, l).add(1) }

func (f family) set(metric string, v float64, l ...string) {
	s := f.sample(metric, l)
	s.Value = &v
}

func (f family) observe(metric string, seconds float64, bounds []float64, l ...string) {
	s := f.sample(metric, l)
	if s.Count == nil {
		s.Count, s.Sum = new(int64), new(float64)
		for _, b := range bounds {
			s.Buckets = append(s.Buckets, Bucket{LE: strconv.FormatFloat(b, 'g', -1, 64)})
		}
		if len(bounds) > 0 {
			s.Buckets = append(s.Buckets, Bucket{LE: "+Inf"})
		}
	}
	*s.Count++
	*s.Sum += seconds
	for i := range s.Buckets {
		if i == len(bounds) || seconds <= bounds[i] {
			s.Buckets[i].Count++
		}
	}
}

func (s *Sample) add(n float64) {
	if s.Value == nil {
		s.Value = new(float64)
	}
	*s.Value += n
}

func (f family) rows() map[string][]Sample {
	out := make(map[string][]Sample, len(f))
	for metric, series := range f {
		keys := make([]string, 0, len(series))
		for k := range series {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			out[metric] = append(out[metric], *series[k])
		}
	}
	return out
}

var (
	lookupBounds       = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1}
	optimizationBounds = []float64{1, 5, 10, 30, 60, 300, 600}
)

// Points counts delivered data points of one of the application's own metrics.
func (t *Tally) Points(metric string, n int) { t.points[metric] += int64(n) }

// Spans counts the spans of a delivered request and, when events travel with
// their spans, these.
func (t *Tally) Spans(r Request) {
	t.requests++
	if r.Root.Failure != "" {
		t.failed++
	}
	strategy := "unknown"
	converged := false
	r.Walk(func(s *Span) {
		if s.Name == SpanIteration {
			strategy = text(s, "strategy", "unknown")
			converged = converged || s.Value("converged") == true
		}
	})
	if !t.settings.RunsOverlap() {
		t.metrics.count("dspex.optimization.runs.finished", "strategy", strategy)
		if converged {
			t.metrics.count("dspex.optimization.runs.converged", "strategy", strategy)
		}
	}
	program := text(r.Root, "program_id", "unknown")
	r.Walk(func(s *Span) {
		t.span(s, program)
		if t.settings.SpanEvents {
			for _, e := range s.Events {
				if e.OnSpan() {
					t.spanEvents[e.Name]++
					t.event(e)
				}
			}
		}
	})
}

// Log counts a delivered log record.
func (t *Tally) Log(e *Event) {
	t.logs[e.Name]++
	t.event(e)
}

func (t *Tally) span(s *Span, program string) {
	n := t.spans[s.Name]
	if n == nil {
		n = &NameCount{}
		t.spans[s.Name] = n
	}
	n.Count++
	outcome, success := "success", "true"
	if s.Failure != "" {
		n.Errors++
		outcome, success = "failure", "false"
	}
	d := s.Length().Seconds()
	operation := func(layer string) {
		t.metrics.count("foundation_os.operations", "foundation_os.layer", layer, "outcome", outcome)
	}

	switch s.Name {
	case SpanRequest:
		operation("foundation_os")
		t.metrics.observe("foundation_os.request.duration", d, nil, "operation", "multi_agent_optimization", "outcome", outcome)
	case SpanRegister:
		operation("foundation")
		namespace, processType := text(s, "namespace", "default"), text(s, "process_type", "unknown")
		t.prometheus.count("foundation_process_registrations_total", "namespace", namespace, "process_type", processType)
		t.metrics.count("foundation.process_registry.registrations", "namespace", namespace, "process_type", processType)
		t.metrics.observe("foundation.process_registry.registration_duration", d, nil, "namespace", namespace)
	case SpanLookup:
		operation("foundation")
		t.prometheus.observe("foundation_process_lookup_duration_seconds", d, lookupBounds, "namespace", text(s, "namespace", "default"))
		t.metrics.observe("foundation.process_registry.lookup_latency", d, nil)
	case SpanBreakerCall:
		t.metrics.observe("foundation.infrastructure.circuit_breaker.latency", d, nil)
	case SpanRegistration:
		operation("foundation_jido")
		kind := text(s, "agent_type", "unknown")
		t.metrics.count("foundation_jido.agent.registrations", "agent_type", kind, "outcome", outcome)
		t.metrics.observe("foundation_jido.agent.startup_duration", s.Value("startup_duration").(float64)/1e3, nil, "agent_type", kind)
		if s.Failure == "" {
			t.agents[text(s, "agent_id", "")] = kind
		}
	case SpanAuction:
		operation("foundation_jido")
		t.prometheus.count("foundation_jido_coordinations_total", "coordination_type", text(s, "coordination_type", "auction"), "success", success)
		t.metrics.count("foundation_jido.auction.started", "resource_type", text(s, "resource_type", "unknown"))
		t.metrics.count("foundation_jido.auction.completed", "outcome", outcome)
		t.metrics.observe("foundation_jido.coordination.duration", d, nil)
	case SpanDispatch:
		operation("foundation_jido")
		adapter := text(s, "adapter", "unknown")
		t.metrics.count("foundation_jido.signal.dispatches", "adapter", adapter, "outcome", outcome, "target_type", text(s, "target_type", "unknown"))
		t.metrics.observe("foundation_jido.signal.dispatch_duration", d, nil, "adapter", adapter)
		if s.Failure != "" {
			t.metrics.count("foundation_jido.signal.dispatch_failures", "adapter", adapter, "error.type", text(s, "error_category", "unknown"))
		}
	case SpanExecution:
		operation("dspex")
		kind := text(s, "program_type", "unknown")
		t.metrics.count("dspex.program.executions", "program_type", kind, "signature_complexity", text(s, "signature_complexity", "unknown"))
		t.metrics.observe("dspex.program.execution_duration", d, nil, "outcome", outcome, "program_type", kind)
		if q, ok := s.Value("output_quality").(float64); ok {
			t.metrics.observe("dspex.program.output_quality", q, nil, "program_type", kind)
		}
	case SpanIteration:
		operation("dspex")
		strategy := text(s, "strategy", "unknown")
		t.prometheus.observe("dspex_optimization_duration_seconds", d, optimizationBounds, "program_type", text(s, "program_type", "unknown"), "strategy", strategy)
		t.prometheus.set("dspex_optimization_performance_score", s.Value("performance_score").(float64), "program_id", program, "strategy", strategy)
		t.metrics.count("dspex.optimization.iterations", "strategy", strategy)
		t.metrics.observe("dspex.optimization.iteration_duration", d, nil, "strategy", strategy)
	case SpanMultiAgent:
		operation("dspex")
		coordination := text(s, "coordination_type", "unknown")
		t.prometheus.count("foundation_jido_coordinations_total", "coordination_type", coordination, "success", success)
		t.metrics.count("dspex.coordination.multi_agent_start", "agent_count", text(s, "agent_count", "unknown"), "coordination_type", coordination)
		t.metrics.count("dspex.coordination.multi_agent_complete", "outcome", outcome)
		t.metrics.observe("dspex.coordination.multi_agent_duration", d, nil)
	}
}

func (t *Tally) event(e *Event) {
	switch e.Name {
	case EventBid:
		t.metrics.count("foundation_jido.auction.bids")
		t.metrics.observe("foundation_jido.auction.bid.value", e.Value("bid_value").(float64), nil)
	case EventAgentResult:
		t.metrics.count("dspex.coordination.agent_contributions")
		t.metrics.count("dspex.agent.contributions", "agent_id", fmt.Sprint(e.Value("agent_id")))
	case EventThrottled:
		t.metrics.count("foundation.rate_limiter.throttled", "name", fmt.Sprint(e.Value("name")))
	case EventError:
		t.metrics.count("foundation_os.errors", "error.type", fmt.Sprint(e.Value("error_category")), "foundation_os.layer", e.layer)
	case EventBreaker:
		name := fmt.Sprint(e.Value("circuit_breaker"))
		switch to := e.Value("state_change").([]string)[1]; to {
		case "open":
			t.metrics.count("foundation.circuit_breaker.opened", "name", name, "reason", fmt.Sprint(e.Value("reason")))
		case "closed":
			t.metrics.count("foundation.circuit_breaker.closed", "name", name)
		}
	}
}

// text is a raw attribute, or what the metrics' tables say for a missing one.
func text(s *Span, key, missing string) string {
	v := s.Value(key)
	if v == nil {
		return missing
	}
	return fmt.Sprint(v)
}
