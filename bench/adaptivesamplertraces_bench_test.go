package bench

import (
	"context"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler"
)

const (
	wholeTraces    = 2000
	wholeTraceSize = 10
	wholeTraceCut  = 5 // spans of a trace that come in one batch
	wholeBatchSize = 1000
)

// wholeTraceBatches are traces of ten spans, the root first, each in two batches
// with other traces' spans between; a tenth of them has an error at its end.
func wholeTraceBatches() []ptrace.Traces {
	names := []string{
		"shop.checkout", "foundation.process_registry.lookup", "foundation_jido.signal.dispatch", "foundation_jido.agent.registration", "dspex.program.execution",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	ids := make([]pcommon.TraceID, wholeTraces)
	for i := range ids {
		ids[i] = adaptiveSamplerID(rng)
	}
	const perBatch = wholeBatchSize / wholeTraceCut
	var batches []ptrace.Traces
	for first := 0; first < wholeTraces; first += perBatch {
		for from := 0; from < wholeTraceSize; from += wholeTraceCut {
			td := ptrace.NewTraces()
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", "shop")
			spans := rs.ScopeSpans().AppendEmpty().Spans()
			for j := from; j < from+wholeTraceCut; j++ {
				for i := first; i < first+perBatch; i++ {
					s := spans.AppendEmpty()
					s.SetTraceID(ids[i])
					s.SetSpanID(pcommon.SpanID{1, byte(j)})
					if j > 0 {
						s.SetParentSpanID(pcommon.SpanID{1, 0})
					}
					s.SetName(names[min(j, 1)*(1+(i+j)%4)])
					if i%10 == 0 && j == wholeTraceSize-1 {
						s.Status().SetCode(ptrace.StatusCodeError)
					}
					adaptiveSamplerAttributes(s.Attributes(), s.Name())
				}
			}
			batches = append(batches, td)
		}
	}
	return batches
}

// wholeTraceCase is one task, as each of the two is told it.
type wholeTraceCase struct {
	name        string
	rate, floor float64
	policies    []any
	sameTraces  bool // else only about as many
}

func wholeTraceCases() []wholeTraceCase {
	errors := map[string]any{"name": "errors", "type": "status_code", "status_code": map[string]any{"status_codes": []any{"ERROR"}}}
	tenth := map[string]any{"name": "tenth", "type": "probabilistic", "probabilistic": map[string]any{"sampling_percentage": 10}}
	all := map[string]any{"name": "all", "type": "always_sample"}
	return []wholeTraceCase{
		{"all", 1, 0, []any{all}, true},
		{"errors", 0, 1, []any{errors}, true},
		{"errors and a tenth", 0.1, 1, []any{errors, tenth}, false},
	}
}

// Nothing becomes due while it is fed: both decide when they shut down, so that all
// of their work is between the first span and the end of Shutdown.
func (c wholeTraceCase) ours() *adaptivesampler.Config {
	return adaptiveSamplerConfig(func(cfg *adaptivesampler.Config) {
		adaptiveSamplerRate(c.rate)(cfg)
		cfg.Mode = "trace"
		cfg.Boosts.ErrorFloor = c.floor
		cfg.Trace.Timeout, cfg.Trace.DecisionDelay, cfg.Trace.MaxBytes = time.Hour, time.Hour, 1<<40
	})
}

func (c wholeTraceCase) peer(tb testing.TB, shards int) *tailsamplingprocessor.Config {
	cfg := tailsamplingprocessor.NewFactory().CreateDefaultConfig().(*tailsamplingprocessor.Config)
	require.NoError(tb, confmap.NewFromStringMap(map[string]any{
		"decision_wait": "1h", "num_traces": 1 << 20, "num_shards": shards, "policies": c.policies,
		"decision_cache": map[string]any{"sampled_cache_size": 50_000, "non_sampled_cache_size": 1_000_000},
	}).Unmarshal(cfg))
	return cfg
}

// wholeTraceRun feeds copies of the batches to a new processor, with as many
// senders as cores, and shuts it down; with peek, once all is fed.
func wholeTraceRun(tb testing.TB, factory processor.Factory, cfg any, batches []ptrace.Traces, next consumer.Traces, peek func()) {
	p, err := factory.CreateTraces(context.Background(), adaptiveSamplerSettings(factory.Type()), cfg, next)
	require.NoError(tb, err)
	require.NoError(tb, p.Start(context.Background(), componenttest.NewNopHost()))
	wholeTraceFeed(batches, func(td ptrace.Traces) {
		if err := p.ConsumeTraces(context.Background(), td); err != nil {
			panic(err)
		}
	})
	if peek != nil {
		peek()
	}
	require.NoError(tb, p.Shutdown(context.Background()))
}

func wholeTraceFeed(batches []ptrace.Traces, consume func(ptrace.Traces)) {
	var senders sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for sender := range n {
		senders.Go(func() {
			for i := sender; i < len(batches); i += n {
				td := ptrace.NewTraces()
				batches[i].CopyTo(td)
				consume(td)
			}
		})
	}
	senders.Wait()
}

// wholeTraceSink counts what it gets, from several goroutines.
type wholeTraceSink struct {
	mu sync.Mutex
	adaptiveSamplerSink
}

func (s *wholeTraceSink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.adaptiveSamplerSink.ConsumeTraces(ctx, td)
}

// wholeTraceWays are the ways to do a task; "sharded" is the peer with as many
// shards as cores, "peer" with its default of one.
func wholeTraceWays(b *testing.B, c wholeTraceCase, batches []ptrace.Traces, sink *wholeTraceSink) []way {
	peer := func(shards int) func() {
		return func() {
			wholeTraceRun(b, tailsamplingprocessor.NewFactory(), c.peer(b, shards), batches, sink, nil)
		}
	}
	return []way{
		{"clone", func() {
			wholeTraceFeed(batches, func(td ptrace.Traces) { _ = sink.ConsumeTraces(b.Context(), td) })
		}},
		{"ours", func() { wholeTraceRun(b, adaptivesampler.NewFactory(), c.ours(), batches, sink, nil) }},
		{"peer", peer(1)},
		{"sharded", peer(runtime.GOMAXPROCS(0))},
	}
}

// BenchmarkAdaptiveSamplerWholeTraces: in_turn is the row to take ratios from: net is
// how many times the peer's spans a second ours are, without the clone that every way
// has to make, gross with it. The ways by themselves are for the allocations. With
// -cpu 1,2 as many senders.
func BenchmarkAdaptiveSamplerWholeTraces(b *testing.B) {
	batches := wholeTraceBatches()
	for _, c := range wholeTraceCases() {
		sink := &wholeTraceSink{}
		ways := wholeTraceWays(b, c, batches, sink)
		b.Run(c.name+"/in_turn", func(b *testing.B) {
			m := inTurn(b, wholeTraces*wholeTraceSize, ways...)
			b.ReportMetric((m["peer"]-m["clone"])/(m["ours"]-m["clone"]), "net-x-peer")
			b.ReportMetric((m["sharded"]-m["clone"])/(m["ours"]-m["clone"]), "net-x-sharded")
			b.ReportMetric(m["peer"]/m["ours"], "gross-x-peer")
		})
		for _, way := range ways {
			b.Run(c.name+"/"+way.name, func(b *testing.B) {
				sink.items = 0
				b.ReportAllocs()
				for b.Loop() {
					way.run()
				}
				total := float64(b.N) * wholeTraces * wholeTraceSize
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/span")
				b.ReportMetric(float64(sink.items)/total, "kept/span")
			})
		}
	}
}

// BenchmarkAdaptiveSamplerWholeTracesMemory reports the live heap for each span that
// waits. "batches" is what the spans take in the batches that they came in.
func BenchmarkAdaptiveSamplerWholeTracesMemory(b *testing.B) {
	c := wholeTraceCases()[2] // in which no span is decided before its time
	batches := wholeTraceBatches()
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	measure := func(b *testing.B, run func(peek func())) {
		var retained float64
		for b.Loop() {
			before := live()
			run(func() { retained += float64(live()) - float64(before) })
		}
		b.ReportMetric(retained/float64(b.N)/(wholeTraces*wholeTraceSize), "retained-B/span")
	}
	b.Run("batches", func(b *testing.B) {
		measure(b, func(peek func()) {
			var mu sync.Mutex
			var held []ptrace.Traces
			wholeTraceFeed(batches, func(td ptrace.Traces) {
				mu.Lock()
				defer mu.Unlock()
				held = append(held, td)
			})
			peek()
			runtime.KeepAlive(held)
		})
	})
	b.Run("ours", func(b *testing.B) {
		measure(b, func(peek func()) {
			wholeTraceRun(b, adaptivesampler.NewFactory(), c.ours(), batches, &wholeTraceSink{}, peek)
		})
	})
	b.Run("peer", func(b *testing.B) {
		measure(b, func(peek func()) {
			wholeTraceRun(b, tailsamplingprocessor.NewFactory(), c.peer(b, 1), batches, &wholeTraceSink{}, peek)
		})
	})
}

// The two must do the same before they are timed: where the task leaves no choice
// they keep the same spans, the same in all but the tracestate, and where it is up
// to chance about as many.
func TestAdaptiveSamplerAgreesWithTailSampling(t *testing.T) {
	batches := wholeTraceBatches()
	type key struct {
		trace pcommon.TraceID
		span  pcommon.SpanID
	}
	kept := func(factory processor.Factory, cfg any) map[key]map[string]any {
		out := map[key]map[string]any{}
		var mu sync.Mutex
		sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
			mu.Lock()
			defer mu.Unlock()
			for _, rs := range td.ResourceSpans().All() {
				for _, ss := range rs.ScopeSpans().All() {
					for _, s := range ss.Spans().All() {
						all := s.Attributes().AsRaw()
						maps.Copy(all, rs.Resource().Attributes().AsRaw())
						all["name"], all["status"], all["parent"] = s.Name(), s.Status().Code(), s.ParentSpanID()
						k := key{s.TraceID(), s.SpanID()}
						assert.Nil(t, out[k], "twice")
						out[k] = all
					}
				}
			}
			return nil
		})
		require.NoError(t, err)
		wholeTraceRun(t, factory, cfg, batches, sink, nil)
		return out
	}
	for _, c := range wholeTraceCases() {
		ours := kept(adaptivesampler.NewFactory(), c.ours())
		peer := kept(tailsamplingprocessor.NewFactory(), c.peer(t, 2))
		require.NotEmpty(t, ours, c.name)
		require.Zero(t, len(ours)%wholeTraceSize, "%s: traces are whole", c.name)
		if c.sameTraces {
			assert.True(t, reflect.DeepEqual(peer, ours), "%s: the peer keeps %d spans, ours %d, or in other words", c.name, len(peer), len(ours))
		} else {
			assert.InEpsilon(t, len(peer), len(ours), 0.15, c.name)
		}
	}
}
