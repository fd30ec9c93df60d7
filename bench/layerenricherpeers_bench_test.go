package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/ptracetest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/groupbytraceprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher"
)

// layerEnricherPeerNames are of one layer and without phase: what the enricher
// makes of them, four statements can write too.
var layerEnricherPeerNames = []string{
	"foundation.process_registry.lookup", "foundation.agent_discovery", "foundation.coordination.barrier",
	"foundation.infrastructure.execute_protected", "foundation.process_registry.register", "foundation.service_registry.lookup",
	"foundation.resource.acquire", "foundation.telemetry.flush", "foundation.config.update", "foundation.event_store.append",
}

// layerEnricherPeerStatements write what the enricher writes on layerEnricherPeerTraces.
var layerEnricherPeerStatements = []any{
	`set(span.attributes["foundation_os.layer"], "foundation") where HasPrefix(span.name, "foundation.")`,
	`set(span.attributes["foundation_os.event.name"], span.name) where HasPrefix(span.name, "foundation.")`,
	`set(span.attributes["foundation_os.request.id"], span.attributes["request_id"]) where span.attributes["request_id"] != nil`,
	`set(span.attributes["foundation_os.outcome"], "success") where span.attributes["success"] == "true"`,
}

// layerEnricherPeerTraces makes a batch of traces with ten spans and ten
// attributes a span. Every span has the request's id, since transform carries
// none from one span to another.
func layerEnricherPeerTraces() ptrace.Traces {
	td := layerEnricherTraces(0)
	for i, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		s.SetName(layerEnricherPeerNames[i%layerEnricherSpansPerTrace])
		a := s.Attributes()
		a.Clear()
		a.PutStr("peer.service", "x")
		a.PutStr("beam.module", "MyApp.Worker")
		a.PutStr("request_id", fmt.Sprint("request-", i/layerEnricherSpansPerTrace))
		a.PutStr("success", "true")
		a.PutStr("thread.name", "scheduler-3")
		a.PutInt("thread.id", 17)
		a.PutStr("code.function", "handle_call/3")
		a.PutStr("code.namespace", "MyApp.Worker")
		a.PutBool("sampled", true)
		a.PutStr("deployment", "blue")
	}
	return td
}

func layerEnricherStart(b testing.TB, f processor.Factory, cfg component.Config, next consumer.Traces) processor.Traces {
	set := processortest.NewNopSettings(f.Type())
	p, err := f.CreateTraces(b.Context(), set, cfg, next)
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, p.Shutdown(context.Background())) })
	return p
}

func layerEnricherNew(b testing.TB, next consumer.Traces) processor.Traces {
	f := layerenricher.NewFactory()
	return layerEnricherStart(b, f, f.CreateDefaultConfig(), next)
}

func layerEnricherTransform(b testing.TB, next consumer.Traces) processor.Traces {
	f := transformprocessor.NewFactory()
	cfg := f.CreateDefaultConfig()
	require.NoError(b, confmap.NewFromStringMap(map[string]any{"trace_statements": layerEnricherPeerStatements}).Unmarshal(cfg))
	return layerEnricherStart(b, f, cfg, next)
}

func layerEnricherCopy(in ptrace.Traces) ptrace.Traces {
	td := ptrace.NewTraces()
	in.CopyTo(td)
	return td
}

// layerEnricherRun sends copies of a batch, each of which change may prepare.
func layerEnricherRun(b *testing.B, p processor.Traces, in ptrace.Traces, change func(ptrace.Traces)) {
	b.ReportAllocs()
	for b.Loop() {
		td := layerEnricherCopy(in)
		if change != nil {
			change(td)
		}
		if err := p.ConsumeTraces(b.Context(), td); err != nil {
			b.Fatal(err)
		}
	}
	layerEnricherNet(b, "ns/span")
}

// BenchmarkLayerEnricherPeers: the enricher beside transform with four `set`
// statements. Both write the same four attributes, layer, event name, request id
// and outcome, which is checked before anything is timed; clone_and_write
// writes them too, without having to find them. side_by_side is the row to take
// ratios from: it does these in turn, one batch each, so that a machine that is
// slower for a while is so for all.
//
// Beside it groupbytrace, which people put before a transform to have traces
// whole: it changes nothing, and its row is what the wait costs, from a batch
// that comes to its traces that leave, one by one, with four batches on their
// way. It works in several goroutines: run it with -cpu 1 to read time as work.
func BenchmarkLayerEnricherPeers(b *testing.B) {
	in := layerEnricherPeerTraces()
	var want consumertest.TracesSink
	require.NoError(b, layerEnricherTransform(b, &want).ConsumeTraces(b.Context(), layerEnricherCopy(in)))
	var got consumertest.TracesSink
	require.NoError(b, layerEnricherNew(b, &got).ConsumeTraces(b.Context(), layerEnricherCopy(in)))
	require.NoError(b, ptracetest.CompareTraces(want.AllTraces()[0], got.AllTraces()[0]))
	for i, s := range got.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		require.Equal(b, in.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(i).Attributes().Len()+4, s.Attributes().Len())
	}

	b.Run("side_by_side", func(b *testing.B) {
		layerEnricherSideBySide(b, in, want.AllTraces()[0], layerEnricherTransform(b, consumertest.NewNop()))
	})
	b.Run("clone", func(b *testing.B) { layerEnricherClone(b, in) })
	b.Run("clone_and_write", func(b *testing.B) { layerEnricherCloneAndWrite(b, in, want.AllTraces()[0]) })
	b.Run("transform", func(b *testing.B) {
		layerEnricherRun(b, layerEnricherTransform(b, consumertest.NewNop()), in, nil)
	})
	b.Run("warm", func(b *testing.B) {
		layerEnricherRun(b, layerEnricherNew(b, consumertest.NewNop()), in, nil)
	})
	b.Run("cold", func(b *testing.B) {
		batch := uint32(0)
		layerEnricherRun(b, layerEnricherNew(b, consumertest.NewNop()), in, func(td ptrace.Traces) {
			batch++
			layerEnricherMark(td, batch)
		})
	})
	b.Run("groupbytrace", func(b *testing.B) {
		const onTheirWay = 4 * layerEnricherItems
		sink := &layerEnricherSink{came: make(chan struct{}, 1)}
		f := groupbytraceprocessor.NewFactory()
		cfg := f.CreateDefaultConfig().(*groupbytraceprocessor.Config)
		cfg.WaitDuration, cfg.NumTraces = time.Millisecond, 50_000
		p := layerEnricherStart(b, f, cfg, sink)
		batch, sent := uint32(0), int64(0)
		layerEnricherRun(b, p, in, func(td ptrace.Traces) {
			sink.wait(sent - onTheirWay)
			batch++
			layerEnricherMark(td, batch)
			sent += layerEnricherItems
		})
		sink.wait(sent)
		require.Equal(b, sent, sink.spans.Load())
	})
}

// layerEnricherSideBySide reports what a span costs in each row, and own, what
// the enricher costs beyond clone and writes. With a peer it reports that and
// net, the time beyond the clone, as parts of the peer's too.
func layerEnricherSideBySide(b *testing.B, in, out ptrace.Traces, peer processor.Traces) {
	type row struct {
		name string
		run  func()
	}
	consume := func(p processor.Traces) func() {
		return func() {
			if err := p.ConsumeTraces(b.Context(), layerEnricherCopy(in)); err != nil {
				b.Fatal(err)
			}
		}
	}
	rows := []row{
		{"clone", func() { layerEnricherCopy(in) }},
		{"write", layerEnricherWriter(in, out)},
		{"warm", consume(layerEnricherNew(b, consumertest.NewNop()))},
	}
	if peer != nil {
		rows = append(rows, row{"peer", consume(peer)})
	}
	spent := map[string]time.Duration{}
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		// In any order, since the garbage collector keeps to a beat of its own.
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, row := range rows {
			start := time.Now()
			row.run()
			spent[row.name] += time.Since(start)
		}
	}
	perSpan := float64(b.N) * layerEnricherItems
	for _, row := range rows {
		b.ReportMetric(float64(spent[row.name].Nanoseconds())/perSpan, row.name+"-ns/span")
	}
	beyond := func(row, other string) float64 { return float64(spent[row] - spent[other]) }
	b.ReportMetric(beyond("warm", "write")/perSpan, "own-ns/span")
	if peer != nil {
		b.ReportMetric(beyond("warm", "clone")/beyond("peer", "clone"), "net/peer")
		b.ReportMetric(beyond("warm", "write")/beyond("peer", "write"), "own/peer")
	}
}

// layerEnricherSink counts spans, from many goroutines.
type layerEnricherSink struct {
	spans atomic.Int64
	came  chan struct{}
}

func (*layerEnricherSink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *layerEnricherSink) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	s.spans.Add(int64(td.SpanCount()))
	select {
	case s.came <- struct{}{}:
	default:
	}
	return nil
}

func (s *layerEnricherSink) wait(spans int64) {
	for s.spans.Load() < spans {
		<-s.came
	}
}

// BenchmarkLayerEnricherParallel: as many goroutines as the row says send
// batches, each of other traces, to one enricher (warm), or only copy them
// (clone): what the clone does not gain by more cores, the enricher cannot.
func BenchmarkLayerEnricherParallel(b *testing.B) {
	const batches = 4 // of each goroutine between two waits for all
	for _, row := range []string{"clone", "warm"} {
		for _, goroutines := range []int{1, 2, 8} {
			b.Run(fmt.Sprintf("%s_in_%d_goroutines", row, goroutines), func(b *testing.B) {
				p := layerEnricherNew(b, consumertest.NewNop())
				var in []ptrace.Traces
				for i := range goroutines {
					td := layerEnricherTraces(0)
					layerEnricherMark(td, uint32(i))
					in = append(in, td)
				}
				b.ReportAllocs()
				for b.Loop() {
					var wg sync.WaitGroup
					for i := range goroutines {
						wg.Go(func() {
							for range batches {
								td := layerEnricherCopy(in[i])
								if row == "clone" {
									continue
								}
								if err := p.ConsumeTraces(b.Context(), td); err != nil {
									b.Error(err)
								}
							}
						})
					}
					wg.Wait()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(goroutines*batches*layerEnricherItems), "ns/span")
			})
		}
	}
}

// BenchmarkLayerEnricherCache: batches of one hundred traces that are all in the
// cache, among so many others. With one trace all hundred are that one.
func BenchmarkLayerEnricherCache(b *testing.B) {
	in := layerEnricherTraces(0)
	for _, traces := range []uint32{1, 1000, 50_000} {
		b.Run(fmt.Sprintf("of_%d_traces", traces), func(b *testing.B) {
			p := layerEnricherNew(b, consumertest.NewNop())
			next := uint32(0)
			others := func(td ptrace.Traces) {
				spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				for i := range spans.Len() {
					trace := (next + uint32(i/layerEnricherSpansPerTrace)) % traces
					spans.At(i).SetTraceID(pcommon.TraceID{1, byte(trace), byte(trace >> 8), byte(trace >> 16), byte(trace * 7), 9})
				}
				next = (next + layerEnricherItems/layerEnricherSpansPerTrace) % traces
			}
			for range max(1, traces*layerEnricherSpansPerTrace/layerEnricherItems) {
				td := layerEnricherCopy(in)
				others(td)
				require.NoError(b, p.ConsumeTraces(b.Context(), td))
			}
			layerEnricherRun(b, p, in, others)
		})
	}
}
