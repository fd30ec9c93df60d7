package e2e

import (
	"encoding/hex"
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

// documentsTracer imitates the tracer of the architecture document to the letter,
// as its events arrive: child spans are started with parent_span, where
// start_span looks for span_id, so that they have no parent; ending a child
// deletes the current span, so that the root is never ended. Ids are upper-case
// hex, times native (nanoseconds), nil is the text "nil".
type documentsTracer struct {
	trace   string
	spans   int
	records []func(plog.LogRecord)
}

func (d *documentsTracer) event(name []string, attrs map[string]any) {
	d.records = append(d.records, func(l plog.LogRecord) {
		words := l.Body().SetEmptySlice()
		for _, w := range name {
			words.AppendEmpty().SetStr(w)
		}
		_ = l.Attributes().FromRaw(attrs)
		l.Attributes().PutStr("node", "app@127.0.0.1")
		l.Attributes().PutStr("trace_id", d.trace)
	})
}

func (d *documentsTracer) startSpan(operation string) (id string) {
	d.spans++
	id = fmt.Sprintf("00F067AA0BA902%02X", d.spans)
	d.event([]string{"foundation", "span", "start"}, map[string]any{
		"timestamp": -576460751000000000 + int64(d.spans), "span_id": id, "operation": operation, "parent_span": "nil",
	})
	return id
}

func (d *documentsTracer) endSpan(id string, d2 time.Duration, more map[string]any) {
	attrs := map[string]any{"span_id": id, "duration": d2.Nanoseconds()}
	for k, v := range more {
		attrs[k] = v
	}
	d.event([]string{"foundation", "span", "end"}, attrs)
}

// The document's example, its request in pieces and the telling one last: the
// events, and the spans that a bridge makes of those that were ended.
func TestTheDocumentsTracerComesOutAsOneRequest(t *testing.T) {
	t.Parallel()
	c := startCollector(t, everything, noLoad)
	// its random part is high: kept at every rate
	d := &documentsTracer{trace: "AB0102030405060708FFFFFFFFFFFFFF"}
	root := d.startSpan("request.multi_agent_optimization")
	request := map[string]any{
		"timestamp": time.Now().UnixMilli(), "span_id": root, "operation": "multi_agent_optimization", "program_id": "prog-7", "request_id": "req-1",
	}
	d.event([]string{"foundation_os", "request", "start"}, request)
	type child struct {
		operation, layer string
		took             time.Duration
		end              map[string]any
	}
	children := []child{
		{"foundation.agent_discovery", "foundation", 12 * time.Millisecond, map[string]any{"agents_found": "3"}},
		{"foundation_jido.coordination_setup", "foundation_jido", 2 * time.Millisecond, map[string]any{"coordination_type": ":auction"}},
		{"dspex.multi_agent_optimization", "dspex", 900 * time.Millisecond, map[string]any{"optimization_success": "true"}},
	}
	var spans []func(ptrace.Span)
	for _, ch := range children {
		id := d.startSpan(ch.operation)
		d.endSpan(id, ch.took, ch.end)
		spans = append(spans, func(s ptrace.Span) {
			s.SetName(ch.operation)
			trace, err := hex.DecodeString(d.trace)
			require.NoError(t, err)
			span, err := hex.DecodeString(id)
			require.NoError(t, err)
			s.SetTraceID(pcommon.TraceID(trace))
			s.SetSpanID(pcommon.SpanID(span))
			end := time.Now()
			s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-ch.took)))
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
			_ = s.Attributes().FromRaw(map[string]any{
				"trace_id": d.trace, "span_id": id, "parent_span": "nil", "layer": ":" + ch.layer, "duration": ch.took.Nanoseconds(),
			})
		})
	}
	d.event([]string{"foundation_os", "request", "complete"}, map[string]any{"timestamp": time.Now().UnixMilli(), "request_success": "true", "final_performance": 0.93})

	for _, f := range spans {
		td := ptrace.NewTraces()
		f(td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty())
		c.sendTraces(td)
	}
	for i := len(d.records) - 1; i >= 0; i-- {
		ld := plog.NewLogs()
		d.records[i](ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
		c.sendLogs(ld)
	}
	c.stop()

	got := readTraces(t, c.file("all.jsonl"))
	require.Len(t, got, len(children))
	for i, s := range got {
		a := s.it.Attributes()
		assert.Equal(t, children[i].layer, attr(a, "foundation_os.layer"), s.it.Name())
		assert.Equal(t, "req-1", attr(a, "foundation_os.request.id"), s.it.Name())
		assert.Equal(t, "prog-7", attr(a, "foundation_os.program.id"), s.it.Name())
		duration, _ := a.Get("foundation_os.duration")
		assert.InDelta(t, children[i].took.Seconds(), duration.Double(), 1e-9, s.it.Name())
	}
	logs := readLogs(t, c.file("all_logs.jsonl"))
	require.Len(t, logs, len(d.records))
	events := map[string]int{}
	for _, l := range logs {
		a := l.it.Attributes()
		events[l.it.EventName()]++
		assert.Equal(t, strings.ToLower(d.trace), l.it.TraceID().String(), l.it.EventName())
		assert.Equal(t, "req-1", attr(a, "foundation_os.request.id"), l.it.EventName())
		assert.Equal(t, "prog-7", attr(a, "foundation_os.program.id"), l.it.EventName())
		if id := attr(a, "span_id"); id != "" {
			assert.Equal(t, strings.ToLower(id), l.it.SpanID().String(), l.it.EventName())
		}
	}
	assert.Equal(t, map[string]int{
		"foundation.span.start": 4, "foundation.span.complete": 3, "foundation_os.request.start": 1, "foundation_os.request.complete": 1,
	}, events)
}

// Jido starts a trace for each asynchronous child: only jido_trace_id, in either
// case and with or without dashes, tells whose they are.
func TestJidosAsynchronousChildrenComeOutAsOneRequest(t *testing.T) {
	t.Parallel()
	c := startCollector(t, everything, noLoad)
	const key = "0197B0F2-7E5A-7C3D-8F10-AABBCCDDEEFF"
	send := func(trace, id byte, name string, attrs ...string) {
		td := ptrace.NewTraces()
		s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{trace, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff})
		s.SetSpanID(pcommon.SpanID{id})
		s.SetName(name)
		for i := 0; i < len(attrs); i += 2 {
			s.Attributes().PutStr(attrs[i], attrs[i+1])
		}
		c.sendTraces(td)
	}
	send(2, 1, "jido.agent.run", "agent_id", "agent-a", "jido_trace_id", key)
	send(3, 1, "jido.agent.run", "agent_id", "agent-b", "jido_trace_id", strings.ToLower(key))
	send(3, 2, "jido.ai.llm")
	send(4, 1, "jido.agent.run", "jido_trace_id", "0197B0F2-7E5A-7C3D-8F10-000000000001")
	ld := plog.NewLogs()
	rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	rec.Attributes().PutStr("jido_trace_id", strings.ReplaceAll(strings.ToLower(key), "-", ""))
	c.sendLogs(ld)
	send(1, 1, "request.search", "request_id", "req-1", "program_id", "prog-7", "jido_trace_id", key)
	// let go when their time has come, not by the collector's end
	eventually(t, 20*time.Second, func() error {
		if n, err := c.own("otelcol_layer_enricher_items", nil); err != nil || n < 6 {
			return errNotYet
		}
		return nil
	})
	c.stop()

	spans := readTraces(t, c.file("all.jsonl"))
	require.Len(t, spans, 5)
	for _, s := range spans {
		want := "req-1"
		if s.it.TraceID()[0] == 4 {
			want = "" // another request's
		}
		assert.Equal(t, want, attr(s.it.Attributes(), "foundation_os.request.id"), "%s of trace %d", s.it.Name(), s.it.TraceID()[0])
	}
	logs := readLogs(t, c.file("all_logs.jsonl"))
	require.Len(t, logs, 1)
	assert.Equal(t, "req-1", attr(logs[0].it.Attributes(), "foundation_os.request.id"))
}
