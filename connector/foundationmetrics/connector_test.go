package foundationmetrics

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	otelattribute "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadatatest"
)

func oneRegistration() ptrace.Traces {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName("foundation.process_registry.register")
	s.SetStartTimestamp(1)
	s.SetEndTimestamp(1_000_001)
	return td
}

func oneError() plog.Logs {
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetEventName("foundation_os.error.occurred")
	return ld
}

// The collector builds an instance for each pair of signals. Two aggregates would
// write every series twice, with two start times.
func TestTracesAndLogsShareOneAggregate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFactory()
		cfg := f.CreateDefaultConfig()
		set := connectortest.NewNopSettings(metadata.Type)
		sink := &consumertest.MetricsSink{}
		ctx := context.Background()
		traces, err := f.CreateTracesToMetrics(ctx, set, cfg, sink)
		require.NoError(t, err)
		logs, err := f.CreateLogsToMetrics(ctx, set, cfg, sink)
		require.NoError(t, err)
		require.NoError(t, traces.Start(ctx, componenttest.NewNopHost()))
		require.NoError(t, logs.Start(ctx, componenttest.NewNopHost()))

		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Empty(t, sink.AllMetrics(), "nothing came in, so nothing goes out")

		require.NoError(t, traces.ConsumeTraces(ctx, oneRegistration()))
		require.NoError(t, logs.ConsumeLogs(ctx, oneError()))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, sink.AllMetrics(), 1, "one flush for both")
		got := asText(sink.AllMetrics()[0])
		assert.Equal(t, "1", got["foundation.process.registrations{namespace=default,process_type=unknown}"])
		assert.Equal(t, "1", got["foundation_os.errors{error.type=unknown}"])

		// Shut down in pieces: the traces end first, and a log still comes.
		require.NoError(t, traces.Shutdown(ctx))
		require.NoError(t, traces.Shutdown(ctx), "twice is once")
		require.Len(t, sink.AllMetrics(), 1)
		require.NoError(t, logs.ConsumeLogs(ctx, oneError()))
		require.NoError(t, logs.Shutdown(ctx))
		require.Len(t, sink.AllMetrics(), 2, "the last one flushes")
		assert.Equal(t, "2", asText(sink.AllMetrics()[1])["foundation_os.errors{error.type=unknown}"])

		// The next life of the same component starts from nothing.
		again, err := f.CreateTracesToMetrics(ctx, set, cfg, sink)
		require.NoError(t, err)
		require.NoError(t, again.Start(ctx, componenttest.NewNopHost()))
		require.NoError(t, again.ConsumeTraces(ctx, oneRegistration()))
		require.NoError(t, again.Shutdown(ctx))
		require.Len(t, sink.AllMetrics(), 3)
		assert.Empty(t, asText(sink.AllMetrics()[2])["foundation_os.errors{error.type=unknown}"])
	})
}

// Components of other names, and of other collectors, share nothing.
func TestComponentsDoNotShare(t *testing.T) {
	f := NewFactory()
	cfg := f.CreateDefaultConfig()
	a, err := f.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err)
	b, err := f.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	require.NoError(t, err) // connectortest gives every settings a name of its own
	other, err := f.CreateTracesToMetrics(t.Context(), connectortest.NewNopSettings(metadata.Type), f.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	cores := map[*core]bool{}
	for _, x := range []connector.Traces{a, b, other} {
		cores[x.(*tracesInstance).core] = true
		require.NoError(t, x.Shutdown(t.Context())) // never started: must not hang
	}
	assert.Len(t, cores, 3)
}

// A refused flush loses nothing.
func TestARefusedFlushIsCountedAndComesAgain(t *testing.T) {
	tel := componenttest.NewTelemetry()
	f := NewFactory()
	cfg := f.CreateDefaultConfig()
	set := metadatatest.NewSettings(tel)
	refuse := true
	var got pmetric.Metrics
	next, err := consumer.NewMetrics(func(_ context.Context, md pmetric.Metrics) error {
		if refuse {
			return errors.New("full")
		}
		got = md
		return nil
	})
	require.NoError(t, err)
	c, err := f.CreateTracesToMetrics(t.Context(), set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, c.ConsumeTraces(t.Context(), oneRegistration()))
	c.(*tracesInstance).core.flush(t.Context())
	metadatatest.AssertEqualFoundationMetricsFlushFailures(t, tel, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualFoundationMetricsItems(t, tel, []metricdata.DataPoint[int64]{{Value: 1}}, metricdatatest.IgnoreTimestamp())
	ended := oneRegistration()
	ended.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetEndTimestamp(0)
	require.NoError(t, c.ConsumeTraces(t.Context(), ended))
	metadatatest.AssertEqualFoundationMetricsUnusable(t, tel, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: otelattribute.NewSet(reasonKey.String("end_before_start"))},
	}, metricdatatest.IgnoreTimestamp())
	refuse = false
	require.NoError(t, c.Shutdown(t.Context()))
	assert.Equal(t, "2", asText(got)["foundation.process.registrations{namespace=default,process_type=unknown}"])
	require.NoError(t, tel.Shutdown(context.WithoutCancel(t.Context())))
}

// The input belongs to others as well: it is only read.
func TestTheInputIsNotChanged(t *testing.T) {
	p := start(t, nil)
	assert.False(t, p.traces.Capabilities().MutatesData)
	td, ld := oneRegistration(), oneError()
	td.MarkReadOnly() // panics on a write
	ld.MarkReadOnly()
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
}

func TestResourcesAreKeptApart(t *testing.T) {
	p := start(t, nil)
	for _, service := range []string{"a", "b", "a"} {
		td := oneRegistration()
		td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", service)
		td.ResourceSpans().At(0).Resource().Attributes().PutStr("host.name", "left out")
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
	}
	md := p.core.snapshot()
	got := map[string]int64{}
	for _, rm := range md.ResourceMetrics().All() {
		require.Equal(t, 1, rm.Resource().Attributes().Len())
		service, _ := rm.Resource().Attributes().Get("service.name")
		for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
			if m.Name() == "foundation.process.registrations" {
				got[service.Str()] += m.Sum().DataPoints().At(0).IntValue()
			}
		}
	}
	assert.Equal(t, map[string]int64{"a": 2, "b": 1}, got)
}

func TestDisabledMetricsAreNotMade(t *testing.T) {
	p := start(t, func(c *Config) {
		c.DisabledMetrics = []string{"foundation.process.registrations", "foundation_jido.active_agents", "foundation.circuit_breaker.state", "dspex.optimization.runs.finished"}
	})
	p.spans(spanOf{name: "foundation.process_registry.register", length: ms},
		spanOf{name: "foundation_jido.agent.registration", length: ms, attrs: kv{"agent_id": "a"}},
		spanOf{name: "dspex.optimization.iteration", length: ms, attrs: kv{"program_id": "p", "converged": true}})
	p.events(event{name: "foundation.infrastructure.circuit_breaker.state_change", attrs: kv{"name": "db", "to": "open"}})
	p.expect(map[string]string{
		"foundation.process.registrations{namespace=default,process_type=unknown}":          "",
		"foundation.process_registry.registrations{namespace=default,process_type=unknown}": "1",
		"foundation_jido.active_agents{agent_type=unknown}":                                 "",
		"foundation.circuit_breaker.state{name=db,state=open}":                              "",
		"dspex.optimization.runs.finished{strategy=unknown}":                                "",
		"dspex.optimization.runs.converged{strategy=unknown}":                               "1",
	})
}

// Runs converge and begin anew whether or not those that finish are counted.
func TestConvergedRunsWithoutFinishedOnes(t *testing.T) {
	p := start(t, func(c *Config) { c.DisabledMetrics = []string{"dspex.optimization.runs.finished"} })
	for _, second := range []time.Duration{0, 10 * time.Second} {
		p.spans(spanOf{name: "dspex.optimization.iteration", start: second, length: time.Second, attrs: kv{"program_id": "p", "converged": true}})
		p.spans(spanOf{name: "request.optimize", start: second, length: 2 * time.Second, attrs: kv{"program_id": "p"}})
	}
	p.expect(map[string]string{
		"dspex.optimization.runs.finished{strategy=unknown}":  "",
		"dspex.optimization.runs.converged{strategy=unknown}": "2",
	})
}

// A span event is somewhere in its span, but what it says itself goes before that.
func TestSpanEventsInheritWhatTheyDoNotSay(t *testing.T) {
	p := start(t, nil)
	p.spans(spanOf{
		name: "work", id: 1, attrs: kv{"foundation_os.agent.id": "boss"},
		events: []event{
			{name: "dspex.coordination.multi_agent.agent_result", attrs: kv{"agent_id": "helper"}},
			{name: "dspex.coordination.multi_agent.agent_result", attrs: kv{"agent_id": "nil", "foundation_os.agent.id": "nil"}},
		},
	}, spanOf{
		name: "work", id: 2, attrs: kv{"agent_id": "raw"},
		events: []event{{name: "dspex.coordination.multi_agent.agent_result"}},
	})
	p.expect(map[string]string{
		"dspex.agent.contributions{agent_id=helper}":  "1",
		"dspex.agent.contributions{agent_id=boss}":    "1",
		"dspex.agent.contributions{agent_id=raw}":     "1",
		"dspex.agent.contributions{agent_id=unknown}": "",
	})
}

// What no metric counts is not said to be counted.
func TestItemsAreWhatSomeMetricCounts(t *testing.T) {
	p := start(t, nil)
	p.spans(spanOf{name: "GET /", attrs: kv{"agent_id": "a"}}, spanOf{name: "foundation.process_registry.lookup", length: ms})
	p.events(event{name: "foundation.span.start"}, event{name: "foundation_os.alert.triggered"}, event{name: "foundation.process_registry.lookup.start"},
		event{name: "foundation_jido.coordination.auction.start"})
	assert.EqualValues(t, 2, p.core.agg.Stats.Items)
}

// A next component that hangs does not keep the collector from ending.
func TestShutdownEndsAFlushThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFactory()
		hangs := true
		var last pmetric.Metrics
		next, err := consumer.NewMetrics(func(ctx context.Context, md pmetric.Metrics) error {
			if hangs {
				<-ctx.Done()
				hangs = false
				return ctx.Err()
			}
			last = md
			return nil
		})
		require.NoError(t, err)
		c, err := f.CreateTracesToMetrics(context.Background(), connectortest.NewNopSettings(metadata.Type), f.CreateDefaultConfig(), next)
		require.NoError(t, err)
		require.NoError(t, c.Start(context.Background(), componenttest.NewNopHost()))
		require.NoError(t, c.ConsumeTraces(context.Background(), oneRegistration()))
		time.Sleep(time.Minute)
		require.NoError(t, c.Shutdown(context.Background()))
		assert.Equal(t, "1", asText(last)["foundation.process.registrations{namespace=default,process_type=unknown}"])
	})
}

func TestExponentialHistograms(t *testing.T) {
	p := start(t, func(c *Config) { c.Histogram = HistogramExponential })
	for _, d := range []time.Duration{ms, 2 * ms, 4 * ms, 0} {
		p.spans(spanOf{name: "foundation.process_registry.lookup", length: d})
	}
	p.expect(map[string]string{
		"foundation.process_registry.lookup_latency{}":          "4/0.007 exponential",
		"foundation.process.lookup.duration{namespace=default}": "4/0.007", // the document's buckets stay
	})
	for _, m := range p.core.snapshot().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == "foundation.process_registry.lookup_latency" {
			dp := m.ExponentialHistogram().DataPoints().At(0)
			var n uint64
			for _, c := range dp.Positive().BucketCounts().All() {
				n += c
			}
			assert.EqualValues(t, 3, n)
			assert.EqualValues(t, 1, dp.ZeroCount())
		}
	}
}

func TestExemplarsNameTheSlowest(t *testing.T) {
	p := start(t, nil)
	p.spans(
		spanOf{name: "foundation_jido.signal.dispatch", id: 1, length: 2 * ms, attrs: kv{"request_id": "r1"}},
		spanOf{name: "foundation_jido.signal.dispatch", id: 2, length: 9 * ms, attrs: kv{"request_id": "r2", "agent_id": "nil"}},
		spanOf{name: "foundation_jido.signal.dispatch", id: 3, length: 3 * ms, attrs: kv{"request_id": "r3"}},
	)
	find := func() pmetric.ExemplarSlice {
		for _, m := range p.core.snapshot().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			if m.Name() == "foundation_jido.signal.dispatch_duration" {
				return m.Histogram().DataPoints().At(0).Exemplars()
			}
		}
		t.Fatal("no histogram")
		return pmetric.ExemplarSlice{}
	}
	ex := find()
	require.Equal(t, 1, ex.Len())
	assert.Equal(t, spanID(2), ex.At(0).SpanID())
	assert.Equal(t, traceID(), ex.At(0).TraceID())
	assert.Equal(t, map[string]any{"foundation_os.request.id": "r2"}, ex.At(0).FilteredAttributes().AsRaw())
	assert.Zero(t, find().Len(), "an exemplar is written once")
}
