package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// Whatever arrives, the collector lives, and the good part of it comes through.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	c := startCollector(t, "examples/demo/overlay.yaml", noLoad)

	t.Run("bodies that are no OTLP are refused", func(t *testing.T) {
		good, err := ptraceotlp.NewExportRequestFromTraces(oneSpan("x")).MarshalProto()
		require.NoError(t, err)
		noise := make([]byte, 4096)
		_, _ = rand.Read(noise)
		for _, signal := range []string{"traces", "logs", "metrics"} {
			for name, body := range map[string][]byte{
				"cut off": good[:len(good)-3], "text": []byte("hello"), "noise": noise,
				"a length that is not there": {0x0a, 0xff, 0xff, 0xff, 0xff, 0x07},
			} {
				status, _, err := post("http://"+c.http+"/v1/"+signal, "application/x-protobuf", body)
				require.NoError(t, err)
				assert.Equal(t, http.StatusBadRequest, status, "%s of %s", name, signal)
			}
			for _, body := range []string{"", "{", `{"resourceSpans": 5, "resourceLogs": 5, "resourceMetrics": 5}`, "[]", "null"} {
				status, _, err := post("http://"+c.http+"/v1/"+signal, "application/json", []byte(body))
				require.NoError(t, err)
				assert.Less(t, status, 500, "%q of %s", body, signal)
			}
		}
		c.alive()
	})

	t.Run("traces", func(t *testing.T) {
		td := hostileTraces()
		bad := td.SpanCount() - 1
		c.sendTraces(td)
		decided(t, c, "traces", bad+1)
		c.alive()
		spans := readTraces(t, c.file("traces.jsonl"))
		var good int
		for _, s := range spans {
			if s.it.Name() == "dspex.program.execution.good" {
				good++
				assert.Equal(t, "dspex", attr(s.it.Attributes(), "foundation_os.layer"))
			}
		}
		assert.Equal(t, 1, good, "the good span of a bad batch")
		assert.LessOrEqual(t, len(spans), bad+1)
	})

	t.Run("logs", func(t *testing.T) {
		ld := hostileLogs()
		c.sendLogs(ld)
		decided(t, c, "logs", ld.LogRecordCount())
		c.alive()
		var good int
		for _, r := range readLogs(t, c.file("logs.jsonl")) {
			if r.it.EventName() == "foundation_os.error.occurred" && attr(r.it.Attributes(), "mark") == "good" {
				good++
				assert.Equal(t, "foundation_os", attr(r.it.Attributes(), "foundation_os.layer"))
			}
		}
		assert.Equal(t, 1, good, "the good record of a bad batch")
	})

	t.Run("metrics", func(t *testing.T) {
		for range 3 {
			c.sendMetrics(hostileMetrics())
			time.Sleep(100 * time.Millisecond)
		}
		c.alive()
		eventually(t, 20*time.Second, func() error {
			v, err := scrape("http://"+c.prometheus+"/metrics", "foundation_connections_active", nil)
			if err == nil && v != 7 {
				return fmt.Errorf("the good gauge is %v, want 7", v)
			}
			return err
		})
	})

	// Two evaluations and flushes later it still works.
	time.Sleep(11 * time.Second)
	c.alive()
	resp, err := http.Get("http://" + c.prometheus + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode, "one bad series must not take the others' exposition down")
	for _, r := range readLogs(t, c.file("alerts.jsonl")) {
		if v, ok := r.it.Attributes().Get("alert.value"); ok {
			assert.False(t, math.IsNaN(v.Double()) || math.IsInf(v.Double(), 0), "an alert on NaN: %v", r.it.Attributes().AsRaw())
		}
	}
}

// hostileTraces is a batch of bad spans with one good one among them.
func hostileTraces() ptrace.Traces {
	td := oneSpan("dspex.program.execution.good")
	rs := td.ResourceSpans().At(0)
	rs.Resource().Attributes().PutStr("deployment.environment", "\xff\xfe")
	to := rs.ScopeSpans().At(0).Spans()
	now := pcommon.NewTimestampFromTime(time.Now())
	for i, f := range []func(ptrace.Span){
		func(s ptrace.Span) { s.SetName("") },
		func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{}) },
		func(s ptrace.Span) { s.SetSpanID(pcommon.SpanID{}) },
		func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{}); s.SetSpanID(pcommon.SpanID{}); s.SetName("") },
		func(s ptrace.Span) { s.SetParentSpanID(s.SpanID()) },
		func(s ptrace.Span) { s.SetEndTimestamp(now - 1e9); s.SetStartTimestamp(now) },
		func(s ptrace.Span) { s.SetStartTimestamp(0); s.SetEndTimestamp(0) },
		func(s ptrace.Span) { s.SetStartTimestamp(0); s.SetEndTimestamp(math.MaxUint64) },
		func(s ptrace.Span) { s.SetName("dspex.optimization.iteration\xff\x00") },
		func(s ptrace.Span) { s.SetName(strings.Repeat("dspex.", 200_000)) },
		func(s ptrace.Span) { s.TraceState().FromRaw("ot=th:zz;rv:nonsense,=,,x=\x00") },
		func(s ptrace.Span) { s.TraceState().FromRaw(strings.Repeat("a=b,", 10_000)) },
		func(s ptrace.Span) {
			s.SetName("dspex.optimization.iteration")
			s.Attributes().PutDouble("performance_score", math.NaN())
			s.Attributes().PutDouble("duration", math.Inf(1))
			s.Attributes().PutStr("iteration", "[REDACTED]")
			s.Attributes().PutStr("convergence_rate", "NaN")
		},
		func(s ptrace.Span) {
			s.SetName("foundation_jido.agent.registration")
			s.Attributes().PutDouble("startup_duration", math.Inf(-1))
			s.Attributes().PutEmptyMap("agent_id").PutEmptyMap("a").PutEmptySlice("b").AppendEmpty().SetDouble(math.NaN())
			s.Attributes().PutBool("layer", true)
			s.Attributes().PutEmptyBytes("request_id").Append(0, 1, 2)
			s.Attributes().PutEmptySlice("success")
			s.Attributes().PutStr("", "an empty key")
		},
		func(s ptrace.Span) {
			for i := range 5_000 {
				s.Attributes().PutInt(fmt.Sprint("k", i), int64(i))
			}
		},
		func(s ptrace.Span) {
			deep := s.Attributes().PutEmptyMap("custom")
			for range 60 {
				deep = deep.PutEmptyMap("d")
			}
		},
	} {
		s := to.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, byte(i + 1), 15: 0xff})
		s.SetSpanID(pcommon.SpanID{2, byte(i + 1)})
		s.SetName("foundation.process_registry.register")
		s.SetStartTimestamp(now - 1e6)
		s.SetEndTimestamp(now)
		f(s)
	}
	return td
}

func hostileLogs() plog.Logs {
	ld := breaker("x", "", "")
	to := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for _, f := range []func(plog.LogRecord){
		func(r plog.LogRecord) {
			r.SetEventName("foundation_os.error.occurred")
			r.Attributes().PutStr("mark", "good")
		},
		func(plog.LogRecord) {},
		func(r plog.LogRecord) { r.SetEventName("\xff\xfe") },
		func(r plog.LogRecord) { r.Body().SetStr("[:foundation_jido, :coordination, ") },
		func(r plog.LogRecord) { r.Body().SetStr("[" + strings.Repeat(":a, ", 50_000) + ":b]") },
		func(r plog.LogRecord) { r.Body().SetEmptySlice().AppendEmpty().SetDouble(math.NaN()) },
		func(r plog.LogRecord) { r.Attributes().PutDouble("event.name", math.NaN()) },
		func(r plog.LogRecord) {
			r.SetEventName("foundation.infrastructure.circuit_breaker.state_change")
			r.Attributes().PutStr("state_change", "open")
			r.Attributes().PutDouble("circuit_breaker", math.NaN())
		},
		func(r plog.LogRecord) {
			r.SetEventName("foundation.metric")
			r.Attributes().PutStr("metric", "")
			r.Attributes().PutStr("value", "many")
		},
		func(r plog.LogRecord) {
			r.SetEventName("foundation.metric")
			r.Attributes().PutStr("metric", "foundation.queue.depth")
			r.Attributes().PutDouble("value", math.NaN())
			r.Attributes().PutStr("tags", "none")
		},
		func(r plog.LogRecord) {
			r.SetEventName("foundation_jido.coordination.auction.bid_received")
			r.Attributes().PutDouble("bid_value", math.Inf(1))
			r.Attributes().PutStr("trace_id", "zz")
			r.Attributes().PutStr("span_id", strings.Repeat("f", 1000))
			r.Attributes().PutInt("timestamp", math.MinInt64)
			r.SetTimestamp(math.MaxUint64)
		},
	} {
		f(to.AppendEmpty())
	}
	return ld
}

// hostileMetrics hits what the rules and the degradation processor watch.
func hostileMetrics() pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	to := rm.ScopeMetrics().AppendEmpty().Metrics()
	now := pcommon.NewTimestampFromTime(time.Now())
	gauge := func(name string, v float64) {
		m := to.AppendEmpty()
		m.SetName(name)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetDoubleValue(v)
		p.SetTimestamp(now)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64} {
		gauge("dspex.coordination.efficiency", v)
		gauge("foundation.process_registry.lookup_latency", v)
	}
	gauge("", 1)
	gauge(string(bytes.Repeat([]byte{0xff}, 10)), 1)
	gauge("foundation.connections.active", 7)
	to.AppendEmpty().SetName("a metric without data")

	for _, f := range []func(pmetric.HistogramDataPoint){
		func(p pmetric.HistogramDataPoint) { // bounds and counts do not fit
			p.ExplicitBounds().FromRaw([]float64{1, 2, 3})
			p.BucketCounts().FromRaw([]uint64{1, 2})
			p.SetCount(3)
		},
		func(p pmetric.HistogramDataPoint) { // bounds fall
			p.ExplicitBounds().FromRaw([]float64{3, 2, math.NaN()})
			p.BucketCounts().FromRaw([]uint64{1, 2, 3, 4})
			p.SetCount(10)
		},
		func(p pmetric.HistogramDataPoint) { // the count is not the buckets'
			p.ExplicitBounds().FromRaw([]float64{1})
			p.BucketCounts().FromRaw([]uint64{1, 2})
			p.SetCount(math.MaxUint64)
			p.SetSum(math.NaN())
		},
		func(p pmetric.HistogramDataPoint) { // started after it ended
			p.SetCount(1)
			p.SetStartTimestamp(now + 1e9)
		},
	} {
		m := to.AppendEmpty()
		m.SetName("foundation_jido.signal.dispatch_duration")
		m.SetUnit("s")
		h := m.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := h.DataPoints().AppendEmpty()
		p.SetTimestamp(now)
		f(p)
	}
	e := to.AppendEmpty()
	e.SetName("dspex.program.execution_duration")
	x := e.SetEmptyExponentialHistogram()
	x.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := x.DataPoints().AppendEmpty()
	p.SetTimestamp(now)
	p.SetScale(math.MaxInt32)
	p.Positive().SetOffset(math.MinInt32)
	p.Positive().BucketCounts().FromRaw([]uint64{math.MaxUint64, 1})
	p.SetCount(1)

	s := to.AppendEmpty()
	s.SetName("foundation_os.operations")
	sum := s.SetEmptySum() // neither delta nor cumulative
	sum.SetIsMonotonic(true)
	sum.DataPoints().AppendEmpty().SetDoubleValue(math.NaN())
	sum.DataPoints().AppendEmpty().SetDoubleValue(-5)
	return md
}

// decided waits until every item was kept or dropped, and counted: the pipeline
// holds what may still be filled, and traces until they are due, without a root
// for thirty seconds.
func decided(t *testing.T, c *collector, signal string, items int) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		n, err := c.own("otelcol_adaptive_sampler_items", map[string]string{"signal": signal})
		if err == nil && n != float64(items) {
			err = fmt.Errorf("%v of %d %s were decided", n, items, signal)
		}
		return err
	})
}
