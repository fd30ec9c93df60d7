package livingos

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// maker makes one request.
type maker struct {
	weather
	rng     *rand.Rand
	index   int
	sender  int
	turn    int // how many requests the sender had before
	program program
	agents  []int

	// tripsBreaker lets a breaker open and close again within the request.
	tripsBreaker bool
	// alerts sends the document's own alert events.
	alerts bool
}

// Rare events happen in every so many requests, by number and not by chance: a
// run of 50 requests has each of them.
const (
	throttledEvery = 8
	breakerEvery   = 100
	alertsEvery    = 50
)

// Request is request i, planned at a time since the start of the run. The same
// settings, number and time give the same request.
func (w World) Request(i int, at time.Duration) Request {
	source := rand.NewPCG(w.settings.Seed, uint64(i))
	m := &maker{
		weather: w.settings.weather(at),
		rng:     rand.New(source),
		index:   i,
		sender:  i % w.settings.Senders,
		turn:    i / w.settings.Senders,

		tripsBreaker: len(w.settings.Breakers) == 0 && i%breakerEvery == 10,
		alerts:       w.settings.DocumentAlerts && i%alertsEvery == 20,
	}
	root := m.request()
	root.layout(0)
	for _, e := range root.Events {
		if e.Name == EventSpanEnd {
			e.Attributes = append(e.Attributes, attribute.Int64("duration", root.Length().Nanoseconds()))
		}
	}
	// The ids come from a source of their own: the request looks the same
	// whatever number of ids is drawn.
	return Request{Sender: m.sender, Root: root, IDs: rand.NewPCG(w.settings.Seed, ^uint64(i))}
}

// request is the document's example: optimize_with_coordination.
func (m *maker) request() *Span {
	number := m.turn % programsPerSender
	m.program = programs[number%len(programs)]
	for k := range m.program.agents {
		m.agents = append(m.agents, (m.turn*3+k)%agentsPerSender)
	}
	id := attribute.String("request_id", m.randomID("req"))

	// The request and its multi-agent run take the same time after the last
	// iteration in every request: then iterations end in the order in which their
	// requests do, and a program's last score is its latest as well.
	root := &Span{Name: SpanRequest, self: 4 * time.Millisecond}
	root.set(
		attribute.String("layer", "foundation_os"),
		attribute.String("operation", "multi_agent_optimization"),
		attribute.String("operation_type", "user_request"),
		attribute.String("program_id", programID(m.sender, number)),
		attribute.Int("agent_count", len(m.agents)),
	)
	multiAgent := m.multiAgent()
	root.add(m.discovery(), m.coordinationSetup(), multiAgent)
	// Who knows the request's id differs from request to request.
	if m.index%3 == 2 {
		multiAgent.set(id)
	} else {
		root.set(id)
	}

	root.set(attribute.Bool("request_success", multiAgent.Failure == ""))
	if multiAgent.Failure == "" {
		root.set(attribute.Float64("final_performance", multiAgent.Value("final_performance").(float64)))
	} else {
		root.Failure = multiAgent.Failure
		root.set(attribute.String("error", multiAgent.Failure))
	}
	m.tracer(root)
	return root
}

// tracer adds what the document's own tracer and metric recorder send.
func (m *maker) tracer(root *Span) {
	root.Events = append(root.Events,
		&Event{
			Name: EventSpanStart, Severity: SeverityDebug, of: root, at: 0, IDsAsAttributes: true,
			Attributes: []attribute.KeyValue{
				attribute.String("operation", SpanRequest),
				attribute.String("parent_span", "nil"),
			},
		},
		&Event{
			Name: EventSpanEnd, Severity: SeverityDebug, of: root, at: 1, IDsAsAttributes: true,
			Attributes: []attribute.KeyValue{attribute.String("operation", SpanRequest)},
		},
		&Event{
			Name: EventMetric, Severity: SeverityInfo, of: root, at: 1, Shape: ShapeBodyList,
			Attributes: []attribute.KeyValue{
				attribute.String("metric", "foundation.queue.depth"),
				attribute.Int("value", m.rng.IntN(20)),
				attribute.Map("tags", attribute.String("queue", "optimizations")),
			},
		})
	if m.index%throttledEvery == 5 {
		root.Events = append(root.Events, &Event{
			Name: EventThrottled, Severity: SeverityWarn, of: root, at: 0.1, Shape: ShapeBodyInspected,
			Attributes: []attribute.KeyValue{
				attribute.String("name", "model_api"),
				attribute.Int("limit", 60),
			},
		})
	}
	if m.alerts {
		root.Events = append(root.Events, documentAlerts(root)...)
	}
}

// documentAlerts are the three events that the document's application sends and
// that in this product come from the collector.
func documentAlerts(root *Span) []*Event {
	const rule = "Optimization Convergence Issues"
	return []*Event{
		{
			Name: EventDegradation, Severity: SeverityWarn, of: root, at: 0.5,
			Attributes: []attribute.KeyValue{
				attribute.Int("degraded_metrics_count", 1),
				attribute.StringSlice("degradations", []string{"dspex.optimization.iteration_duration"}),
			},
		},
		{
			Name: EventAlertTriggered, Severity: SeverityWarn, of: root, at: 0.6,
			Attributes: []attribute.KeyValue{
				attribute.String("name", rule),
				attribute.String("severity", "warning"),
				attribute.Int("severity_level", 2),
				attribute.String("metric", "dspex.optimization.convergence_rate"),
				attribute.Float64("threshold", 0.7),
				attribute.Float64("current_value", 0.65),
			},
		},
		{
			Name: EventAlertResolved, Severity: SeverityInfo, of: root, at: 0.9,
			Attributes: []attribute.KeyValue{
				attribute.String("name", rule),
				attribute.Float64("final_value", 0.9),
			},
		},
	}
}

// fails draws whether an operation fails.
func (m *maker) fails(probability float64) bool { return m.rng.Float64() < probability }

// fail marks the span as failed and adds the unified error event.
func (m *maker) fail(s *Span, layer, category, message string) {
	s.Failure = message
	s.set(attribute.String("error_category", category))
	s.Events = append(s.Events, &Event{
		Name: EventError, Severity: SeverityError, of: s, at: 1, layer: layer,
		Attributes: []attribute.KeyValue{
			attribute.String("layer", layer),
			attribute.String("severity", "error"),
			attribute.String("error_category", category),
			attribute.String("error", message),
		},
	})
}

// spread is the standard deviation of the logarithm of durations. Real services
// vary more; with 0.1, cut at 2.5 deviations, no normal value is above 1.3 times
// the median and an interval's mean never looks like a degradation.
const spread = 0.1

// draw is a duration around the median, in whole microseconds.
func (m *maker) draw(median time.Duration, kind Kind) time.Duration {
	z := max(-2.5, min(2.5, m.rng.NormFloat64()))
	d := float64(median) * math.Exp(z*spread) * m.slowness(kind)
	return max(time.Duration(d).Truncate(time.Microsecond), time.Microsecond)
}

// around is a score near the centre, never outside 0 to 1.
func (m *maker) around(centre float64) float64 {
	v := centre + (m.rng.Float64()-0.5)*0.1
	return math.Round(max(0, min(1, v))*1e4) / 1e4
}

func (m *maker) randomID(prefix string) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], m.rng.Uint64())
	return fmt.Sprintf("%s-%s", prefix, hex.EncodeToString(b[:]))
}

// success says the same in the ways applications say it.
func (m *maker) success(ok bool) attribute.KeyValue {
	switch m.index % 4 {
	case 1:
		return attribute.String("success", strconv.FormatBool(ok))
	case 3:
		if ok {
			return attribute.String("result", "ok")
		}
		return attribute.String("result", "error")
	default:
		return attribute.Bool("success", ok)
	}
}

// said is the attribute unless the value is empty: the application is silent.
func said(key, value string) []attribute.KeyValue {
	if value == "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String(key, value)}
}
