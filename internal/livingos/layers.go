package livingos

import (
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// discovery is the Foundation part: agents are looked up in the registry, the
// request's coordinator is registered there.
func (m *maker) discovery() *Span {
	s := &Span{Name: SpanDiscovery, self: m.draw(2*time.Millisecond, "")}
	s.set(attribute.String("layer", "foundation"), attribute.Int("agents_found", len(m.agents)))
	for _, ns := range namespaces {
		for range ns.times {
			first := m.lookup(ns.name, ns.lookup, 0)
			s.add(first)
			if first.Failure != "" {
				s.add(m.lookup(ns.name, ns.lookup, 1))
			}
		}
	}
	s.add(m.register("coordinators", "coordinator"))
	return s
}

func (m *maker) lookup(namespace string, median time.Duration, attempt int) *Span {
	s := &Span{Name: SpanLookup, self: m.draw(median, KindLookup)}
	s.set(said("namespace", namespace)...)
	// Nobody called on behalf of an agent: nil, as Elixir exporters write it.
	s.set(attribute.String("agent_id", "nil"), attribute.Int("retry_attempt", attempt))
	// A retry succeeds, so that the request can go on.
	ok := attempt > 0 || !m.fails(m.errorRate)
	s.set(m.success(ok))
	if !ok {
		m.fail(s, "foundation", "not_found", "process not found")
	}
	return s
}

func (m *maker) register(namespace, processType string) *Span {
	s := &Span{Name: SpanRegister, self: m.draw(1200*time.Microsecond, KindRegister), unit: unitNative}
	s.set(said("namespace", namespace)...)
	s.set(said("process_type", processType)...)
	s.set(m.success(true))
	s.add(&Span{
		Name: SpanQuery, self: m.draw(700*time.Microsecond, KindRegister),
		Attributes: []attribute.KeyValue{attribute.String("db.system.name", "postgresql")},
	})
	return s
}

// coordinationSetup is the FoundationJido part: agents register, bid for the
// work, and are told.
func (m *maker) coordinationSetup() *Span {
	s := &Span{Name: SpanCoordinationSetup, self: m.draw(3*time.Millisecond, "")}
	s.set(
		attribute.String("layer", "foundation_jido"),
		attribute.String("coordination_id", m.randomID("coord")),
		attribute.Int("participant_count", len(m.agents)),
	)
	for _, a := range m.agents {
		first := m.registration(a, 0)
		s.add(first)
		if first.Failure != "" {
			s.add(m.registration(a, 1))
		}
	}
	s.add(m.auction())
	m.dispatches(s)
	return s
}

func (m *maker) registration(agent, attempt int) *Span {
	t := agentTypeOf(agent)
	s := &Span{Name: SpanRegistration, self: m.draw(2*time.Millisecond, KindRegistration)}
	startup := m.draw(t.startup, KindRegistration)
	s.set(
		attribute.String("agent_id", agentID(m.sender, agent)),
		attribute.String("agent_type", t.name),
		attribute.String("agent_module", t.module),
		attribute.StringSlice("capabilities", t.capabilities),
		attribute.Int("retry_attempt", attempt),
		attribute.Float64("startup_duration", float64(startup)/float64(time.Millisecond)),
		attribute.String("time_unit", "millisecond"),
	)
	// A retry succeeds: every agent that is seen is registered.
	if attempt == 0 && m.fails(m.errorRate) {
		s.set(m.success(false))
		m.fail(s, "foundation_jido", "already_registered", "agent id is taken")
		return s
	}
	s.set(m.success(true))
	// The registry entry does not name the agent: its id comes from this span.
	// Critics' processes come without namespace and type.
	if t.name == "critic" {
		s.add(m.register("", ""))
	} else {
		s.add(m.register("agents", "agent"))
	}
	return s
}

func (m *maker) auction() *Span {
	resource := resourceTypes[m.turn%len(resourceTypes)]
	s := &Span{Name: SpanAuction, self: m.draw(80*time.Millisecond, KindAuction), unit: unitMillisecond}
	id := m.randomID("auction")
	won := !m.fails(m.errorRate)
	winners := 0
	if won {
		winners = 1
	}
	s.set(
		attribute.String("auction_id", id),
		attribute.String("resource_type", resource),
		attribute.Int("participant_count", len(m.agents)),
		attribute.Int("eligible_count", len(m.agents)),
		attribute.Int("selected_count", winners),
		attribute.Int("winner_count", winners),
		m.success(won),
	)
	// Most auctions do not say that they are auctions.
	switch m.turn % 4 {
	case 1:
		s.set(attribute.String("coordination_type", "auction"))
	case 3:
		s.set(attribute.String("coordination_type", "market"))
	}
	shape := ShapeEventName
	if m.index%2 == 1 {
		shape = ShapePhase
	}
	for k, a := range m.agents {
		s.Events = append(s.Events, &Event{
			Name: EventBid, Severity: SeverityDebug, Shape: shape, of: s,
			at: 0.2 + 0.6*float64(k)/float64(len(m.agents)),
			Attributes: []attribute.KeyValue{
				attribute.String("auction_id", id),
				attribute.String("agent_id", agentID(m.sender, a)),
				attribute.Float64("bid_value", math.Round((10+m.rng.Float64()*90)*100)/100),
			},
		})
	}
	if !won {
		m.fail(s, "foundation_jido", "no_winner", "no bid was high enough")
	}
	return s
}

func (m *maker) dispatches(parent *Span) {
	for k, sig := range signals {
		if k == 1 && m.turn%4 == 2 {
			sig = webhook
		}
		first := m.dispatch(sig, 0)
		parent.add(first)
		if first.Failure != "" && sig.retried {
			parent.add(m.dispatch(sig, 1))
		}
	}
}

func (m *maker) dispatch(sig signal, attempt int) *Span {
	s := &Span{Name: SpanDispatch, self: m.draw(sig.length/2, KindDispatch), unit: unitMicrosecond}
	s.set(
		attribute.String("adapter", sig.adapter),
		attribute.String("target_type", sig.target),
		attribute.Int("retry_attempt", attempt),
	)
	breaker := "signal_" + sig.adapter
	call := &Span{
		Name: SpanBreakerCall, self: m.draw(sig.length/2, KindDispatch),
		Attributes: []attribute.KeyValue{attribute.String("circuit_breaker", breaker)},
	}
	if m.tripsBreaker && sig.adapter == "pid" && attempt == 0 {
		for k, c := range breakerChanges(breaker) {
			c.of, c.at = call, float64(k)/2
			call.Events = append(call.Events, c)
		}
	}
	s.add(call)
	ok := !m.fails(m.dispatchFailure)
	s.set(m.success(ok))
	if !ok {
		m.fail(s, "foundation_jido", "timeout", "no acknowledgement")
	}
	return s
}

// multiAgent is the DSPEx part: each agent tries the program, then the program
// is optimised until its score no longer moves.
func (m *maker) multiAgent() *Span {
	s := &Span{Name: SpanMultiAgent, self: 10 * time.Millisecond} // see request
	runs := &Span{Name: "dspex.agents", self: m.draw(2*time.Millisecond, ""), parallel: true}
	for k, a := range m.agents {
		runs.add(m.agentRun(a))
		s.Events = append(s.Events, &Event{
			Name: EventAgentResult, Severity: SeverityInfo, Shape: ShapeAttribute, of: s,
			at: 0.2 + 0.01*float64(k),
			Attributes: []attribute.KeyValue{
				attribute.String("agent_id", agentID(m.sender, a)),
				attribute.Float64("quality_score", m.around(0.8)),
			},
		})
	}
	s.add(runs)

	ok := !m.fails(m.errorRate)
	score := m.optimise(s, ok)
	s.set(
		attribute.String("layer", "dspex"),
		attribute.Int("agent_count", len(m.agents)),
		attribute.String("coordination_type", m.program.coordination),
		attribute.Bool("optimization_success", ok),
		attribute.Float64("final_performance", score),
		attribute.Float64("efficiency_score", m.around(0.82)),
	)
	if !ok {
		m.fail(s, "dspex", "no_convergence", "the score still moved after the last iteration")
	}
	return s
}

// agentRun has an agent's id; the execution below does not.
func (m *maker) agentRun(agent int) *Span {
	s := &Span{Name: SpanAgentRun, self: m.draw(5*time.Millisecond, "")}
	s.set(
		attribute.String("agent_id", agentID(m.sender, agent)),
		attribute.String("coordination_id", "undefined"),
	)
	s.add(m.execution())
	return s
}

func (m *maker) execution() *Span {
	s := &Span{Name: SpanExecution, self: m.draw(m.program.execution, KindExecution), unit: unitInName}
	s.set(said("program_type", m.program.kind)...)
	s.set(
		attribute.String("signature_complexity", m.program.complexity),
		attribute.Float64("cost_usd", math.Round(m.rng.Float64()*1e4)/1e6),
	)
	ok := !m.fails(m.errorRate)
	s.set(m.success(ok))
	if !ok {
		s.Exception = "DSPEx.ModelError"
		s.set(attribute.String("error_context", "model call"))
		m.fail(s, "dspex", "model_error", "the model did not answer")
		return s
	}
	s.set(attribute.Float64("output_quality", m.around(0.85)), attribute.Float64("accuracy", m.around(0.8)))
	return s
}

// optimise adds iterations until the gain is negligible, or until patience ends,
// and returns the last score.
func (m *maker) optimise(parent *Span, converges bool) float64 {
	const (
		patience   = 6
		negligible = 0.01
	)
	score := m.around(0.6)
	for i := 1; ; i++ {
		gain := m.around(0.2) / float64(i*i)
		if !converges {
			gain = m.around(0.05) * float64(1-2*(i%2))
		}
		score = math.Round(min(score+gain, 0.99)*1e4) / 1e4
		last := i == patience || (converges && gain < negligible)

		s := &Span{Name: SpanIteration, self: m.draw(m.program.step, KindIteration), unit: unitMillisecond}
		s.set(said("strategy", m.program.strategy)...)
		s.set(said("program_type", m.program.kind)...)
		s.set(
			attribute.Int("iteration", i),
			attribute.Float64("performance_score", score),
			attribute.Float64("convergence_rate", math.Round(negligible/max(math.Abs(gain), negligible)*1e4)/1e4),
			m.success(true),
		)
		s.add(m.execution())
		parent.add(s)
		if last {
			s.set(attribute.Bool("converged", converges))
			return score
		}
	}
}
