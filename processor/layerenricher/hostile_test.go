package layerenricher

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// enrichOne runs one span through a new enricher.
func enrichOne(t *testing.T, cfg *Config, fill func(ptrace.Span)) map[string]any {
	t.Helper()
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(spanID(1))
	fill(s)
	_, err := newTestEnricher(t, cfg).traces(t.Context(), td)
	require.NoError(t, err)
	return s.Attributes().AsRaw()
}

// Taking an attribute away moves another into its place, which must not be one
// that is still to be read.
func TestNilBesideListAndMap(t *testing.T) {
	for _, nils := range [][]string{{"foundation_os.agent.id"}, {"foundation_os.agent.id", "foundation_os.program.id"}} {
		got := enrichOne(t, createDefaultConfig(), func(s ptrace.Span) {
			a := s.Attributes()
			a.EnsureCapacity(32) // as a decoder may leave it: nothing is copied to a larger array
			for _, key := range nils {
				a.PutStr(key, "nil")
			}
			a.PutStr("program_type", "predict")
			a.PutEmptySlice("tags").AppendEmpty().SetStr("a")
			a.PutEmptyMap("custom").PutStr("k", "v")
		})
		assert.Equal(t, map[string]any{
			"program_type": "predict", "foundation_os.program.type": "predict",
			"tags": []any{"a"}, "foundation_os.tags": []any{"a"},
			"custom": map[string]any{"k": "v"}, "foundation_os.custom.k": "v",
			"foundation_os.layer": "unknown",
		}, got)
	}
}

// An id that cannot be read is still an id of its own: neither the item nor what
// lies below it belongs to the ancestor's agent.
func TestUnreadableIDTakesNoOther(t *testing.T) {
	for name, set := range map[string]func(pcommon.Value){
		"long":     func(v pcommon.Value) { v.SetStr(strings.Repeat("x", maxID+1)) },
		"map":      func(v pcommon.Value) { v.SetEmptyMap().PutStr("id", "b") },
		"fraction": func(v pcommon.Value) { v.SetDouble(1.5) },
		"bytes":    func(v pcommon.Value) { v.SetEmptyBytes().Append(1) },
		"two": func(v pcommon.Value) {
			v.SetEmptySlice().AppendEmpty().SetStr("a")
			v.Slice().AppendEmpty().SetStr("b")
		},
	} {
		for _, key := range []string{"agent_id", "foundation_os.agent.id"} {
			td := ptrace.NewTraces()
			spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			tr := randomTrace{parent: []int{-1, 0, 1}, agent: []string{"agent-0", "", ""}, bearer: []bool{true, false, false}}
			for i := range 3 {
				tr.add(i, 0, spans)
			}
			set(spans.At(1).Attributes().PutEmpty(key))
			before := get(spans.At(1).Attributes(), key)
			set(spans.At(2).Attributes().PutEmpty("request_id"))
			_, err := newTestEnricher(t, createDefaultConfig()).traces(t.Context(), td)
			require.NoError(t, err)
			assert.Equal(t, before, get(spans.At(1).Attributes(), key), name)
			if key == "agent_id" {
				assert.Empty(t, get(spans.At(1).Attributes(), "foundation_os.agent.id"), name)
			}
			assert.Empty(t, get(spans.At(2).Attributes(), "foundation_os.agent.id"), "%s: below it", name)
			assert.Empty(t, get(spans.At(2).Attributes(), "foundation_os.request.id"), "%s: trace-wide", name)
			assert.Empty(t, get(spans.At(1).Attributes(), "foundation_os.request.id"), "%s: two requests in one trace", name)
		}
	}
}

// Headers arrive as lists, numbers of some languages as doubles.
func TestIDsOfOtherTypes(t *testing.T) {
	for want, set := range map[string]func(pcommon.Value){
		"req-1": func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr("req-1") },
		"7":     func(v pcommon.Value) { v.SetInt(7) },
		"12":    func(v pcommon.Value) { v.SetDouble(12) },
	} {
		got := enrichOne(t, createDefaultConfig(), func(s ptrace.Span) {
			set(s.Attributes().PutEmpty("http.request.header.x-request-id"))
		})
		assert.Equal(t, want, got["foundation_os.request.id"])
	}
}

// A name longer than any event's says its layer and is not repeated.
func TestLongNames(t *testing.T) {
	long := "dspex." + strings.Repeat("x", maxEventName)
	got := enrichOne(t, createDefaultConfig(), func(s ptrace.Span) { s.SetName(long) })
	assert.Equal(t, map[string]any{"foundation_os.layer": "dspex"}, got)
}

func TestParentOfAnotherTrace(t *testing.T) {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(spanID(1))
	s.Attributes().PutStr("parent_span", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")
	_, err := newTestEnricher(t, createDefaultConfig()).traces(t.Context(), td)
	require.NoError(t, err)
	assert.True(t, s.ParentSpanID().IsEmpty())
}

func TestNilEventName(t *testing.T) {
	ld := plog.NewLogs()
	rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.SetEventName("nil")
	rec.Attributes().PutStr("event_name", "dspex.program.execution.stop")
	_, err := newTestEnricher(t, createDefaultConfig()).logs(t.Context(), ld)
	require.NoError(t, err)
	assert.Equal(t, "dspex.program.execution.complete", rec.EventName())
}

// Logs keep the trace that they belong to in memory, as spans do.
func TestLogsKeepTheirTraceAlive(t *testing.T) {
	e := newTestEnricher(t, createDefaultConfig())
	start := time.Now()
	td := ptrace.NewTraces()
	tr := randomTrace{parent: []int{-1}, agent: []string{""}, bearer: []bool{true}}
	tr.add(0, 0, td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans())
	_, err := e.traces(t.Context(), td)
	require.NoError(t, err)
	for i := range 3 {
		e.now = func() time.Time { return start.Add(time.Duration(i+1) * 4 * time.Minute) }
		ld := plog.NewLogs()
		rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		rec.SetTraceID(pcommon.TraceID{1, 0})
		_, err := e.logs(t.Context(), ld)
		require.NoError(t, err)
		assert.Equal(t, "request-0", get(rec.Attributes(), "foundation_os.request.id"), "after %d minutes", 4*(i+1))
	}
}

func TestManyServicesOfFewLayers(t *testing.T) {
	cfg := createDefaultConfig()
	cfg.Layers.Services = map[string]string{}
	for i := range 400 {
		cfg.Layers.Services[fmt.Sprint("service-", i)] = "foundation"
	}
	require.NoError(t, cfg.Validate())
	require.NoError(t, cfg.Layers.Validate())
	_, err := newPlan(cfg)
	require.NoError(t, err)
	for i := range 252 {
		cfg.Layers.Services[fmt.Sprint("service-", i)] = fmt.Sprint("layer-", i)
	}
	assert.ErrorContains(t, cfg.Validate(), "layers: more than 254 layers", "validation says what creation would")
}

// Lists that are empty on purpose are not the same as lists that are not there.
func TestEmptyLists(t *testing.T) {
	cfg, err := load(t, "correlation: {trace_wide: [], subtree: []}\nnormalize: {nil_strings: []}\naliases: {foundation_os.program.type: []}")
	require.NoError(t, err)
	got := enrichOne(t, cfg, func(s ptrace.Span) {
		s.Attributes().PutStr("agent_id", "nil")
		s.Attributes().PutStr("program_type", "predict")
	})
	assert.Equal(t, map[string]any{
		"agent_id": "nil", "foundation_os.agent.id": "nil", "gen_ai.agent.id": "nil", "program_type": "predict", "foundation_os.layer": "unknown",
	}, got)
	p, err := newPlan(cfg)
	require.NoError(t, err)
	assert.Empty(t, p.traceWide)
	assert.Empty(t, p.subtree)
}

// An attribute that the preset reads from logs only is read from spans too when
// it is carried: a span's own must not be taken for missing.
func TestCarryAnyText(t *testing.T) {
	cfg, err := load(t, `
correlation: {trace_wide: [tenant.id, foundation_os.coordination.type, foundation_os.circuit_breaker.name]}
aliases: {tenant.id: [tenant]}`)
	require.NoError(t, err)
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	tr := randomTrace{parent: []int{-1, 0}, agent: []string{"", ""}, bearer: []bool{false, false}}
	tr.add(0, 0, spans)
	tr.add(1, 0, spans)
	spans.At(1).Attributes().PutStr("tenant", "t-1")
	spans.At(1).Attributes().PutStr("coordination_type", "auction")
	spans.At(0).Attributes().PutStr("foundation_os.circuit_breaker.name", "a")
	e := newTestEnricher(t, cfg)
	ld := plog.NewLogs()
	rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.SetTraceID(pcommon.TraceID{1, 0})
	rec.Attributes().PutStr("circuit_breaker", "b")
	_, err = e.logs(t.Context(), ld)
	require.NoError(t, err)
	_, err = e.traces(t.Context(), td)
	require.NoError(t, err)
	assert.Equal(t, "a", get(spans.At(0).Attributes(), "foundation_os.circuit_breaker.name"), "its own")
	assert.Equal(t, "t-1", get(spans.At(0).Attributes(), "tenant.id"))
	assert.Equal(t, "auction", get(spans.At(0).Attributes(), "foundation_os.coordination.type"))
}
