package foundationmetrics

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// What is broken is left out; the good span beside it is counted, and what comes out
// is fit to be sent.
func TestHostileInput(t *testing.T) {
	big := strings.Repeat("x", 1<<16)
	values := []any{
		math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, -1, math.MaxInt64, "", "nil", "[REDACTED]", "\xff\xfe", big, true,
		[]any{},
		[]any{[]any{1}, kv{"a": 1}},
		kv{"a": kv{"b": 1}},
		[]byte{0, 255},
		nil,
	}
	for _, e := range semconv.Events {
		for _, v := range values {
			p := start(t, nil)
			attrs := kv{}
			for _, a := range semconv.Attributes {
				if a.Name == semconv.AttributeEventName || a.Name == semconv.AttributePhase {
					continue
				}
				attrs[a.Name] = v
				for _, alias := range a.Aliases {
					attrs[alias] = v
				}
			}
			delete(attrs, "event_name")
			delete(attrs, "event.name")
			p.spans(
				spanOf{name: e.Name, id: 1, length: ms, attrs: attrs, events: []event{{name: e.Name + ".complete", attrs: attrs}}},
				spanOf{name: e.Name, attrs: attrs},
				spanOf{name: e.Name, length: -time.Hour, attrs: attrs},
				spanOf{name: "foundation_os.request", length: ms, attrs: kv{"foundation_os.operation": "good"}},
			)
			p.events(event{name: e.Name, attrs: attrs}, event{name: e.Name + ".stop", attrs: attrs, span: 1})
			p.clock.advance(time.Hour)
			md := p.core.snapshot()
			require.Equal(t, "1/0.001", asText(md)["foundation_os.request.duration{operation=good,outcome=success}"], "%s %v", e.Name, v)
			mustBeFit(t, md)
		}
	}
}

// mustBeFit fails on what back-ends refuse.
func mustBeFit(t *testing.T, md pmetric.Metrics) {
	t.Helper()
	finite := func(v float64) { require.False(t, math.IsNaN(v) || math.IsInf(v, 0)) }
	text := func(m pcommon.Map) {
		for k, v := range m.All() {
			require.NotEmpty(t, k)
			require.True(t, strings.ToValidUTF8(v.AsString(), "") == v.AsString(), "%s: invalid UTF-8", k)
			require.LessOrEqual(t, len(v.AsString()), 256)
			require.NotEqual(t, "nil", v.AsString())
		}
	}
	for _, rm := range md.ResourceMetrics().All() {
		text(rm.Resource().Attributes())
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			require.NotEmpty(t, m.Name())
			switch m.Type() {
			case pmetric.MetricTypeSum:
				for _, dp := range m.Sum().DataPoints().All() {
					require.GreaterOrEqual(t, dp.IntValue(), int64(0))
					text(dp.Attributes())
				}
			case pmetric.MetricTypeGauge:
				for _, dp := range m.Gauge().DataPoints().All() {
					finite(dp.DoubleValue())
					text(dp.Attributes())
				}
			case pmetric.MetricTypeHistogram:
				for _, dp := range m.Histogram().DataPoints().All() {
					finite(dp.Sum())
					text(dp.Attributes())
					var n uint64
					for _, c := range dp.BucketCounts().All() {
						n += c
					}
					require.Equal(t, dp.Count(), n)
				}
			default:
				t.Fatalf("%s has type %s", m.Name(), m.Type())
			}
		}
	}
}

func TestDurationsThatMeanNothingAreCounted(t *testing.T) {
	const register = "foundation.process_registry.register"
	const count, duration = "foundation.process_registry.registrations{namespace=default,process_type=unknown}", "foundation.process_registry.registration_duration{namespace=default}"
	for name, c := range map[string]struct {
		send   func(*pair)
		value  string
		reason string
	}{
		"ends before it starts":  {func(p *pair) { p.spans(spanOf{name: register, start: time.Second, length: -ms}) }, "", "end_before_start"},
		"no length":              {func(p *pair) { p.spans(spanOf{name: register}) }, "1/0", ""},
		"no length but a word":   {func(p *pair) { p.spans(spanOf{name: register, attrs: kv{"duration_ms": 7}}) }, "1/0.007", ""},
		"its own length is true": {func(p *pair) { p.spans(spanOf{name: register, length: ms, attrs: kv{"duration": 7}}) }, "1/0.001", ""},
		"negative": {func(p *pair) {
			p.events(event{name: register + ".complete", attrs: kv{"duration_ms": -7}})
		}, "", "negative_duration"},
		// Microseconds, native time or milliseconds? A wrong guess is off by a million.
		"no unit": {func(p *pair) { p.events(event{name: register + ".complete", attrs: kv{"duration": 7}}) }, "", "unit_unknown"},
		"text":    {func(p *pair) { p.events(event{name: register + ".complete", attrs: kv{"duration_ms": "[REDACTED]"}}) }, "", "not_a_number"},
		"nothing": {func(p *pair) { p.events(event{name: register + ".complete"}) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			c.send(p)
			p.expect(map[string]string{count: "1", duration: c.value})
			if c.reason == "" {
				assert.Empty(t, p.core.agg.Stats.Unusable)
			} else {
				assert.Contains(t, p.core.agg.Stats.Unusable, c.reason)
			}
		})
	}
}

// Names come as EventName, as attributes, as text or as a list in the body.
func TestTheShapesOfALogsName(t *testing.T) {
	for name, fill := range map[string]func(plog.LogRecord){
		"event name": func(l plog.LogRecord) { l.SetEventName("foundation_jido.coordination.auction.bid_received") },
		"attribute": func(l plog.LogRecord) {
			l.Attributes().PutStr("event.name", "foundation_jido.coordination.auction.bid_received")
		},
		"older attribute": func(l plog.LogRecord) {
			l.Attributes().PutStr("event_name", "foundation_jido.coordination.auction.bid_received")
		},
		"text":           func(l plog.LogRecord) { l.Body().SetStr("foundation_jido.coordination.auction.bid_received") },
		"inspected list": func(l plog.LogRecord) { l.Body().SetStr("[:foundation_jido, :coordination, :auction, :bid_received]") },
		"list": func(l plog.LogRecord) {
			_ = l.Body().SetEmptySlice().FromRaw([]any{"foundation_jido", "coordination", "auction", "bid_received"})
		},
		"list of atoms": func(l plog.LogRecord) {
			_ = l.Body().SetEmptySlice().FromRaw([]any{":foundation_jido", ":coordination", ":auction", ":bid_received"})
		},
		"canonical": func(l plog.LogRecord) {
			l.Attributes().PutStr("foundation_os.event.name", "foundation_jido.coordination.auction.bid_received")
		},
		"name and a phase": func(l plog.LogRecord) {
			l.SetEventName("foundation_jido.coordination.auction")
			l.Attributes().PutStr("phase", "bid_received")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			ld := plog.NewLogs()
			fill(ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
			require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
			p.expect(map[string]string{"foundation_jido.auction.bids{}": "1", "foundation_jido.auction.completed{outcome=success}": ""})
		})
	}
}

func TestEmptyBatches(t *testing.T) {
	p := start(t, nil)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), ptrace.NewTraces()))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), plog.NewLogs()))
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
	assert.Zero(t, p.core.snapshot().DataPointCount())
}
