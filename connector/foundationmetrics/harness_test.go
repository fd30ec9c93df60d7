package foundationmetrics

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
)

// clock is the time that a test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// pair is a started connector with both of its instances, and what comes out of it.
type pair struct {
	t      *testing.T
	clock  *clock
	traces connector.Traces
	logs   connector.Logs
	sink   *consumertest.MetricsSink
	core   *core
}

func start(t *testing.T, change func(*Config)) *pair {
	sink := &consumertest.MetricsSink{}
	p := startTo(t, change, sink)
	p.sink = sink
	return p
}

func startTo(t *testing.T, change func(*Config), next consumer.Metrics) *pair {
	t.Helper()
	p := &pair{t: t, clock: newClock()}
	f := newFactory(p.clock.now)
	cfg := f.CreateDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	require.NoError(t, cfg.Sources.Validate())
	set := connectortest.NewNopSettings(metadata.Type)
	var err error
	p.traces, err = f.CreateTracesToMetrics(t.Context(), set, cfg, next)
	require.NoError(t, err)
	p.logs, err = f.CreateLogsToMetrics(t.Context(), set, cfg, next)
	require.NoError(t, err)
	for _, c := range []component.Component{p.traces, p.logs} {
		require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	}
	p.core = p.traces.(*tracesInstance).core
	t.Cleanup(func() {
		ctx := context.Background()
		require.NoError(t, p.traces.Shutdown(ctx))
		require.NoError(t, p.logs.Shutdown(ctx))
	})
	return p
}

type kv = map[string]any

// event is a log event, or a span event when it is given to a span.
type event struct {
	name  string
	attrs kv
	span  byte // of the span that it names; 0 = none
	at    time.Duration
}

// spanOf describes a span.
type spanOf struct {
	name   string
	id     byte // 0 = a zero id
	attrs  kv
	start  time.Duration // since the clock's beginning
	length time.Duration
	status ptrace.StatusCode
	events []event
}

func at(d time.Duration) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(newClock().t.Add(d))
}

func set(m pcommon.Map, attrs kv) {
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		if err := m.PutEmpty(k).FromRaw(attrs[k]); err != nil {
			panic(err)
		}
	}
}

// traceID is the trace of every span and log that a test makes.
func traceID() pcommon.TraceID { return pcommon.TraceID{1} }

func spanID(b byte) pcommon.SpanID { return pcommon.SpanID{0, b} }

func (p *pair) spans(spans ...spanOf) {
	p.t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	ss := rs.ScopeSpans().AppendEmpty().Spans()
	for _, s := range spans {
		out := ss.AppendEmpty()
		out.SetName(s.name)
		out.SetTraceID(traceID())
		if s.id != 0 {
			out.SetSpanID(spanID(s.id))
		}
		out.SetStartTimestamp(at(s.start))
		out.SetEndTimestamp(at(s.start + s.length))
		out.Status().SetCode(s.status)
		set(out.Attributes(), s.attrs)
		for _, e := range s.events {
			x := out.Events().AppendEmpty()
			x.SetName(e.name)
			x.SetTimestamp(at(e.at))
			set(x.Attributes(), e.attrs)
		}
	}
	require.NoError(p.t, p.traces.ConsumeTraces(p.t.Context(), td))
}

func (p *pair) events(events ...event) {
	p.t.Helper()
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, e := range events {
		out := records.AppendEmpty()
		out.SetEventName(e.name)
		out.SetTimestamp(at(e.at))
		if e.span != 0 {
			out.SetTraceID(traceID())
			out.SetSpanID(spanID(e.span))
		}
		set(out.Attributes(), e.attrs)
	}
	require.NoError(p.t, p.logs.ConsumeLogs(p.t.Context(), ld))
}

// flush returns all series as text, `name{key=value,...}` to value: the sum of a
// counter, the last value of a gauge, count and sum of a histogram. The layer is left
// out, since every series has it.
func (p *pair) flush() map[string]string {
	return asText(p.core.snapshot())
}

func asText(md pmetric.Metrics) map[string]string {
	return textOf(md, func(k string) bool { return k != "foundation_os.layer" })
}

func textOf(md pmetric.Metrics, keep func(string) bool) map[string]string {
	out := map[string]string{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				switch m.Type() {
				case pmetric.MetricTypeSum:
					for _, dp := range m.Sum().DataPoints().All() {
						out[key(m.Name(), dp.Attributes(), keep)] = fmt.Sprint(dp.IntValue())
					}
				case pmetric.MetricTypeGauge:
					for _, dp := range m.Gauge().DataPoints().All() {
						out[key(m.Name(), dp.Attributes(), keep)] = fmt.Sprint(dp.DoubleValue())
					}
				case pmetric.MetricTypeHistogram:
					for _, dp := range m.Histogram().DataPoints().All() {
						out[key(m.Name(), dp.Attributes(), keep)] = fmt.Sprintf("%d/%.6g", dp.Count(), dp.Sum())
					}
				case pmetric.MetricTypeExponentialHistogram:
					for _, dp := range m.ExponentialHistogram().DataPoints().All() {
						out[key(m.Name(), dp.Attributes(), keep)] = fmt.Sprintf("%d/%.6g exponential", dp.Count(), dp.Sum())
					}
				default:
				}
			}
		}
	}
	return out
}

func key(name string, attrs pcommon.Map, keep func(string) bool) string {
	var parts []string
	for k, v := range attrs.All() {
		if keep(k) {
			parts = append(parts, k+"="+v.AsString())
		}
	}
	return name + "{" + strings.Join(parts, ",") + "}"
}

// expect compares the named series; want "" says that the series must not exist.
func (p *pair) expect(want map[string]string) {
	p.t.Helper()
	got := p.flush()
	for k, v := range want {
		if g, ok := got[k]; g != v || ok && v == "" {
			p.t.Errorf("%s = %q, want %q", k, g, v)
		}
	}
	if p.t.Failed() {
		for _, k := range slices.Sorted(maps.Keys(got)) {
			p.t.Logf("%s = %s", k, got[k])
		}
	}
}
