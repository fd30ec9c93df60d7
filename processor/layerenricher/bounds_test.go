package layerenricher

import (
	"context"
	"encoding/binary"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadatatest"
)

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// numbered is a trace id that looks like none of the small ones of the tests.
func numbered(n int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], 0xFFFF<<48|uint64(n))
	return id
}

// A million traces go by, two of ours among them all the time.
func TestAMillionTraces(t *testing.T) {
	total, step := 1_000_000, 1000
	if testing.Short() {
		total = 100_000
	}
	tel := componenttest.NewTelemetry()
	cfg := createDefaultConfig()
	cfg.Correlation.Cache.MaxTraces = 20_000
	p, err := NewFactory().CreateTraces(t.Context(), metadatatest.NewSettings(tel), cfg, consumertest.NewNop())
	require.NoError(t, err)
	send := func(td ptrace.Traces) ptrace.Traces {
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
		return td
	}
	for trace := range byte(2) {
		send(oneSpan(trace+1, 1, 0, "request_id", "request", "agent_id", "agent"))
	}
	var full int64
	for n := 0; n < total; n += step {
		td := ptrace.NewTraces()
		spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for i := range step {
			s := spans.AppendEmpty()
			s.SetTraceID(numbered(n + i))
			s.SetSpanID(pcommon.SpanID{1})
			s.SetName("dspex.program.execution")
			s.Attributes().PutStr("request_id", "someone's")
			s.Attributes().PutStr("jido_trace_id", "shared by a thousand "+numbered(n).String())
		}
		send(td)
		for trace := range byte(2) {
			attrs := allSpans(send(oneSpan(trace+1, 2, 1)))[0].Attributes()
			require.Equal(t, "request", get(attrs, "foundation_os.request.id"))
			require.Equal(t, "agent", get(attrs, "foundation_os.agent.id"))
		}
		if n == 3*cfg.Correlation.Cache.MaxTraces {
			full = liveHeap()
		}
	}
	assert.Less(t, liveHeap(), full+full/3, "memory is flat: fifteen times as many traces, not a third more of it")
	held := sum(t, tel, "cache_traces")[""]
	assert.LessOrEqual(t, held, int64(20_000))
	assert.Greater(t, held, int64(18_000), "the shards fill evenly")
	keys := int64(total / step)
	assert.Equal(t, int64(total)+keys+2, held+sum(t, tel, "cache_evictions")[""], "what came is there or counted")
	assert.Equal(t, int64(total), sum(t, tel, "cache_joins")[""])
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, tel.Shutdown(context.Background()))
}

// A trace of 50,000 spans whose first span, the only one that knows the request,
// comes last.
func TestTraceOfFiftyThousandSpans(t *testing.T) {
	const spans, step = 50_000, 500
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		set := metadatatest.NewSettings(tel)
		sink := new(consumertest.TracesSink)
		p, err := NewFactory().CreateTraces(t.Context(), set, withHold(2*time.Second), sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeTraces(t.Context(), oneSpan(2, 2, 1)))
		for n := spans - step; n >= 0; n -= step {
			td := ptrace.NewTraces()
			to := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			for i := range step {
				s := to.AppendEmpty()
				s.SetTraceID(pcommon.TraceID{1})
				s.SetSpanID(spanID(n + i))
				if n+i > 0 {
					s.SetParentSpanID(spanID(0))
				} else {
					s.Attributes().PutStr("request_id", "large")
				}
			}
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
		}
		require.NoError(t, p.ConsumeTraces(t.Context(), oneSpan(2, 1, 0, "request_id", "small", "agent_id", "A")))
		time.Sleep(3 * time.Second)
		require.Equal(t, spans+2, sink.SpanCount())
		for _, td := range sink.AllTraces() {
			for _, s := range allSpans(td) {
				want := "large"
				if s.TraceID() == (pcommon.TraceID{2}) {
					want = "small"
					require.Equal(t, "A", get(s.Attributes(), "foundation_os.agent.id"))
				}
				require.Equal(t, want, get(s.Attributes(), "foundation_os.request.id"))
			}
		}
		assert.Equal(t, map[string]int64{"": spans - 2000}, sum(t, tel, "cache_spans_dropped"))
		assert.Less(t, sum(t, tel, "cache_size")[""], int64(300_000))
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
}

// Items that wait are bounded, whatever comes.
func TestHeldMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := withHold(2 * time.Second)
		cfg.Correlation.MaxHeldSpans, cfg.Correlation.Cache.MaxTraces = 2000, 1000
		p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		var full int64
		for n := range 400 {
			td := ptrace.NewTraces()
			to := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			for i := range 100 {
				s := to.AppendEmpty()
				s.SetTraceID(numbered(100*n + i))
				s.SetSpanID(pcommon.SpanID{2})
				s.SetParentSpanID(pcommon.SpanID{1})
			}
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
			time.Sleep(10 * time.Millisecond) // 20,000 would wait
			if n == 100 {
				full = liveHeap()
			}
		}
		assert.Less(t, liveHeap(), full+full/3)
		require.NoError(t, p.Shutdown(t.Context()))
	})
}
