package layerenricher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadatatest"
)

// pair is one component in a traces and a logs pipeline.
type pair struct {
	traces processor.Traces
	logs   processor.Logs
	spans  *consumertest.TracesSink
	recs   *consumertest.LogsSink
}

func newPair(t *testing.T, cfg *Config, set processor.Settings) *pair {
	t.Helper()
	p := &pair{spans: new(consumertest.TracesSink), recs: new(consumertest.LogsSink)}
	f := NewFactory()
	var err error
	p.traces, err = f.CreateTraces(t.Context(), set, cfg, p.spans)
	require.NoError(t, err)
	p.logs, err = f.CreateLogs(t.Context(), set, cfg, p.recs)
	require.NoError(t, err)
	for _, c := range []component.Component{p.traces, p.logs} {
		require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
	}
	return p
}

func (p *pair) shutdown(t *testing.T) {
	t.Helper()
	for _, c := range []component.Component{p.traces, p.logs} {
		require.NoError(t, c.Shutdown(context.Background()))
		require.NoError(t, c.Shutdown(context.Background()), "a second Shutdown is harmless")
	}
}

// result is all that the enricher decides about each item.
func (p *pair) result() map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, td := range p.spans.AllTraces() {
		for _, s := range allSpans(td) {
			attrs := s.Attributes().AsRaw()
			attrs["(parent)"] = s.ParentSpanID().String()
			out["span "+s.TraceID().String()+" "+s.SpanID().String()] = attrs
		}
	}
	for _, ld := range p.recs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					out["log "+r.Body().AsString()] = r.Attributes().AsRaw()
				}
			}
		}
	}
	return out
}

func allSpans(td ptrace.Traces) (all []ptrace.Span) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				all = append(all, s)
			}
		}
	}
	return all
}

func withHold(hold time.Duration) *Config {
	cfg := createDefaultConfig()
	cfg.Correlation.Hold = hold
	return cfg
}

// system is a request as it runs through several traces, some of which only an
// alternate key joins, with the logs of its spans.
type system struct {
	spans []func(ptrace.Span)
	logs  []func(plog.LogRecord)
}

func newSystem(r *rand.Rand) *system {
	sys := &system{}
	traces := 1 + r.IntN(3)
	requestIn := r.IntN(traces)
	conflicting := r.IntN(10) == 0
	for k := range traces {
		tree := newRandomTrace(r)
		id := pcommon.TraceID{1, byte(k), byte(r.Uint32())}
		keyAt := r.IntN(len(tree.parent)) // one span knows the key of the group
		for i := range tree.parent {
			name := []string{"work", "dspex.program.execution", "jido.agent.run", "foundation.process_registry.lookup", "GET /"}[r.IntN(5)]
			if k == requestIn && i == 0 {
				name = "request.search"
			}
			request := ""
			if tree.bearer[i] && (k == requestIn || r.IntN(3) == 0) {
				request = "request-1"
				if conflicting && r.IntN(4) == 0 {
					request = "request-2"
				}
			}
			coordination := r.IntN(8) == 0
			sys.spans = append(sys.spans, func(s ptrace.Span) {
				s.SetName(name)
				s.SetTraceID(id)
				s.SetSpanID(spanID(i))
				if tree.parent[i] >= 0 {
					s.SetParentSpanID(spanID(tree.parent[i]))
				}
				if tree.agent[i] != "" {
					s.Attributes().PutStr("agent_id", tree.agent[i])
				}
				if request != "" {
					s.Attributes().PutStr("request_id", request)
				}
				if coordination {
					s.Attributes().PutStr("coordination_id", fmt.Sprint("c-", i))
				}
				if i == keyAt {
					s.Attributes().PutStr("jido_trace_id", "0197B0F2-7E5A-7C3D-8F10-AABBCCDDEEFF")
				}
			})
			if r.IntN(4) == 0 {
				body := fmt.Sprint("of span ", k, " ", i)
				program := r.IntN(6) == 0
				sys.logs = append(sys.logs, func(l plog.LogRecord) {
					l.Body().SetStr(body)
					l.SetTraceID(id)
					l.SetSpanID(spanID(i))
					if program {
						l.Attributes().PutStr("program_id", "p-1")
					}
				})
			}
		}
	}
	return sys
}

// send sends all items in pieces of random size, at random moments within the
// time given; one piece of each signal at once when it is zero.
func (sys *system) send(t *testing.T, p *pair, r *rand.Rand, within time.Duration) {
	t.Helper()
	spans, logs := sys.spans, sys.logs
	if within > 0 {
		spans, logs = shuffled(r, spans), shuffled(r, logs)
	}
	for pieces := 0; len(spans)+len(logs) > 0; pieces++ {
		n, m := len(spans), len(logs)
		if within > 0 {
			n, m = min(n, r.IntN(20)), min(m, r.IntN(5))
		}
		td, ld := ptrace.NewTraces(), plog.NewLogs()
		to := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for _, f := range spans[:n] {
			f(to.AppendEmpty())
		}
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for _, f := range logs[:m] {
			f(records.AppendEmpty())
		}
		spans, logs = spans[n:], logs[m:]
		if n > 0 {
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
		}
		if m > 0 {
			require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		}
		time.Sleep(min(time.Duration(r.Int64N(int64(50*time.Millisecond))), within))
		within -= min(50*time.Millisecond, within)
		if within == 0 && n < len(sys.spans) {
			within = 1 // out of time: the rest in pieces, but without a pause
		}
	}
}

func shuffled[T any](r *rand.Rand, in []T) []T {
	out := append([]T(nil), in...)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// The promise of hold: whatever the batches and their order, the result is that of
// the whole at once.
func TestAnySplitHeldIsTheWhole(t *testing.T) {
	filled, adopted := 0, 0
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			cfg := withHold(2 * time.Second)
			cfg.ReparentOrphans = seed%2 == 0
			cfg.Layers.RecordSource = true
			sys := newSystem(rand.New(rand.NewPCG(seed, 11)))
			set := processortest.NewNopSettings(metadata.Type)

			whole := newPair(t, cfg, set)
			sys.send(t, whole, rand.New(rand.NewPCG(seed, 12)), 0)
			time.Sleep(3 * time.Second)
			want := whole.result()
			whole.shutdown(t)

			for order := range uint64(3) {
				other := *cfg
				p := newPair(t, &other, set)
				sys.send(t, p, rand.New(rand.NewPCG(seed, 100+order)), 1900*time.Millisecond)
				time.Sleep(3 * time.Second)
				require.Equal(t, want, p.result(), "seed %d, order %d", seed, order)
				p.shutdown(t)
			}
			require.Len(t, want, len(sys.spans)+len(sys.logs))
			for _, attrs := range want {
				if attrs["foundation_os.request.id"] != nil && attrs["request_id"] == nil {
					filled++
				}
			}
			if cfg.ReparentOrphans {
				adopted += orphans(sys) - countOrphans(want)
			}

			// Running it on its own output, without the wait, changes nothing.
			second := *cfg
			again := newPair(t, &second, set)
			for _, td := range whole.spans.AllTraces() {
				c := ptrace.NewTraces()
				td.CopyTo(c)
				require.NoError(t, again.traces.ConsumeTraces(t.Context(), c))
			}
			for _, ld := range whole.recs.AllLogs() {
				c := plog.NewLogs()
				ld.CopyTo(c)
				require.NoError(t, again.logs.ConsumeLogs(t.Context(), c))
			}
			time.Sleep(3 * time.Second)
			require.Equal(t, withoutSource(want), withoutSource(again.result()), "seed %d", seed)
			again.shutdown(t)
		})
	}
	assert.Greater(t, filled, 1000, "the test fills something")
	assert.Greater(t, adopted, 100, "the test has orphans")
}

// withoutSource takes away what the layer was inferred from, which is the attribute
// when the first run has written it.
func withoutSource(result map[string]map[string]any) map[string]map[string]any {
	for _, attrs := range result {
		delete(attrs, "foundation_os.layer.source")
	}
	return result
}

func orphans(sys *system) (n int) {
	for _, f := range sys.spans {
		s := ptrace.NewSpan()
		f(s)
		if s.ParentSpanID().IsEmpty() {
			n++
		}
	}
	return n
}

func countOrphans(result map[string]map[string]any) (n int) {
	for _, attrs := range result {
		if parent, isSpan := attrs["(parent)"]; isSpan && parent == "" {
			n++
		}
	}
	return n
}

func oneSpan(trace, span, parent byte, attrs ...string) ptrace.Traces {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{trace})
	s.SetSpanID(pcommon.SpanID{span})
	if parent != 0 {
		s.SetParentSpanID(pcommon.SpanID{parent})
	}
	for i := 0; i < len(attrs); i += 2 {
		s.Attributes().PutStr(attrs[i], attrs[i+1])
	}
	return td
}

func TestHeldForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(2*time.Second), processortest.NewNopSettings(metadata.Type))
		ctx, cancel := context.WithCancel(client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"tenant": {"a"}})}))
		require.NoError(t, p.traces.ConsumeTraces(ctx, oneSpan(1, 2, 1)))
		cancel() // the sender has its answer; what is held must not end with the call
		time.Sleep(time.Second)
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 1, 0, "request_id", "r", "agent_id", "A")))
		time.Sleep(time.Second - time.Millisecond)
		assert.Zero(t, p.spans.SpanCount())
		time.Sleep(2 * time.Millisecond)
		require.Equal(t, 1, p.spans.SpanCount(), "the first after two seconds")
		assert.Equal(t, []string{"a"}, client.FromContext(p.spans.Contexts()[0]).Metadata.Get("tenant"))
		assert.NoError(t, p.spans.Contexts()[0].Err())
		got := allSpans(p.spans.AllTraces()[0])[0].Attributes()
		assert.Equal(t, "r", get(got, "foundation_os.request.id"))
		assert.Equal(t, "A", get(got, "foundation_os.agent.id"))
		time.Sleep(time.Second)
		assert.Equal(t, 2, p.spans.SpanCount(), "the second after two of its own")
		p.shutdown(t)
	})
}

// While one waits all wait, also what lacks nothing: a breaker does not close
// before it opens.
func TestHeldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(2*time.Second), processortest.NewNopSettings(metadata.Type))
		for _, state := range []string{"open", "closed", "open again"} {
			ld := plog.NewLogs()
			rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
			rec.Body().SetStr(state)
			if state == "open" {
				rec.SetTraceID(pcommon.TraceID{1})
			}
			require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		}
		assert.Zero(t, p.recs.LogRecordCount())
		time.Sleep(2*time.Second + time.Millisecond)
		var got []string
		for _, ld := range p.recs.AllLogs() {
			got = append(got, ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
		}
		assert.Equal(t, []string{"open", "closed", "open again"}, got)
		p.shutdown(t)
	})
}

// A receiver gives its memory back to a pool as soon as the call is over.
func TestHeldMemoryIsNotReused(t *testing.T) {
	was := pref.UseProtoPooling.IsEnabled()
	require.NoError(t, featuregate.GlobalRegistry().Set(pref.UseProtoPooling.ID(), true))
	defer func() { require.NoError(t, featuregate.GlobalRegistry().Set(pref.UseProtoPooling.ID(), was)) }()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(time.Second), processortest.NewNopSettings(metadata.Type))
		receive := func(td ptrace.Traces) {
			wire, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			require.NoError(t, err)
			td, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(wire)
			require.NoError(t, err)
			pref.MarkPipelineOwnedTraces(td)
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
			pref.UnrefTraces(td)
		}
		var names []string
		p.traces.(tracesHold).next = func(_ context.Context, td ptrace.Traces) error {
			names = append(names, allSpans(td)[0].Name())
			return nil
		}
		for i := range byte(50) {
			td := oneSpan(1, i+2, 1)
			allSpans(td)[0].SetName(fmt.Sprint("span ", i))
			receive(td)
		}
		time.Sleep(2 * time.Second)
		p.shutdown(t)
		require.Len(t, names, 50)
		for i, name := range names {
			assert.Equal(t, fmt.Sprint("span ", i), name)
		}
	})
}

// A next component that hangs must not hang the collector's end.
func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(time.Second), processortest.NewNopSettings(metadata.Type))
		release := make(chan struct{})
		p.traces.(tracesHold).next = func(context.Context, ptrace.Traces) error { <-release; return nil }
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 2, 1)))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := p.traces.Shutdown(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "1 items still wait")
		close(release)
		p.shutdown(t)
	})
}

// What nothing can be added to does not wait.
func TestNothingToWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(2*time.Second), processortest.NewNopSettings(metadata.Type))
		full := oneSpan(1, 1, 0, "request_id", "r", "program_id", "p", "agent_id", "a", "coordination_id", "c", "layer", "dspex")
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), full))
		assert.Equal(t, 1, p.spans.SpanCount())
		ld := plog.NewLogs()
		ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("of no trace")
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		assert.Equal(t, 1, p.recs.LogRecordCount())
		child := oneSpan(1, 2, 1, "request_id", "r", "program_id", "p", "agent_id", "a", "coordination_id", "c", "layer", "dspex", "foundation_os.layer.transition", "foundation>dspex")
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), child))
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), ptrace.NewTraces()))
		assert.Len(t, p.spans.AllTraces(), 3, "an empty batch")
		ld = plog.NewLogs()
		rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		rec.SetTraceID(pcommon.TraceID{1})
		rec.SetSpanID(pcommon.SpanID{2})
		for _, id := range []string{"request_id", "program_id", "agent_id", "coordination_id"} {
			rec.Attributes().PutStr(id, "x")
		}
		rec.Attributes().PutStr("layer", "dspex")
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		assert.Equal(t, 2, p.recs.LogRecordCount())
		p.shutdown(t)
	})
}

func TestShutdownSendsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(time.Minute), processortest.NewNopSettings(metadata.Type))
		for i := range byte(100) {
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, i+2, 1)))
		}
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 1, 0, "request_id", "r")))
		begin := time.Now()
		p.shutdown(t)
		assert.Zero(t, time.Since(begin), "without waiting")
		require.Equal(t, 101, p.spans.SpanCount())
		for i, td := range p.spans.AllTraces()[:100] {
			assert.Equal(t, pcommon.SpanID{byte(i) + 2}, allSpans(td)[0].SpanID(), "in the order of arrival")
			assert.Equal(t, "r", get(allSpans(td)[0].Attributes(), "foundation_os.request.id"))
		}
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 200, 1)))
		assert.Equal(t, 102, p.spans.SpanCount(), "afterwards nothing waits")
	})
}

func sum(t *testing.T, tel *componenttest.Telemetry, metric string) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric("otelcol_layer_enricher_" + metric)
	require.NoError(t, err, metric)
	out := map[string]int64{}
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		signal, _ := dp.Attributes.Value("signal")
		out[signal.AsString()] += dp.Value
	}
	return out
}

func TestNoRoomToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		cfg := withHold(2 * time.Second)
		cfg.Correlation.MaxHeldSpans = 3
		p := newPair(t, cfg, metadatatest.NewSettings(tel))
		for i := range byte(5) {
			require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, i+2, 1)))
		}
		assert.Equal(t, 2, p.spans.SpanCount(), "over the bound items go on at once")
		ld := plog.NewLogs()
		ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().SetTraceID(pcommon.TraceID{1})
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		assert.Equal(t, 1, p.recs.LogRecordCount(), "the bound is the component's")
		assert.Equal(t, map[string]int64{"span": 2, "log": 1}, sum(t, tel, "hold_overflows"))
		assert.Equal(t, map[string]int64{"span": 3}, sum(t, tel, "held_items"))
		time.Sleep(3 * time.Second)
		assert.Equal(t, 5, p.spans.SpanCount())
		assert.Equal(t, map[string]int64{"span": 0}, sum(t, tel, "held_items"))
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 9, 1)))
		assert.Equal(t, 5, p.spans.SpanCount(), "there is room again")
		p.shutdown(t)
		require.NoError(t, tel.Shutdown(context.Background()))
	})
}

// What was taken from its sender and is refused afterwards is lost, and says so.
func TestRefusedAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		f := NewFactory()
		p, err := f.CreateTraces(t.Context(), metadatatest.NewSettings(tel), withHold(time.Second), consumertest.NewErr(errors.New("full")))
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		assert.Equal(t, consumer.Capabilities{MutatesData: true}, p.Capabilities())
		require.NoError(t, p.ConsumeTraces(t.Context(), oneSpan(1, 2, 1)))
		time.Sleep(2 * time.Second)
		assert.Equal(t, map[string]int64{"span": 1}, sum(t, tel, "dropped_items"))
		assert.Equal(t, map[string]int64{"span": 0}, sum(t, tel, "held_items"))
		require.NoError(t, p.Shutdown(t.Context()))
		assert.ErrorContains(t, p.ConsumeTraces(t.Context(), oneSpan(1, 3, 1)), "full", "what does not wait is refused to its sender")
		require.NoError(t, tel.Shutdown(context.Background()))
	})
}

// A log may come long before anything else of its trace.
func TestLogOfATraceThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, withHold(2*time.Second), processortest.NewNopSettings(metadata.Type))
		ld := plog.NewLogs()
		rec := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		rec.SetTraceID(pcommon.TraceID{1})
		rec.SetSpanID(pcommon.SpanID{2})
		require.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
		time.Sleep(time.Second)
		require.NoError(t, p.traces.ConsumeTraces(t.Context(), oneSpan(1, 2, 0, "request_id", "r", "agent_id", "A", "layer", "dspex")))
		time.Sleep(2 * time.Second)
		p.shutdown(t)
		assert.Equal(t, map[string]any{
			"foundation_os.request.id": "r", "foundation_os.agent.id": "A", "gen_ai.agent.id": "A", "foundation_os.layer": "dspex",
		}, p.recs.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw())
	})
}
