package sender

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/foundation-os/otelcol-foundation/internal/livingos"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options(r *receiver, p Protocol) Options {
	return Options{
		Endpoint: r.endpoint, Protocol: p, RetryFor: 10 * time.Second,
		ServiceName: "foundation_os", Environment: "dev", Metrics: true,
	}
}

func settings(senders, requests int) livingos.Settings {
	return livingos.Settings{Seed: 7, Senders: senders, Requests: requests, ErrorRate: 0.05}
}

func TestSummaryIsWhatArrived(t *testing.T) {
	for _, tc := range []struct {
		name     string
		protocol Protocol
		start    func(*testing.T, *receiver) *receiver
		senders  int
		requests int
		alter    func(*livingos.Settings)
	}{
		{"grpc, 16 senders", ProtocolGRPC, startGRPC, 16, 200, nil},
		{"http", ProtocolHTTP, startHTTP, 3, 50, nil},
		{"span events", ProtocolGRPC, startGRPC, 2, 30, func(s *livingos.Settings) { s.SpanEvents = true }},
		{"document alerts", ProtocolGRPC, startGRPC, 1, 60, func(s *livingos.Settings) { s.DocumentAlerts = true }},
		{"several batches", ProtocolGRPC, startGRPC, 1, 150, nil},
		{"planned", ProtocolGRPC, startGRPC, 2, 40, func(s *livingos.Settings) { s.Rate = 200 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.start(t, newReceiver())
			s := settings(tc.senders, tc.requests)
			if tc.alter != nil {
				tc.alter(&s)
			}
			sum, err := Run(t.Context(), s, options(r, tc.protocol))
			require.NoError(t, err)
			assert.EqualValues(t, tc.requests, sum.Requests)
			assert.Equal(t, livingos.Unacknowledged{}, sum.Unacknowledged)
			assert.Empty(t, sum.Errors)
			assert.Len(t, r.resources, tc.senders)
			compare(t, r, sum)
		})
	}
}

// compare counts again from the wire, with nothing of the generator's.
func compare(t *testing.T, r *receiver, sum livingos.Summary) {
	t.Helper()
	spans, spanEvents, logs := map[string]livingos.NameCount{}, map[string]livingos.NameCount{}, map[string]livingos.NameCount{}
	plus := func(m map[string]livingos.NameCount, name string, failed bool) {
		n := m[name]
		n.Count++
		if failed {
			n.Errors++
		}
		m[name] = n
	}
	want := map[string]float64{} // series → value
	seconds := func(s *trace.Span) float64 { return float64(s.EndTimeUnixNano-s.StartTimeUnixNano) / 1e9 }
	label := func(s *trace.Span, key, missing string) string {
		if v := attr(s.Attributes, key); v != nil {
			return v.GetStringValue()
		}
		return missing
	}
	agents := map[string]string{}
	for _, s := range r.spans {
		failed := s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR
		plus(spans, s.Name, failed)
		for _, e := range s.Events {
			if e.Name != "exception" {
				plus(spanEvents, e.Name, false)
			}
		}
		switch s.Name {
		case "foundation.process_registry.register":
			want[fmt.Sprintf("foundation_process_registrations_total map[namespace:%s process_type:%s]", label(s, "namespace", "default"), label(s, "process_type", "unknown"))]++
		case "foundation.process_registry.lookup":
			series := fmt.Sprintf("foundation_process_lookup_duration_seconds map[namespace:%s]", label(s, "namespace", "default"))
			want[series+" count"]++
			want[series+" sum"] += seconds(s)
			if seconds(s) <= 0.005 {
				want[series+" 0.005"]++
			}
		case "foundation_jido.coordination.auction", "dspex.multi_agent_optimization":
			want[fmt.Sprintf("foundation_jido_coordinations_total map[coordination_type:%s success:%v]", label(s, "coordination_type", "auction"), !failed)]++
		case "dspex.optimization.iteration":
			series := fmt.Sprintf("dspex_optimization_duration_seconds map[program_type:%s strategy:%s]", label(s, "program_type", "unknown"), label(s, "strategy", "unknown"))
			want[series+" count"]++
			want[series+" sum"] += seconds(s)
		case "foundation_jido.agent.registration":
			agents[label(s, "agent_id", "")] = label(s, "agent_type", "")
		}
	}
	for _, kind := range agents {
		want[fmt.Sprintf("foundation_jido_active_agents map[agent_type:%s]", kind)]++
	}
	for _, l := range r.logs {
		plus(logs, eventName(l), false)
	}
	assert.Equal(t, spans, sum.Spans.ByName)
	assert.Equal(t, logs, sum.Logs.ByName)
	assert.Equal(t, spanEvents, sum.SpanEvents.ByName)
	assert.EqualValues(t, len(r.spans), sum.Spans.Total)
	assert.EqualValues(t, len(r.logs), sum.Logs.Total)
	for name, n := range r.gauges {
		assert.EqualValues(t, n, sum.DataPoints.ByName[name].Count, name)
	}
	assert.Len(t, r.gauges, 3)

	got := map[string]float64{}
	for metric, samples := range sum.Prometheus {
		if metric == "dspex_optimization_performance_score" {
			continue
		}
		for _, s := range samples {
			series := fmt.Sprintf("%s %v", metric, s.Labels)
			if s.Value != nil {
				got[series] = *s.Value
				continue
			}
			got[series+" count"] = float64(*s.Count)
			got[series+" sum"] = *s.Sum
			assert.Equal(t, *s.Count, s.Buckets[len(s.Buckets)-1].Count)
			for _, b := range s.Buckets {
				if b.LE == "0.005" && b.Count > 0 {
					got[series+" 0.005"] = float64(b.Count)
				}
			}
		}
	}
	require.Len(t, got, len(want))
	for series, v := range want {
		assert.InDelta(t, v, got[series], 1e-6, series)
	}
}

// A gauge shows the last score of each program.
func TestPerformanceScoreIsTheLast(t *testing.T) {
	r := startGRPC(t, newReceiver())
	sum, err := Run(t.Context(), settings(2, 220), options(r, ProtocolGRPC))
	require.NoError(t, err)
	programs := map[string]string{} // trace → program
	for _, s := range r.spans {
		if v := attr(s.Attributes, "program_id"); v != nil {
			programs[id(s.TraceId)] = v.GetStringValue()
		}
	}
	last := map[string]*trace.Span{}
	for _, s := range r.spans {
		p := programs[id(s.TraceId)]
		if s.Name == "dspex.optimization.iteration" && (last[p] == nil || s.EndTimeUnixNano > last[p].EndTimeUnixNano) {
			last[p] = s
		}
	}
	got := sum.Prometheus["dspex_optimization_performance_score"]
	require.Len(t, got, len(last))
	for _, g := range got {
		assert.InDelta(t, attr(last[g.Labels["program_id"]].Attributes, "performance_score").GetDoubleValue(), *g.Value, 0, g.Labels)
	}
}

func TestSameSeedSameTelemetry(t *testing.T) {
	collect := func(seed uint64) []string {
		r := startGRPC(t, newReceiver())
		s := settings(1, 20)
		s.Seed = seed
		_, err := Run(t.Context(), s, options(r, ProtocolGRPC))
		require.NoError(t, err)
		var out []string
		for _, s := range r.spans {
			length := s.EndTimeUnixNano - s.StartTimeUnixNano
			s.StartTimeUnixNano, s.EndTimeUnixNano = 0, length
			for _, e := range s.Events {
				e.TimeUnixNano = 0
			}
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
			require.NoError(t, err)
			out = append(out, string(b))
		}
		for _, l := range r.logs {
			l.TimeUnixNano, l.ObservedTimeUnixNano = 0, 0
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
			require.NoError(t, err)
			out = append(out, string(b))
		}
		return out
	}
	first := collect(7)
	assert.Equal(t, first, collect(7))
	assert.NotEqual(t, first, collect(8))
}

// Requests end when they are sent, and what hangs together arrives together.
func TestTimesAndContext(t *testing.T) {
	r := startGRPC(t, newReceiver())
	s := settings(1, 30)
	s.Rate = 300
	before := time.Now()
	_, err := Run(t.Context(), s, options(r, ProtocolGRPC))
	require.NoError(t, err)
	after := time.Now()

	spans, roots := map[string]*trace.Span{}, 0
	lastEnd := uint64(before.UnixNano())
	for _, s := range r.spans {
		spans[id(s.SpanId)] = s
		assert.Less(t, s.StartTimeUnixNano, s.EndTimeUnixNano)
		if len(s.ParentSpanId) > 0 {
			continue
		}
		roots++
		assert.Equal(t, "request.multi_agent_optimization", s.Name)
		assert.GreaterOrEqual(t, s.EndTimeUnixNano, lastEnd, "requests end one after the other")
		lastEnd = s.EndTimeUnixNano
		assert.LessOrEqual(t, s.EndTimeUnixNano, uint64(after.UnixNano()))
	}
	assert.Equal(t, 30, roots)
	for _, s := range r.spans {
		if len(s.ParentSpanId) == 0 {
			continue
		}
		parent := spans[id(s.ParentSpanId)]
		require.NotNil(t, parent)
		assert.Equal(t, parent.TraceId, s.TraceId)
		assert.LessOrEqual(t, s.EndTimeUnixNano, parent.EndTimeUnixNano)
	}
	for _, l := range r.logs {
		spanID, traceID := id(l.SpanId), id(l.TraceId)
		if len(l.SpanId) == 0 { // the document's tracer writes upper-case hex into attributes
			spanID = attr(l.Attributes, "span_id").GetStringValue()
			assert.Equal(t, strings.ToUpper(spanID), spanID)
			spanID, traceID = strings.ToLower(spanID), strings.ToLower(attr(l.Attributes, "trace_id").GetStringValue())
		}
		span := spans[spanID]
		require.NotNil(t, span, eventName(l))
		assert.Equal(t, id(span.TraceId), traceID)
		assert.GreaterOrEqual(t, l.TimeUnixNano, span.StartTimeUnixNano)
		assert.LessOrEqual(t, l.TimeUnixNano, span.EndTimeUnixNano)
	}
}

// The environment of whoever runs this must not change what is sent.
func TestEnvironmentDoesNotLimit(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	t.Setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
	t.Setenv("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:1")
	r := startGRPC(t, newReceiver())
	sum, err := Run(t.Context(), settings(1, 20), options(r, ProtocolGRPC))
	require.NoError(t, err)
	assert.EqualValues(t, 20, sum.Requests)
	compare(t, r, sum)
	for _, s := range r.spans {
		assert.Zero(t, s.DroppedAttributesCount)
	}
	for _, l := range r.logs {
		assert.Zero(t, l.DroppedAttributesCount)
	}
}

func TestBreakerOpensAsPlanned(t *testing.T) {
	r := startGRPC(t, newReceiver())
	s := settings(2, 40)
	s.Rate = 100
	s.Breakers = []livingos.Breaker{{Name: "model_api", Opens: 100 * time.Millisecond, Closes: 400 * time.Millisecond}}
	start := time.Now()
	sum, err := Run(t.Context(), s, options(r, ProtocolGRPC))
	require.NoError(t, err)
	compare(t, r, sum)
	var states []string
	for _, l := range r.logs {
		if eventName(l) == "foundation.infrastructure.circuit_breaker.state_change" {
			states = append(states, attr(l.Attributes, "state_change").GetArrayValue().Values[1].GetStringValue())
			assert.Empty(t, l.TraceId)
			planned := []time.Duration{100 * time.Millisecond, 325 * time.Millisecond, 400 * time.Millisecond}[len(states)-1]
			assert.GreaterOrEqual(t, l.TimeUnixNano, uint64(start.Add(planned).UnixNano()))
		}
	}
	assert.Equal(t, []string{"open", "half_open", "closed"}, states)
}

// What the receiver did not acknowledge is not counted, and said.
func TestUnacknowledged(t *testing.T) {
	for _, tc := range []struct {
		name     string
		protocol Protocol
		start    func(*testing.T, *receiver) *receiver
	}{{"grpc", ProtocolGRPC, startGRPC}, {"http", ProtocolHTTP, startHTTP}} {
		for _, signal := range []string{"spans", "logs", "metrics"} {
			t.Run(tc.name+" refuses "+signal, func(t *testing.T) {
				r := newReceiver()
				r.answer = func(s string) (int64, error) {
					if s == signal {
						return 0, status.Error(codes.InvalidArgument, "not today")
					}
					return 0, nil
				}
				tc.start(t, r)
				sum, err := Run(t.Context(), settings(1, 5), options(r, tc.protocol))
				require.ErrorContains(t, err, "not acknowledged")
				require.ErrorContains(t, err, "not today")
				assert.Len(t, sum.Errors, 1)
				assertCounts(t, r, sum, signal)
			})
			if signal == "metrics" {
				continue // the test receiver takes points all or not
			}
			t.Run(tc.name+" rejects a part of "+signal, func(t *testing.T) {
				r := newReceiver()
				r.answer = func(s string) (int64, error) {
					if s == signal {
						return 3, nil
					}
					return 0, nil
				}
				tc.start(t, r)
				sum, err := Run(t.Context(), settings(1, 5), options(r, tc.protocol))
				require.ErrorContains(t, err, "full")
				assertCounts(t, r, sum, signal)
			})
		}
	}
}

func assertCounts(t *testing.T, r *receiver, sum livingos.Summary, failed string) {
	t.Helper()
	assert.EqualValues(t, len(r.spans), sum.Spans.Total)
	assert.EqualValues(t, len(r.logs), sum.Logs.Total)
	u := sum.Unacknowledged
	assert.Equal(t, map[string]bool{"spans": failed == "spans", "logs": failed == "logs", "metrics": failed == "metrics"},
		map[string]bool{"spans": u.Spans > 0, "logs": u.Logs > 0, "metrics": u.DataPoints > 0})
}

// A receiver that asks to come back later gets everything, once.
func TestRetry(t *testing.T) {
	r := newReceiver()
	refusals := 0
	r.answer = func(string) (int64, error) {
		if refusals++; refusals <= 3 {
			return 0, status.Error(codes.Unavailable, "later")
		}
		return 0, nil
	}
	startGRPC(t, r)
	sum, err := Run(t.Context(), settings(1, 10), options(r, ProtocolGRPC))
	require.NoError(t, err)
	assert.Greater(t, refusals, 3)
	compare(t, r, sum)
}

func TestGivesUp(t *testing.T) {
	r := startGRPC(t, newReceiver())
	o := options(r, ProtocolGRPC)
	o.Endpoint, o.RetryFor = "127.0.0.1:1", 300*time.Millisecond
	sum, err := Run(t.Context(), settings(2, 10), o)
	require.Error(t, err)
	assert.Zero(t, sum.Spans.Total)
	assert.Positive(t, sum.Unacknowledged.Spans)
}

// An interrupt ends the run early, with everything that was made delivered and
// counted.
func TestInterrupt(t *testing.T) {
	r := newReceiver()
	ctx, interrupt := context.WithCancel(t.Context())
	r.answer = func(string) (int64, error) {
		interrupt()
		return 0, nil
	}
	startGRPC(t, r)
	s := settings(1, 0)
	s.Rate = 100
	sum, err := Run(ctx, s, options(r, ProtocolGRPC))
	require.NoError(t, err)
	assert.Positive(t, sum.Requests)
	compare(t, r, sum)
	assert.Equal(t, 2, r.gauges["foundation.cpu.usage"], "once at the beginning, and a last flush")
}

// Events come after the spans in which they happen.
func TestSpansBeforeLogs(t *testing.T) {
	r := startGRPC(t, newReceiver())
	_, err := Run(t.Context(), settings(1, 100), options(r, ProtocolGRPC))
	require.NoError(t, err)
	order := slices.DeleteFunc(r.order, func(signal string) bool { return signal == "metrics" })
	require.Greater(t, len(order), 4)
	for i := 0; i < len(order); i += 2 {
		assert.Equal(t, []string{"spans", "logs"}, order[i:i+2])
	}
}

// Event names arrive in all the places in which applications put them.
func TestEventShapes(t *testing.T) {
	r := startGRPC(t, newReceiver())
	_, err := Run(t.Context(), settings(1, 20), options(r, ProtocolGRPC))
	require.NoError(t, err)
	shapes := map[string]string{}
	for _, l := range r.logs {
		switch {
		case has(l.Attributes, "phase"):
			shapes["phase"] = l.EventName + " + " + attr(l.Attributes, "phase").GetStringValue()
		case l.EventName != "":
			shapes["event name"] = ""
		case has(l.Attributes, "event.name"):
			shapes["attribute"] = attr(l.Attributes, "event.name").GetStringValue()
		case l.Body.GetArrayValue() != nil:
			shapes["list"] = l.Body.GetArrayValue().Values[1].GetStringValue()
		default:
			shapes["inspected"] = l.Body.GetStringValue()
		}
	}
	assert.Equal(t, map[string]string{
		"phase":      "foundation_jido.coordination.auction + bid_received",
		"event name": "",
		"attribute":  "dspex.coordination.multi_agent.agent_result",
		"list":       "metric",
		"inspected":  "[:foundation, :infrastructure, :rate_limiter, :throttled]",
	}, shapes)
}

func TestResource(t *testing.T) {
	r := startGRPC(t, newReceiver())
	_, err := Run(t.Context(), settings(2, 2), options(r, ProtocolGRPC))
	require.NoError(t, err)
	for _, instance := range []string{"foundation0@127.0.0.1", "foundation1@127.0.0.1"} {
		res := r.resources[instance]
		require.NotNil(t, res, instance)
		assert.Equal(t, "foundation_os", attr(res.Attributes, "service.name").GetStringValue())
		assert.True(t, has(res.Attributes, "deployment.environment"))
	}
}
