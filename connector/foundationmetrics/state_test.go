package foundationmetrics

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func iteration(program string, n int, end time.Duration, score float64) spanOf {
	return spanOf{
		name: "dspex.optimization.iteration", start: end - ms, length: ms,
		attrs: kv{"program_id": program, "strategy": "mipro", "iteration": n, "performance_score": score},
	}
}

func TestOptimizationRuns(t *testing.T) {
	const finished, converged = "dspex.optimization.runs.finished{strategy=mipro}", "dspex.optimization.runs.converged{strategy=mipro}"
	request := func(end time.Duration) spanOf {
		return spanOf{name: "request.optimize", length: end, attrs: kv{"program_id": "p"}}
	}
	steady := func(p *pair) {
		for i, score := range []float64{0.5, 0.7, 0.7001, 0.7002, 0.7003} {
			p.spans(iteration("p", i+1, time.Duration(i+1)*time.Second, score))
		}
	}
	for name, c := range map[string]struct {
		send func(*pair)
		want map[string]string
	}{
		"running": {func(p *pair) { p.spans(iteration("p", 1, 1, 0.5)) }, map[string]string{finished: "", converged: ""}},
		"says that it converged": {func(p *pair) {
			s := iteration("p", 1, 1, 0.5)
			s.attrs["converged"] = true
			p.spans(s)
		}, map[string]string{finished: "1", converged: "1"}},
		"steady for three iterations": {steady, map[string]string{finished: "1", converged: "1"}},
		"says that it did not, though steady": {func(p *pair) {
			for i := range 6 {
				s := iteration("p", i+1, time.Duration(i), 0.5)
				s.attrs["converged"] = "false"
				p.spans(s)
			}
		}, map[string]string{finished: "", converged: ""}},
		"steady for two": {func(p *pair) {
			for i, score := range []float64{0.7, 0.7001, 0.7002, 0.8} {
				p.spans(iteration("p", i+1, time.Duration(i), score))
			}
		}, map[string]string{finished: "", converged: ""}},
		"its request completes": {func(p *pair) {
			p.spans(iteration("p", 1, time.Second, 0.5))
			p.spans(request(5 * time.Second))
		}, map[string]string{finished: "1", converged: "0"}},
		"its multi-agent run and then its request": {func(p *pair) {
			p.spans(iteration("p", 1, time.Second, 0.5))
			p.spans(spanOf{name: "dspex.coordination.multi_agent", length: 2 * time.Second, attrs: kv{"program_id": "p"}}, request(5*time.Second))
		}, map[string]string{finished: "1", converged: "0"}},
		"the request is before its iteration in the batch": {func(p *pair) {
			p.spans(request(5*time.Second), iteration("p", 1, time.Second, 0.5), iteration("p", 2, 2*time.Second, 0.6))
		}, map[string]string{finished: "1", converged: "0"}},
		"the request is a batch before its iterations": {func(p *pair) {
			p.spans(request(5 * time.Second))
			p.spans(iteration("p", 1, time.Second, 0.5), iteration("p", 2, 2*time.Second, 0.6))
		}, map[string]string{finished: "1", converged: "0"}},
		"converged, and then its request": {func(p *pair) { steady(p); p.spans(request(9 * time.Second)) }, map[string]string{finished: "1", converged: "1"}},
		"another program's request": {func(p *pair) {
			p.spans(iteration("q", 1, time.Second, 0.5))
			p.spans(request(5 * time.Second))
		}, map[string]string{finished: "", converged: ""}},
		"silence": {func(p *pair) {
			p.spans(iteration("p", 1, time.Second, 0.5))
			p.clock.advance(runTTL + time.Second)
		}, map[string]string{finished: "1", converged: "0"}},
		"the next run begins": {func(p *pair) {
			p.spans(iteration("p", 1, 1*time.Second, 0.5), iteration("p", 2, 2*time.Second, 0.6))
			p.spans(iteration("p", 1, 3*time.Second, 0.5))
		}, map[string]string{finished: "1", converged: "0"}},
		"a straggler begins nothing": {func(p *pair) {
			p.spans(iteration("p", 2, 2*time.Second, 0.6))
			p.spans(iteration("p", 1, 1*time.Second, 0.5))
		}, map[string]string{finished: "", converged: ""}},
		"a straggler that converged": {func(p *pair) {
			p.spans(iteration("p", 1, time.Second, 0.5), request(5*time.Second))
			s := iteration("p", 2, 2*time.Second, 0.5)
			s.attrs["converged"] = true
			p.spans(s)
		}, map[string]string{finished: "1", converged: "1"}},
		"two requests of one program": {func(p *pair) {
			p.spans(iteration("p", 1, 1*time.Second, 0.5), request(2*time.Second))
			p.spans(iteration("p", 1, 3*time.Second, 0.5), request(4*time.Second))
		}, map[string]string{finished: "2", converged: "0"}},
		"two requests of one program at the same time": {func(p *pair) {
			of := func(request string, s spanOf) spanOf {
				s.attrs["request_id"] = request
				return s
			}
			p.spans(of("a", iteration("p", 1, 1*time.Second, 0.5)), of("b", iteration("p", 1, 1500*ms, 0.5)))
			p.spans(of("a", iteration("p", 2, 2*time.Second, 0.6)), of("a", request(3*time.Second)), of("b", iteration("p", 2, 4*time.Second, 0.6)))
			p.expect(map[string]string{finished: "1", converged: "0"})
			p.spans(of("b", request(5*time.Second)))
		}, map[string]string{finished: "2", converged: "0"}},
		"iterations that know their request late": {func(p *pair) {
			p.spans(iteration("p", 1, 1*time.Second, 0.5), iteration("p", 2, 2*time.Second, 0.6))
			s, r := iteration("p", 3, 3*time.Second, 0.7), request(4*time.Second)
			s.attrs["request_id"], r.attrs["request_id"] = "a", "a"
			p.spans(r, s)
		}, map[string]string{finished: "1", converged: "0"}},
		"another request's end": {func(p *pair) {
			s, r := iteration("p", 1, time.Second, 0.5), request(2*time.Second)
			s.attrs["request_id"], r.attrs["request_id"] = "a", "b"
			p.spans(s, r)
		}, map[string]string{finished: "", converged: ""}},
		"without a program, by trace": {func(p *pair) {
			s, r := iteration("", 1, time.Second, 0.5), request(2*time.Second)
			delete(r.attrs, "program_id")
			p.spans(s, r)
		}, map[string]string{finished: "1", converged: "0"}},
		"as events": {func(p *pair) {
			p.events(event{name: "dspex.optimization.iteration.complete", at: time.Second, attrs: kv{"program_id": "p", "strategy": "mipro"}},
				event{name: "foundation_os.request.complete", at: 2 * time.Second, attrs: kv{"program_id": "p"}})
		}, map[string]string{finished: "1", converged: "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			c.send(p)
			p.expect(c.want)
		})
	}
}

func agent(name, id string) event {
	return event{name: name, attrs: kv{"agent_id": id, "agent_type": "solver"}}
}

func TestActiveAgents(t *testing.T) {
	const active = "foundation_jido.active_agents{agent_type=solver}"
	const registered, terminated = "foundation_jido.agent.registration.complete", "foundation_jido.agent.termination"
	seen := func(p *pair, id string) {
		p.spans(spanOf{name: "jido.agent.run", attrs: kv{"agent_id": id, "agent_type": "solver"}})
	}
	for name, c := range map[string]struct {
		send func(*pair)
		want string
	}{
		"registered":                  {func(p *pair) { p.events(agent(registered, "a"), agent(registered, "b")) }, "2"},
		"registered twice is one":     {func(p *pair) { p.events(agent(registered, "a"), agent(registered, "a")) }, "1"},
		"minus terminated":            {func(p *pair) { p.events(agent(registered, "a"), agent(registered, "b"), agent(terminated, "a")) }, "1"},
		"all terminated":              {func(p *pair) { p.events(agent(registered, "a"), agent(terminated, "a")) }, "0"},
		"another name for the end":    {func(p *pair) { p.events(agent(registered, "a"), agent("foundation_jido.agent.terminated", "a")) }, "0"},
		"seen without a registration": {func(p *pair) { seen(p, "a"); seen(p, "b"); seen(p, "a") }, "2"},
		"seen and registered":         {func(p *pair) { seen(p, "a"); p.events(agent(registered, "a"), agent(registered, "b")) }, "2"},
		"silent, where none ends": {func(p *pair) {
			p.events(agent(registered, "a"))
			p.clock.advance(agentTTL + time.Second)
		}, "0"},
		"silent, where agents end": {func(p *pair) {
			p.events(agent(registered, "a"), agent(registered, "b"), agent(terminated, "b"))
			p.clock.advance(agentTTL + time.Second)
		}, "1"},
		"news of one that ended": {func(p *pair) {
			p.events(agent(registered, "a"), agent(terminated, "a"))
			seen(p, "a")
		}, "0"},
		"the end arrives before the beginning": {func(p *pair) {
			end, begin := agent(terminated, "a"), agent(registered, "a")
			end.at, begin.at = 2*time.Second, time.Second
			p.events(agent(registered, "b"), end, begin)
		}, "1"},
		"a second life": {func(p *pair) {
			end, begin := agent(terminated, "a"), agent(registered, "a")
			end.at, begin.at = 1*time.Second, 2*time.Second
			p.events(agent(registered, "a"), end, begin)
		}, "1"},
		"seen by an alias of its id": {func(p *pair) {
			p.spans(spanOf{name: "jido.agent.run", attrs: kv{"gen_ai.agent.id": "a", "agent_type": "solver"}})
		}, "1"},
		"a failed registration": {func(p *pair) { p.events(agent("foundation_jido.agent.registration.failed", "a")) }, ""},
		"the id nil":            {func(p *pair) { seen(p, "nil") }, ""},
		"registrations without ids": {func(p *pair) {
			for range 3 {
				p.events(event{name: registered, attrs: kv{"agent_type": "solver"}})
			}
			p.events(event{name: terminated, attrs: kv{"agent_type": "solver"}})
		}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			c.send(p)
			p.expect(map[string]string{active: c.want})
		})
	}
}

func TestBreakersFollowTheLatestEventAndAreForgotten(t *testing.T) {
	p := start(t, nil)
	change := func(at time.Duration, to string) event {
		return event{name: "foundation.infrastructure.circuit_breaker.state_change", at: at, attrs: kv{"name": "db", "to": to}}
	}
	const open, closed = "foundation.circuit_breaker.state{name=db,state=open}", "foundation.circuit_breaker.state{name=db,state=closed}"
	p.events(change(2*time.Second, "open"))
	p.events(change(1*time.Second, "closed")) // a batch that came late
	p.expect(map[string]string{open: "1", closed: "0"})
	p.events(change(3*time.Second, "half-open"))
	p.expect(map[string]string{open: "0", "foundation.circuit_breaker.state{name=db,state=half_open}": "1"})
	p.events(change(4*time.Second, "melted"))
	p.expect(map[string]string{open: "0", "foundation.circuit_breaker.state{name=db,state=half_open}": "1"})
	p.clock.advance(breakerTTL + time.Second)
	p.expect(map[string]string{open: "", closed: ""})
}

func TestSeriesAreBoundedAndNothingIsLost(t *testing.T) {
	p := start(t, func(c *Config) { c.MaxSeries = 20 })
	const n = 100
	for i := range n {
		p.spans(spanOf{name: "foundation.process_registry.register", length: ms, attrs: kv{"namespace": fmt.Sprint("ns", i)}})
		p.events(event{name: "dspex.optimization.iteration.complete", attrs: kv{"performance_score": 0.5, "program_id": fmt.Sprint(i)}})
	}
	var total, overflow int64
	for _, rm := range p.core.snapshot().ResourceMetrics().All() {
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			if m.Name() != "foundation.process.registrations" {
				continue
			}
			for _, dp := range m.Sum().DataPoints().All() {
				total += dp.IntValue()
				if v, ok := dp.Attributes().Get("otel.metric.overflow"); ok {
					require.True(t, v.Bool())
					require.Equal(t, 1, dp.Attributes().Len())
					overflow += dp.IntValue()
				}
			}
		}
	}
	assert.EqualValues(t, n, total)
	assert.Positive(t, overflow)
	assert.LessOrEqual(t, p.core.agg.Series.Len(), 20)
	assert.Positive(t, p.core.agg.Stats.Overflowed)
	assert.Positive(t, p.core.agg.Stats.Unusable["table_full"], "gauges have no overflow")
}

func TestAgentNamesAreCapped(t *testing.T) {
	p := start(t, nil)
	for i := range 1005 {
		p.events(event{name: "dspex.coordination.multi_agent.agent_result", attrs: kv{"agent_id": fmt.Sprint("a", i), "quality_score": 1}})
	}
	p.expect(map[string]string{
		"dspex.agent.contributions{agent_id=a999}":         "1",
		"dspex.agent.contributions{agent_id=a1000}":        "",
		"dspex.agent.contributions{agent_id=other}":        "5",
		"dspex.agent.contribution.quality{agent_id=other}": "5/5",
		"dspex.coordination.agent_contributions{}":         "1005",
	})
}

func TestApplicationGauges(t *testing.T) {
	p := start(t, nil)
	record := func(attrs kv) { p.events(event{name: "foundation.metric", attrs: attrs}) }
	record(kv{"metric": "queue.length", "value": 3, "tags.queue": "a"})
	record(kv{"metric": "queue.length", "value": "4", "tags": kv{"queue": "b", "nothing": "nil"}})
	record(kv{"metric": "queue.length", "value": 5, "tags.queue": "a"})
	record(kv{"metric": "dspex.program.executions", "value": 1}) // ours
	record(kv{"metric": "has space", "value": 1})
	record(kv{"metric": "nil", "value": 1})
	record(kv{"metric": "no.value"})
	p.expect(map[string]string{
		"queue.length{queue=a}":      "5",
		"queue.length{queue=b}":      "4",
		"dspex.program.executions{}": "",
		"has space{}":                "",
		"nil{}":                      "",
		"no.value{}":                 "",
	})
	assert.EqualValues(t, 3, p.core.agg.Stats.Unusable["gauge_name"])
	assert.EqualValues(t, 1, p.core.agg.Stats.Unusable["not_a_number"])
	for i := range maxGauges + 5 {
		record(kv{"metric": fmt.Sprint("made.up.", i), "value": 1})
	}
	assert.EqualValues(t, 3+6, p.core.agg.Stats.Unusable["gauge_name"])
}
