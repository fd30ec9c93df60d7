package livingos

import (
	"fmt"
	"time"
)

// Names as the application sends them.
const (
	SpanRequest           = "request.multi_agent_optimization"
	SpanDiscovery         = "foundation.agent_discovery"
	SpanLookup            = "foundation.process_registry.lookup"
	SpanRegister          = "foundation.process_registry.register"
	SpanBreakerCall       = "foundation.infrastructure.circuit_breaker.call"
	SpanCoordinationSetup = "foundation_jido.coordination_setup"
	SpanRegistration      = "foundation_jido.agent.registration"
	SpanAuction           = "foundation_jido.coordination.auction"
	SpanDispatch          = "foundation_jido.signal.dispatch"
	SpanMultiAgent        = "dspex.multi_agent_optimization"
	SpanAgentRun          = "jido.agent.run"
	SpanExecution         = "dspex.program.execution"
	SpanIteration         = "dspex.optimization.iteration"
	SpanQuery             = "ecto.query" // its layer is its parent's

	EventSpanStart      = "foundation.span.start"
	EventSpanEnd        = "foundation.span.end"
	EventMetric         = "foundation.metric"
	EventBreaker        = "foundation.infrastructure.circuit_breaker.state_change"
	EventThrottled      = "foundation.infrastructure.rate_limiter.throttled"
	EventBid            = "foundation_jido.coordination.auction.bid_received"
	EventAgentResult    = "dspex.coordination.multi_agent.agent_result"
	EventError          = "foundation_os.error.occurred"
	EventDegradation    = "foundation_os.performance.degradation"
	EventAlertTriggered = "foundation_os.alert.triggered"
	EventAlertResolved  = "foundation_os.alert.resolved"
)

// agentType is a trade; its agents take about the same time to start.
type agentType struct {
	name, module string
	capabilities []string
	startup      time.Duration
}

var agentTypes = []agentType{
	{"optimizer", "Elixir.DSPEx.Agents.Optimizer", []string{"ml_optimization", "prompt_search"}, 180 * time.Millisecond},
	{"evaluator", "Elixir.DSPEx.Agents.Evaluator", []string{"ml_optimization", "scoring"}, 120 * time.Millisecond},
	{"critic", "Elixir.DSPEx.Agents.Critic", []string{"review"}, 90 * time.Millisecond},
	{"planner", "Elixir.DSPEx.Agents.Planner", []string{"planning", "decomposition", "ml_optimization"}, 150 * time.Millisecond},
}

// program is what a request optimises. Everything that becomes a metric label
// belongs to the program, not to the request: a series then always sees the same
// mixture and its mean stays where it is. "" means that the application does not
// say it.
type program struct {
	kind, complexity, strategy string
	coordination               string
	agents                     int
	execution                  time.Duration
	step                       time.Duration
}

var programs = []program{
	{"predict", "simple", "bootstrap_few_shot", "multi_agent", 3, 150 * time.Millisecond, 450 * time.Millisecond},
	{"chain_of_thought", "medium", "mipro", "multi_agent", 4, 200 * time.Millisecond, 500 * time.Millisecond},
	{"react", "complex", "copro", "consensus", 5, 250 * time.Millisecond, 650 * time.Millisecond},
	{"predict", "medium", "mipro", "multi_agent", 4, 150 * time.Millisecond, 500 * time.Millisecond},
	{"chain_of_thought", "complex", "copro", "negotiation", 3, 200 * time.Millisecond, 650 * time.Millisecond},
	{"", "simple", "", "multi_agent", 3, 150 * time.Millisecond, 450 * time.Millisecond},
}

// programsPerSender programs are optimised in turn by one application instance,
// eight of each kind above. Two requests that optimise the same program at the
// same time could not be told apart as two runs; 20 instances have fewer than the
// 1000 programs that the score's gauge tells apart.
const programsPerSender = 48

// longestRequest is a bound of what a request takes when nothing slows it down.
const longestRequest = 7 * time.Second

// agentsPerSender agents live in one application instance for the whole run:
// the number of active agents is known and does not grow.
const agentsPerSender = 12

// namespaces of the process registry; "" means that the application does not say it.
var namespaces = []struct {
	name   string
	lookup time.Duration
	times  int // lookups in each request
}{
	{"agents", 2 * time.Millisecond, 3},
	{"programs", 8 * time.Millisecond, 1},
	{"sessions", 60 * time.Millisecond, 1},
	{"", 600 * time.Microsecond, 1},
}

// signal is one kind of signal that a request dispatches.
type signal struct {
	adapter, target string
	length          time.Duration
	retried         bool
}

var signals = []signal{
	{"pid", "agent", 4 * time.Millisecond, true},
	{"pubsub", "topic", 9 * time.Millisecond, false},
}

// webhook replaces the second signal in every fourth request.
var webhook = signal{"http", "webhook", 40 * time.Millisecond, false}

var resourceTypes = []string{"gpu_slot", "token_budget"}

func agentID(sender, n int) string   { return fmt.Sprintf("agent-%d-%02d", sender, n) }
func programID(sender, n int) string { return fmt.Sprintf("program-%d-%d", sender, n) }

func agentTypeOf(n int) agentType { return agentTypes[n%len(agentTypes)] }
