package e2e

import (
	"context"
	endian "encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// byLoad is an overlay with one load signal and one step. Nothing is held back,
// so that what was sent has been decided when the answer comes.
func byLoad(source string, above, exitMargin float64) string {
	return fmt.Sprintf(`yaml:
processors:
  layer_enricher: {correlation: {hold: 0s}}
  adaptive_sampler:
    mode: span
    load:
      sources: [%s]
      ladder: [{above: %v, factor: 0.5}]
      exit_margin: %v
      tick: 100ms
`, source, above, exitMargin)
}

// A collector that is busy keeps less, and all again when it is not. It has one
// core to itself, so that few senders make it busy on a machine with many.
func TestLoadCPU(t *testing.T) {
	t.Parallel()
	// As low as this because other tests may want the same core.
	c := startCollectorUnder(t, []string{taskset(t), "-c", firstCPU(t)}, nil, byLoad("cpu", 0.25, 0.1))
	c.expectFactor(1)
	c.expectHalf("cpu", func() (relieve func()) { return c.repeat(2, manySpans(1000)) })
	c.expectFactor(1)
	c.expectKept(1)
}

// A collector that holds much data keeps less, and all again when it has got
// rid of it. What it holds is a queue in another pipeline, to a back-end that
// hangs.
func TestLoadMemory(t *testing.T) {
	t.Parallel()
	backend := startSlowSink(t)
	backend.take(time.Hour)
	ballast := freePorts(t, 1)[0]
	c := startCollectorEnv(t, []string{"GOMEMLIMIT=160MiB"}, byLoad("memory", 0.5, 0.1), fmt.Sprintf(`yaml:
receivers:
  otlp/ballast: {protocols: {http: {endpoint: "%s"}}}
exporters:
  otlp_grpc/ballast:
    endpoint: %s
    tls: {insecure: true}
    timeout: 10m
service:
  pipelines:
    logs/ballast: {receivers: [otlp/ballast], exporters: [otlp_grpc/ballast]}
`, ballast, backend.addr))
	c.expectFactor(1)
	c.expectKept(1)

	body := manyBytes(t, 1<<20)
	for range 80 { // half of what it may use
		status, text, err := post("http://"+ballast+"/v1/logs", "application/x-protobuf", body)
		require.NoError(t, err)
		require.Equal(t, 200, status, text)
	}
	// What is live is known when the heap has grown: that takes some traffic.
	traffic := func() (stop func()) { return c.repeat(1, manySpans(100)) }
	c.expectHalf("memory", traffic)
	assert.Equal(t, 1, strings.Count(c.output.String(), "the load factor has changed"),
		"traces and logs have one load between them")
	backend.take(0)
	stop := traffic()
	c.expectFactor(1)
	stop()
	c.expectKept(1)
	eventually(t, time.Minute, func() error {
		if n := backend.answered.Load(); n != 80 {
			return fmt.Errorf("%d of the 80 that it held have come", n)
		}
		return nil
	})
}

// A collector that is held up by its back-end keeps less, and all again when
// the back-end is quick.
func TestLoadBackpressure(t *testing.T) {
	t.Parallel()
	backend := startSlowSink(t)
	c := startCollector(t, byLoad("backpressure", 0.5, 0.1), fmt.Sprintf(`yaml:
exporters:
  otlp_grpc/slow:
    endpoint: %s
    tls: {insecure: true}
    timeout: 1m
    sending_queue: {enabled: false}
service:
  pipelines:
    traces/out: {exporters: [otlp_grpc/slow]}
`, backend.addr))
	c.expectFactor(1)
	c.expectHalf("backpressure", func() (relieve func()) {
		backend.take(time.Second)
		stop := c.repeat(4, manySpans(10))
		return func() { backend.take(0); stop() }
	})
	c.expectFactor(1)
	c.expectKept(1)
}

// expectHalf makes a load until it has halved the rates, looks whether half is
// kept, and tells what the collector says is the reason. A machine that stands
// still meanwhile may let the step pass: then it is made again.
func (c *collector) expectHalf(source string, load func() (relieve func())) {
	c.t.Helper()
	eventually(c.t, 4*time.Minute, func() error {
		relieve := load()
		c.expectFactor(0.5)
		decided, err := c.own("otelcol_adaptive_sampler_deciding_signal", map[string]string{"signal": "traces", "source": source})
		relieve()
		if err != nil {
			return err
		}
		got, want := c.keptOf(0.5)
		factor, err := c.factor()
		if err == nil && factor != 0.5 {
			err = fmt.Errorf("the factor is %v again", factor)
		}
		if err != nil {
			return err
		}
		assert.Equal(c.t, want, got, "kept and dropped by load, at half the rate")
		assert.Equal(c.t, 1.0, decided, "what decided is %s", source)
		return nil
	})
}

func (c *collector) expectFactor(want float64) {
	c.t.Helper()
	eventually(c.t, 3*time.Minute, func() error {
		c.alive()
		factor, err := c.factor()
		if err == nil && factor != want {
			err = fmt.Errorf("the factor is %v", factor)
		}
		return err
	})
}

func (c *collector) factor() (float64, error) {
	return c.own("otelcol_adaptive_sampler_factor", map[string]string{"signal": "traces"})
}

func (c *collector) expectKept(probability float64) {
	c.t.Helper()
	got, want := c.keptOf(probability)
	assert.Equal(c.t, want, got, "kept and dropped by load, at %v", probability)
}

// keptOf sends a thousand spans and returns how many were kept and dropped by
// load, and how many should have been at that probability: which span is kept
// is known from its trace id.
func (c *collector) keptOf(probability float64) (got, want [2]float64) {
	c.t.Helper()
	td := manySpans(1000)
	limit := uint64((1 - probability) * (1 << 56))
	for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		id := s.TraceID()
		if endian.BigEndian.Uint64(id[8:])&(1<<56-1) >= limit {
			want[0]++
		} else {
			want[1]++
		}
	}
	count := func() (counts [2]float64) {
		for i, labels := range []map[string]string{{"signal": "traces", "decision": "kept"}, {"signal": "traces", "reason": "load"}} {
			var err error
			counts[i], err = c.own("otelcol_adaptive_sampler_items", labels)
			require.NoError(c.t, err)
		}
		return counts
	}
	before := count()
	c.sendTraces(td)
	after := count()
	return [2]float64{after[0] - before[0], after[1] - before[1]}, want
}

// repeat sends the same spans again and again from several senders until it
// is stopped.
func (c *collector) repeat(senders int, td ptrace.Traces) (stop func()) {
	c.t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(c.t, err)
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(c.t.Context())
	for range senders {
		running.Go(func() {
			for ctx.Err() == nil {
				if _, _, err := post("http://"+c.http+"/v1/traces", "application/x-protobuf", body); err != nil {
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

// manySpans are spans of a name without a rate, each of a trace of its own.
func manySpans(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for range n {
		var trace pcommon.TraceID
		var span pcommon.SpanID
		endian.BigEndian.PutUint64(trace[:8], rand.Uint64()|1)
		endian.BigEndian.PutUint64(trace[8:], rand.Uint64())
		endian.BigEndian.PutUint64(span[:], rand.Uint64()|1)
		s := spans.AppendEmpty()
		s.SetName("checkout")
		s.SetTraceID(trace)
		s.SetSpanID(span)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Second)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		for i := range 8 {
			s.Attributes().PutStr("shop.attribute."+strconv.Itoa(i), "value of some length")
		}
	}
	return td
}

// manyBytes is a request with one log record of that size.
func manyBytes(t *testing.T, n int) []byte {
	t.Helper()
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(strings.Repeat("x", n))
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(t, err)
	return body
}

func taskset(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("taskset")
	if err != nil {
		missing(t, "taskset is not there: it belongs to util-linux")
	}
	return path
}

// firstCPU is one that this process may run on.
func firstCPU(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(taskset(t), "-cp", strconv.Itoa(os.Getpid())).Output()
	require.NoError(t, err)
	m := regexp.MustCompile(`: (\d+)`).FindSubmatch(out) // pid 7's current affinity list: 0,1
	require.NotNil(t, m, "%s", out)
	return string(m[1])
}
