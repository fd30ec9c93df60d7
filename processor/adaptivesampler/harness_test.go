package adaptivesampler

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadatatest"
)

// harness is a started processor with what came out of it and its metrics.
type harness struct {
	t         *testing.T
	telemetry *componenttest.Telemetry
	traces    processor.Traces
	logs      processor.Logs
	spansOut  consumertest.TracesSink
	logsOut   consumertest.LogsSink
	asked     uint32 // traces of thresholdNow
}

// quiet is a configuration without load, for tests that are not about it.
func quiet(change func(*Config)) *Config {
	cfg := spanMode()
	cfg.Load.Sources = nil
	if change != nil {
		change(cfg)
	}
	return cfg
}

// spanMode is the default configuration but for the mode.
func spanMode() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Mode = modeSpan
	return cfg
}

func newHarness(t *testing.T, cfg *Config, signals ...*signal) *harness {
	t.Helper()
	h := &harness{t: t, telemetry: componenttest.NewTelemetry()}
	t.Cleanup(func() { require.NoError(t, h.telemetry.Shutdown(context.Background())) })
	set := metadatatest.NewSettings(h.telemetry)
	var err error
	monitor := monitorOf(cfg, signals...)
	h.traces, err = newTraces(t.Context(), set, cfg, monitor, &h.spansOut)
	require.NoError(t, err)
	h.logs, err = newLogs(t.Context(), set, cfg, monitor, &h.logsOut)
	require.NoError(t, err)
	require.NoError(t, h.traces.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, h.logs.Start(t.Context(), componenttest.NewNopHost()))
	return h
}

// monitorOf has the given signals in place of the configured ones.
func monitorOf(cfg *Config, signals ...*signal) *monitor {
	c := *cfg
	c.Load.Sources = nil
	m := newMonitor(&c, zap.NewNop())
	for _, s := range signals {
		m.add(LoadSource(s.source), s.read)
	}
	return m
}

func (h *harness) stop() {
	h.t.Helper()
	require.NoError(h.t, h.traces.Shutdown(context.Background()))
	require.NoError(h.t, h.logs.Shutdown(context.Background()))
}

// span sends one span and returns it as it came out, or false.
func (h *harness) span(change func(ptrace.Span)) (ptrace.Span, bool) {
	h.t.Helper()
	h.spansOut.Reset()
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(traceID(1 << 55))
	change(s)
	require.NoError(h.t, h.traces.ConsumeTraces(h.t.Context(), td))
	out := h.spansOut.AllTraces()
	if len(out) == 0 {
		return ptrace.NewSpan(), false
	}
	require.Equal(h.t, 1, out[0].SpanCount())
	return out[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0), true
}

// log is span for a log record.
func (h *harness) log(change func(plog.LogRecord)) (plog.LogRecord, bool) {
	h.t.Helper()
	h.logsOut.Reset()
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTraceID(traceID(1 << 55))
	change(record)
	require.NoError(h.t, h.logs.ConsumeLogs(h.t.Context(), ld))
	out := h.logsOut.AllLogs()
	if len(out) == 0 {
		return plog.NewLogRecord(), false
	}
	return out[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0), true
}

// items reads the metric of the decisions: "traces kept sampled" -> count.
func (h *harness) items() map[string]int64 {
	h.t.Helper()
	items := map[string]int64{}
	m, err := h.telemetry.GetMetric("otelcol_adaptive_sampler_items")
	if err != nil {
		return items // nothing yet
	}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		key := ""
		for _, name := range []string{"signal", "decision", "reason"} {
			v, ok := p.Attributes.Value(attribute.Key(name))
			require.True(h.t, ok)
			key += " " + v.AsString()
		}
		items[key[1:]] += p.Value
	}
	return items
}

// value reads a metric of one point a signal.
func (h *harness) value(name, signal string) (float64, bool) {
	h.t.Helper()
	m, err := h.telemetry.GetMetric("otelcol_adaptive_sampler_" + name)
	if err != nil {
		return 0, false
	}
	var sum float64
	found := false
	add := func(of attribute.Set, v float64) {
		if s, _ := of.Value("signal"); s.AsString() == signal {
			sum, found = sum+v, true
		}
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	}
	return sum, found
}

// bySource reads a gauge of one point a signal and source.
func (h *harness) bySource(name, signal string) map[string]float64 {
	h.t.Helper()
	values := map[string]float64{}
	m, err := h.telemetry.GetMetric("otelcol_adaptive_sampler_" + name)
	require.NoError(h.t, err)
	add := func(of attribute.Set, v float64) {
		if s, _ := of.Value("signal"); s.AsString() == signal {
			source, _ := of.Value("source")
			values[source.AsString()] = v
		}
	}
	switch data := m.Data.(type) {
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	}
	return values
}

// traceID is an id with the given 56 bits of randomness. The first byte is
// not part of them, so that no id is the zero one.
func traceID(randomness uint64) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], randomness)
	id[0] = 1
	return id
}

func randomTraceID(rng *rand.Rand) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	return id
}
