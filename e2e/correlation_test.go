package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// everything adds a file with all enriched spans and logs, before the sampler.
const everything = `yaml:
exporters:
  file/all: {path: "${env:FOUNDATION_DATA_DIR}/all.jsonl"}
  file/all_logs: {path: "${env:FOUNDATION_DATA_DIR}/all_logs.jsonl"}
service:
  pipelines:
    traces/in: {exporters: [foundation_metrics, forward/traces, file/all]}
    logs/in: {exporters: [foundation_metrics, alert_rules, forward/logs, file/all_logs]}
`

// The generator's spans carry their ids where an application would know them and
// nowhere else. What the collector fills in is checked against the tree.
func TestGeneratedSpansHaveLayersAndIDs(t *testing.T) {
	t.Parallel()
	c := startCollector(t, everything)
	sent := generate(t, c, "--senders", "4", "--rate", "0", "--requests", "120", "--error-rate", "0.1", "--seed", "11")
	c.stop()

	spans := readTraces(t, c.file("all.jsonl"))
	require.Len(t, spans, int(sent.Spans.Total))
	kept := readTraces(t, c.file("traces.jsonl"))
	require.NotEmpty(t, kept)
	require.Less(t, len(kept), len(spans))

	for _, where := range [][]item[ptrace.Span]{spans, kept} {
		for _, s := range where {
			layer := attr(s.it.Attributes(), "foundation_os.layer")
			assert.Contains(t, []string{"foundation", "foundation_jido", "dspex", "foundation_os"}, layer, "the layer of %s", s.it.Name())
		}
	}
	logs := readLogs(t, c.file("all_logs.jsonl"))
	require.Len(t, logs, int(sent.Logs.Total))
	for _, l := range logs {
		assert.NotContains(t, []string{"", "unknown"}, attr(l.it.Attributes(), "foundation_os.layer"), "the layer of %s", l.it.EventName())
		assertClean(t, l.it.EventName(), l.it.Attributes())
	}

	checkIDs(t, spans)
	filled := 0
	for _, s := range spans {
		if attr(s.it.Attributes(), "request_id") == "" && attr(s.it.Attributes(), "foundation_os.request.id") != "" {
			filled++
		}
	}
	assert.Greater(t, filled, len(spans)/2, "most spans do not know their request, the collector does")
}

// checkIDs checks every span against its trace.
func checkIDs(t *testing.T, spans []item[ptrace.Span]) {
	t.Helper()
	byID := map[pcommon.SpanID]ptrace.Span{}
	for _, s := range spans {
		byID[s.it.SpanID()] = s.it
	}
	raw := map[string]string{"foundation_os.request.id": "request_id", "foundation_os.program.id": "program_id"}
	ids := map[string]string{} // canonical name and trace -> the id that one of its spans knows
	for _, s := range spans {
		for canonical, key := range raw {
			if v := attr(s.it.Attributes(), key); known(v) {
				ids[canonical+s.it.TraceID().String()] = v
			}
		}
	}
	require.NotEmpty(t, ids, "somebody must know an id")

	for _, s := range spans {
		attrs := s.it.Attributes()
		assertClean(t, s.it.Name(), attrs)
		for canonical := range raw {
			assert.Equal(t, ids[canonical+s.it.TraceID().String()], attr(attrs, canonical), "%s of %s", canonical, s.it.Name())
		}
		assert.Equal(t, nearest(byID, s.it, "agent_id"), attr(attrs, "foundation_os.agent.id"), "the agent of %s", s.it.Name())
	}
}

// nearest is the span's own value, else that of its nearest ancestor.
func nearest(byID map[pcommon.SpanID]ptrace.Span, s ptrace.Span, key string) string {
	for range 100 {
		if v := attr(s.Attributes(), key); known(v) {
			return v
		}
		parent, ok := byID[s.ParentSpanID()]
		if !ok {
			return ""
		}
		s = parent
	}
	return ""
}

func known(v string) bool { return v != "" && v != "nil" && v != "undefined" }

// assertClean: nil never becomes an id.
func assertClean(t *testing.T, name string, attrs pcommon.Map) {
	t.Helper()
	for _, key := range []string{"foundation_os.request.id", "foundation_os.agent.id", "foundation_os.coordination.id", "foundation_os.program.id", "gen_ai.agent.id"} {
		if v, ok := attrs.Get(key); ok {
			assert.True(t, known(v.AsString()), "%s of %s is %q", key, name, v.AsString())
		}
	}
}

// One trace in four batches, over both protocols' usual order: children before
// parents, the bearer of the ids in the middle.
func TestIDsAcrossBatches(t *testing.T) {
	t.Parallel()
	c := startCollector(t, noLoad)
	// its random part is high: kept at every rate
	trace := pcommon.TraceID{0xab, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	batch := func(spans ...func(ptrace.Span)) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "shop")
		for _, f := range spans {
			s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			s.SetTraceID(trace)
			f(s)
		}
		c.sendTraces(td)
	}
	span := func(id, parent byte, name string, attrs ...string) func(ptrace.Span) {
		return func(s ptrace.Span) {
			s.SetSpanID(pcommon.SpanID{id})
			if parent != 0 {
				s.SetParentSpanID(pcommon.SpanID{parent})
			}
			s.SetName(name)
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(time.Millisecond)))
			for i := 0; i < len(attrs); i += 2 {
				s.Attributes().PutStr(attrs[i], attrs[i+1])
			}
		}
	}
	batch(span(9, 3, "http.get"))
	batch(
		span(1, 0, "request.search", "request_id", "req-1", "program_id", "prog-1", "agent_id", "nil"),
		span(2, 1, "jido.agent.run", "agent_id", "agent-a"),
		span(3, 1, "jido.agent.run", "agent_id", "agent-b"),
	)
	batch(span(4, 2, "ecto.query"), span(5, 3, "ecto.query"), span(6, 1, "dspex.program.execution", "agent_id", "undefined"))
	batch(span(7, 4, "dns.lookup"))
	c.stop()

	type ids struct{ layer, request, program, agent string }
	got := map[byte]ids{}
	for _, s := range readTraces(t, c.file("traces.jsonl")) {
		a := s.it.Attributes()
		got[s.it.SpanID()[0]] = ids{attr(a, "foundation_os.layer"), attr(a, "foundation_os.request.id"), attr(a, "foundation_os.program.id"), attr(a, "foundation_os.agent.id")}
	}
	assert.Equal(t, map[byte]ids{
		1: {"foundation_os", "req-1", "prog-1", ""},
		2: {"foundation_jido", "req-1", "prog-1", "agent-a"},
		3: {"foundation_jido", "req-1", "prog-1", "agent-b"},
		4: {"foundation_jido", "req-1", "prog-1", "agent-a"},
		5: {"foundation_jido", "req-1", "prog-1", "agent-b"},
		6: {"dspex", "req-1", "prog-1", ""},
		7: {"foundation_jido", "req-1", "prog-1", "agent-a"},
		9: {"foundation_jido", "req-1", "prog-1", "agent-b"}, // it came before anybody knew anything
	}, got, fmt.Sprintf("%v", got))
}
