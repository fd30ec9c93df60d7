package foundationmetrics

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

const ms = time.Millisecond

// One line for every row of the table: what comes in, which series must come out.
// Each case runs once with a span, and once with the events that say the same.
func TestEveryRowOfTheTable(t *testing.T) {
	for _, c := range []struct {
		row   string
		spans []spanOf
		logs  []event
		want  map[string]string
	}{
		{
			row:   "1, 2 registrations",
			spans: []spanOf{{name: "foundation.process_registry.register", length: 20 * ms, attrs: kv{"namespace": "prod", "process_type": "worker"}}},
			logs:  []event{{name: "foundation.process_registry.register.start"}, {name: "foundation.process_registry.register.complete", attrs: kv{"namespace": "prod", "process_type": "worker", "duration_ms": 20}}},
			want: map[string]string{
				"foundation.process_registry.registrations{namespace=prod,process_type=worker}":     "1",
				"foundation.process_registry.registration_duration{namespace=prod}":                 "1/0.02",
				"foundation.process.registrations{namespace=prod,process_type=worker}":              "1",
				"foundation_os.operations{outcome=success}":                                         "1",
				"foundation_os.operations{outcome=failure}":                                         "0",
				"foundation.process.lookup.duration{namespace=prod}":                                "",
				"foundation.process_registry.registrations{namespace=default,process_type=unknown}": "",
			},
		},
		{
			row:   "lookups",
			spans: []spanOf{{name: "foundation.process_registry.lookup", length: 4 * ms}},
			logs:  []event{{name: "foundation.process_registry.lookup.stop", attrs: kv{"duration": 4_000_000, "time_unit": "native"}}},
			want: map[string]string{
				"foundation.process_registry.lookup_latency{}":          "1/0.004",
				"foundation.process.lookup.duration{namespace=default}": "1/0.004",
			},
		},
		{
			row: "3 opened, breaker state",
			logs: []event{
				{name: "foundation.infrastructure.circuit_breaker.state_change", attrs: kv{"circuit_breaker": "db", "reason": "timeouts", "state_change": []any{"closed", "open"}}},
				{name: "foundation.infrastructure.circuit_breaker.state_change", attrs: kv{"name": "api", "from_state": "closed", "to_state": "open"}},
				{name: "foundation.infrastructure.circuit_breaker", attrs: kv{"name": "tuple", "state_change": "{:closed, :open}"}},
			},
			want: map[string]string{
				"foundation.circuit_breaker.opened{name=db,reason=timeouts}":   "1",
				"foundation.circuit_breaker.opened{name=api,reason=unknown}":   "1",
				"foundation.circuit_breaker.opened{name=tuple,reason=unknown}": "1",
				"foundation.circuit_breaker.closed{name=db}":                   "",
				"foundation.circuit_breaker.state{name=db,state=open}":         "1",
				"foundation.circuit_breaker.state{name=db,state=closed}":       "0",
				"foundation.circuit_breaker.state{name=db,state=half_open}":    "0",
			},
		},
		{
			row: "4 closed, from half-open too",
			logs: []event{
				{name: "foundation.infrastructure.circuit_breaker.state_change", at: 1, attrs: kv{"foundation_os.circuit_breaker.name": "db", "foundation_os.circuit_breaker.from": "open", "foundation_os.circuit_breaker.to": "half_open"}},
				{name: "foundation.infrastructure.circuit_breaker.state_change", at: 2, attrs: kv{"foundation_os.circuit_breaker.name": "db", "foundation_os.circuit_breaker.from": "half_open", "foundation_os.circuit_breaker.to": "closed"}},
			},
			want: map[string]string{
				"foundation.circuit_breaker.closed{name=db}":                "1",
				"foundation.circuit_breaker.opened{name=db,reason=unknown}": "",
				"foundation.circuit_breaker.state{name=db,state=closed}":    "1",
				"foundation.circuit_breaker.state{name=db,state=half_open}": "0",
			},
		},
		{
			row:   "5, 6 agents",
			spans: []spanOf{{name: "foundation_jido.agent.registration", length: 50 * ms, attrs: kv{"agent_id": "a1", "agent_type": "Elixir.Solver", "success": true, "capabilities": []any{"ml", "nlp"}, "startup_duration": 40}}},
			logs:  []event{{name: "foundation_jido.agent.registration.complete", attrs: kv{"agent_id": "a1", "agent_module": "Elixir.Solver", "success": "true", "capabilities": "[:ml, :nlp]", "startup_duration": "40000", "time_unit": "us"}}},
			want: map[string]string{
				"foundation_jido.agent.registrations{outcome=success,agent_type=Solver}":              "1",
				"foundation_jido.agent.registrations{outcome=failure,agent_type=Solver}":              "0",
				"foundation_jido.agent.registrations.capabilities{outcome=success,agent_type=Solver}": "1/2",
				"foundation_jido.agent.startup_duration{agent_type=Solver}":                           "1/0.04",
				"foundation_jido.active_agents{agent_type=Solver}":                                    "1",
			},
		},
		{
			row:   "7, 9 auctions",
			spans: []spanOf{{name: "foundation_jido.coordination.auction", length: 1500 * ms, attrs: kv{"resource_type": "gpu", "participant_count": 5, "success": true, "winner_count": 2}}},
			logs: []event{
				{name: "foundation_jido.coordination.auction.start", attrs: kv{"resource_type": "gpu", "participant_count": "5"}},
				{name: "foundation_jido.coordination.auction", attrs: kv{"phase": "complete", "success?": ":ok", "winner_count": 2, "latency_ms": 1500}},
			},
			want: map[string]string{
				"foundation_jido.auction.started{resource_type=gpu}":                     "1",
				"foundation_jido.auction.started.participant_count{resource_type=gpu}":   "1/5",
				"foundation_jido.auction.completed{outcome=success}":                     "1",
				"foundation_jido.auction.completed.winner_count{outcome=success}":        "1/2",
				"foundation_jido.auction.completed.total_duration{outcome=success}":      "1/1.5",
				"foundation_jido.coordination.duration{}":                                "1/1.5",
				"foundation_jido.coordinations{coordination_type=auction,success=true}":  "1",
				"foundation_jido.coordinations{coordination_type=auction,success=false}": "0",
			},
		},
		{
			row: "8 bids",
			logs: []event{
				{name: "foundation_jido.coordination.auction.bid_received", attrs: kv{"bid_value": 3.5}},
				{name: "foundation_jido.coordination.auction", attrs: kv{"phase": "bid_received", "bid_value": 1.5}},
			},
			want: map[string]string{
				"foundation_jido.auction.bids{}":                     "2",
				"foundation_jido.auction.bid.value{}":                "2/5",
				"foundation_jido.auction.completed{outcome=success}": "",
			},
		},
		{
			row:   "10, 11 dispatches",
			spans: []spanOf{{name: "foundation_jido.signal.dispatch", length: 2 * ms, attrs: kv{"adapter": "pubsub", "target_type": "topic"}}},
			logs:  []event{{name: "foundation_jido.signal.dispatch.complete", attrs: kv{"adapter": ":pubsub", "target_type": "topic", "result": ":ok", "foundation_os.duration": 0.002}}},
			want: map[string]string{
				"foundation_jido.signal.dispatches{adapter=pubsub,outcome=success,target_type=topic}": "1",
				"foundation_jido.signal.dispatches{adapter=pubsub,outcome=failure,target_type=topic}": "0",
				"foundation_jido.signal.dispatch_duration{adapter=pubsub}":                            "1/0.002",
			},
		},
		{
			row:   "12 failed dispatches",
			spans: []spanOf{{name: "foundation_jido.signal.dispatch", length: 2 * ms, status: ptrace.StatusCodeError, attrs: kv{"adapter": "pubsub", "error_category": "timeout"}}},
			logs:  []event{{name: "foundation_jido.signal.dispatch.exception", attrs: kv{"adapter": "pubsub", "error.type": "timeout"}}},
			want: map[string]string{
				"foundation_jido.signal.dispatches{adapter=pubsub,outcome=failure,target_type=unknown}": "1",
				"foundation_jido.signal.dispatches{adapter=pubsub,outcome=success,target_type=unknown}": "0",
				"foundation_jido.signal.dispatch_failures{adapter=pubsub,error.type=timeout}":           "1",
				"foundation_os.operations{outcome=failure}":                                             "1",
				"foundation_os.operations{outcome=success}":                                             "0",
			},
		},
		{
			row:   "13 - 15 executions",
			spans: []spanOf{{name: "dspex.program.execution", length: 300 * ms, attrs: kv{"program_type": "predict", "signature_complexity": "high", "output_quality": 0.9, "program_id": "p"}}},
			logs: []event{
				{name: "dspex.program.execution.start", attrs: kv{"program_type": "predict", "signature_complexity": "high"}},
				{name: "dspex.program.execution.complete", attrs: kv{"program_type": "predict", "output_quality": "0.9", "duration_us": 300_000}},
			},
			want: map[string]string{
				"dspex.program.executions{program_type=predict,signature_complexity=high}": "1",
				"dspex.program.execution_duration{program_type=predict,outcome=success}":   "1/0.3",
				"dspex.program.output_quality{program_type=predict}":                       "1/0.9",
			},
		},
		{
			row:   "16 - 19 iterations",
			spans: []spanOf{{name: "dspex.optimization.iteration", length: 2 * time.Second, attrs: kv{"strategy": "mipro", "iteration": 3, "performance_score": 0.8, "convergence_rate": 0.1, "program_id": "p", "program_type": "rag"}}},
			logs: []event{
				{name: "dspex.optimization.iteration.start", attrs: kv{"strategy": "mipro", "step": 3}},
				{name: "dspex.optimization.iteration.complete", attrs: kv{"strategy": "mipro", "performance_score": 0.8, "convergence_rate": 0.1, "program_id": "p", "program_type": "rag", "duration_s": 2}},
			},
			want: map[string]string{
				"dspex.optimization.iterations{strategy=mipro}":                     "1",
				"dspex.optimization.iterations.iteration{strategy=mipro}":           "1/3",
				"dspex.optimization.iteration_duration{strategy=mipro}":             "1/2",
				"dspex.optimization.duration{strategy=mipro,program_type=rag}":      "1/2",
				"dspex.optimization.performance_score{program_id=p,strategy=mipro}": "0.8",
				"dspex.optimization.convergence_rate{strategy=mipro}":               "0.1",
				"dspex.optimization.runs.finished{strategy=mipro}":                  "",
			},
		},
		{
			row:   "20, 22, 23 multi-agent runs",
			spans: []spanOf{{name: "dspex.multi_agent_optimization", length: 4 * time.Second, attrs: kv{"agent_count": 80, "coordination_type": "multi_agent", "optimization_success": true, "final_performance": 0.7, "efficiency_score": 0.65}}},
			logs: []event{
				{name: "dspex.coordination.multi_agent.start", attrs: kv{"agent_count": 80, "coordination_type": "multi_agent"}},
				{name: "dspex.coordination.multi_agent.complete", attrs: kv{"agent_count": 80, "coordination_type": "multi_agent", "success": true, "final_score": 0.7, "efficiency_score": 0.65, "duration_ms": 4000}},
			},
			want: map[string]string{
				"dspex.coordination.multi_agent_start{coordination_type=multi_agent,agent_count=64}": "1",
				"dspex.coordination.multi_agent_complete{outcome=success}":                           "1",
				"dspex.coordination.multi_agent_complete.final_score{outcome=success}":               "1/0.7",
				"dspex.coordination.multi_agent_complete.coordination_duration{outcome=success}":     "1/4",
				"dspex.coordination.efficiency{agent_count=64,coordination_type=multi_agent}":        "0.65",
				"dspex.coordination.multi_agent_duration{}":                                          "1/4",
				"foundation_jido.coordinations{coordination_type=multi_agent,success=true}":          "1",
				"foundation_jido.coordination.duration{}":                                            "",
			},
		},
		{
			row: "21, 27 contributions",
			logs: []event{
				{name: "dspex.coordination.multi_agent.agent_result", attrs: kv{"agent_id": "a1", "quality_score": 0.5}},
				{name: "dspex.coordination.multi_agent", attrs: kv{"phase": "agent_result", "agent_id": "a2", "quality_score": 0.75}},
			},
			want: map[string]string{
				"dspex.coordination.agent_contributions{}":                      "2",
				"dspex.coordination.agent_contributions.contribution_quality{}": "2/1.25",
				"dspex.agent.contributions{agent_id=a1}":                        "1",
				"dspex.agent.contribution.quality{agent_id=a2}":                 "1/0.75",
				"dspex.coordination.multi_agent_complete{outcome=success}":      "",
			},
		},
		{
			row:  "24 throttled",
			logs: []event{{name: "foundation.infrastructure.rate_limiter.throttled", attrs: kv{"name": "llm"}}},
			want: map[string]string{"foundation.rate_limiter.throttled{name=llm}": "1"},
		},
		{
			row:  "25 errors",
			logs: []event{{name: "foundation_os.error.occurred", attrs: kv{"category": "network"}}},
			want: map[string]string{"foundation_os.errors{error.type=network}": "1"},
		},
		{
			row:   "26 requests",
			spans: []spanOf{{name: "request.optimize", length: 6 * time.Second, attrs: kv{"request_success": "false"}}},
			logs:  []event{{name: "foundation_os.request.complete", attrs: kv{"operation": "optimize", "request_success": false, "duration_ms": 6000}}},
			want:  map[string]string{"foundation_os.request.duration{operation=optimize,outcome=failure}": "1/6"},
		},
		{
			row:   "circuit-breaker calls",
			spans: []spanOf{{name: "foundation.infrastructure.circuit_breaker.call", length: 8 * ms}},
			want:  map[string]string{"foundation.infrastructure.circuit_breaker.latency{}": "1/0.008"},
		},
		{
			row:   "other coordinations",
			spans: []spanOf{{name: "foundation_jido.coordination.consensus", length: 8 * ms}},
			logs:  []event{{name: "foundation_jido.coordination.consensus.complete", attrs: kv{"duration_ms": 8}}},
			want:  map[string]string{"foundation_jido.coordination.duration{}": "1/0.008", "foundation_jido.auction.completed{outcome=success}": ""},
		},
		{
			row:  "26 foundation.metric",
			logs: []event{{name: "foundation.metric", attrs: kv{"metric": "foundation.connections.active", "value": 12, "tags": kv{"pool": "db"}}}},
			want: map[string]string{"foundation.connections.active{pool=db}": "12"},
		},
	} {
		if c.spans != nil {
			t.Run(c.row+" as spans", func(t *testing.T) {
				p := start(t, nil)
				p.spans(c.spans...)
				p.expect(c.want)
			})
		}
		if c.logs != nil {
			t.Run(c.row+" as events", func(t *testing.T) {
				p := start(t, nil)
				p.events(c.logs...)
				p.expect(c.want)
			})
			t.Run(c.row+" as span events", func(t *testing.T) {
				p := start(t, nil)
				p.spans(spanOf{name: "work", id: 7, events: c.logs})
				p.expect(c.want)
			})
		}
	}
}
