package bench

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/probabilisticsamplerprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler"
)

const adaptiveSamplerItems = 1000

// adaptiveSamplerTraces makes a batch of spans with ten attributes, the event
// name last, as layer_enricher leaves them.
func adaptiveSamplerTraces(tracestate string) ptrace.Traces {
	names := []string{
		"foundation.process_registry.lookup", "foundation_jido.signal.dispatch", "foundation_jido.agent.registration",
		"dspex.program.execution", "foundation_jido.coordination.auction", "dspex.optimization.iteration", "foundation_os.request",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range adaptiveSamplerItems {
		span := spans.AppendEmpty()
		span.SetName(names[i%len(names)])
		span.SetTraceID(adaptiveSamplerID(rng))
		span.SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		span.TraceState().FromRaw(tracestate)
		adaptiveSamplerAttributes(span.Attributes(), names[i%len(names)])
	}
	return td
}

func adaptiveSamplerID(rng *rand.Rand) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	return id
}

func adaptiveSamplerAttributes(attributes pcommon.Map, name string) {
	attributes.PutStr("namespace", "default")
	attributes.PutStr("process_type", "worker")
	attributes.PutStr("request_id", "req-0001")
	attributes.PutInt("participant_count", 7)
	attributes.PutBool("success", true)
	attributes.PutStr("foundation_os.request.id", "req-0001")
	attributes.PutStr("foundation_os.outcome", "success")
	attributes.PutStr("foundation_os.layer", "foundation")
	attributes.PutDouble("foundation_os.duration", 0.25)
	attributes.PutStr("foundation_os.event.name", name)
}

func adaptiveSamplerLogs() plog.Logs {
	rng := rand.New(rand.NewPCG(1, 2))
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range adaptiveSamplerItems {
		record := records.AppendEmpty()
		record.SetTraceID(adaptiveSamplerID(rng))
		adaptiveSamplerAttributes(record.Attributes(), "foundation_jido.signal.dispatch")
	}
	return ld
}

// adaptiveSamplerSink forgets what it gets but counts it: an idle sampler must
// not look fast.
type adaptiveSamplerSink struct{ items int }

func (*adaptiveSamplerSink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *adaptiveSamplerSink) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	s.items += td.SpanCount()
	return nil
}

func (s *adaptiveSamplerSink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.items += ld.LogRecordCount()
	return nil
}

func adaptiveSamplerSettings(t component.Type) processor.Settings {
	set := processortest.NewNopSettings(t)
	set.TelemetrySettings = componenttest.NewNopTelemetrySettings()
	return set
}

// adaptiveSamplerConfig is mode span without a load signal: the machine's load must not decide
// what is measured.
func adaptiveSamplerConfig(change func(*adaptivesampler.Config)) *adaptivesampler.Config {
	cfg := adaptivesampler.NewFactory().CreateDefaultConfig().(*adaptivesampler.Config)
	cfg.Mode = "span"
	cfg.Load.Sources = nil
	if change != nil {
		change(cfg)
	}
	return cfg
}

func adaptiveSamplerRate(rate float64) func(*adaptivesampler.Config) {
	return func(cfg *adaptivesampler.Config) { cfg.Preset, cfg.DefaultRate = "none", rate }
}

func adaptiveSamplerRunTraces(b *testing.B, factory processor.Factory, cfg component.Config, payload ptrace.Traces) {
	sink := &adaptiveSamplerSink{}
	p, err := factory.CreateTraces(b.Context(), adaptiveSamplerSettings(factory.Type()), cfg, sink)
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, p.Shutdown(context.Background())) })
	b.ReportAllocs()
	for b.Loop() {
		td := ptrace.NewTraces()
		payload.CopyTo(td)
		if err := p.ConsumeTraces(b.Context(), td); err != nil {
			b.Fatal(err)
		}
	}
	adaptiveSamplerReport(b, sink, "span")
}

func adaptiveSamplerReport(b *testing.B, sink *adaptiveSamplerSink, item string) {
	total := float64(b.N) * adaptiveSamplerItems
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/"+item)
	b.ReportMetric(float64(sink.items)/total, "kept/"+item)
}

// BenchmarkAdaptiveSamplerTraces: subtract the row "clone" from the others. In
// the row "remove" the same loop over the spans drops them all and decides
// nothing: it is what removal costs.
func BenchmarkAdaptiveSamplerTraces(b *testing.B) {
	plain := adaptiveSamplerTraces("")
	ours := adaptivesampler.NewFactory()
	b.Run("clone", func(b *testing.B) {
		sink := &adaptiveSamplerSink{}
		b.ReportAllocs()
		for b.Loop() {
			td := ptrace.NewTraces()
			plain.CopyTo(td)
			_ = sink.ConsumeTraces(b.Context(), td)
		}
		adaptiveSamplerReport(b, sink, "span")
	})
	b.Run("remove", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			td := ptrace.NewTraces()
			plain.CopyTo(td)
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(ptrace.Span) bool { return true })
		}
		adaptiveSamplerReport(b, &adaptiveSamplerSink{}, "span")
	})
	for _, row := range []struct {
		name    string
		change  func(*adaptivesampler.Config)
		payload ptrace.Traces
	}{
		{"kept at 1", adaptiveSamplerRate(1), plain},
		{"dropped at 0", adaptiveSamplerRate(0), plain},
		{"dropped at 0.0001", adaptiveSamplerRate(0.0001), plain},
		{"dropped at 0.0001, floor 1", func(cfg *adaptivesampler.Config) {
			adaptiveSamplerRate(0.0001)(cfg)
			cfg.Boosts.ErrorFloor = 1
		}, plain},
		{"kept at 0.9999", adaptiveSamplerRate(0.9999), plain},
		{"document, floor 1", func(cfg *adaptivesampler.Config) { cfg.Boosts.ErrorFloor = 1 }, plain},
		{"kept at 1, th in", adaptiveSamplerRate(1), adaptiveSamplerTraces("ot=th:0")},
		{"kept at 0.9999, th in", adaptiveSamplerRate(0.9999), adaptiveSamplerTraces("ot=th:0")},
		{"kept at 0.9999, vendors in", adaptiveSamplerRate(0.9999), adaptiveSamplerTraces("dd=s:1;t.dm:-4,congo=t61rcWkgMzE")},
	} {
		b.Run(row.name, func(b *testing.B) {
			adaptiveSamplerRunTraces(b, ours, adaptiveSamplerConfig(row.change), row.payload)
		})
	}
	peer := probabilisticsamplerprocessor.NewFactory()
	for _, row := range []struct {
		name    string
		percent float32
	}{{"peer kept at 1", 100}, {"peer dropped at 0.0001", 0.01}, {"peer kept at 0.9999", 99.99}} {
		b.Run(row.name, func(b *testing.B) {
			cfg := peer.CreateDefaultConfig().(*probabilisticsamplerprocessor.Config)
			cfg.Mode, cfg.SamplingPercentage = probabilisticsamplerprocessor.Equalizing, row.percent
			adaptiveSamplerRunTraces(b, peer, cfg, plain)
		})
	}
}

// BenchmarkAdaptiveSamplerInTurn: mode span and the peer, at one rate for all names,
// so that they do the same. net is how many times the peer's spans a second ours
// are, without the clone that every way has to make. With -cpu 1,2 as many senders.
func BenchmarkAdaptiveSamplerInTurn(b *testing.B) {
	payload := make([]ptrace.Traces, runtime.GOMAXPROCS(0))
	for i := range payload {
		payload[i] = adaptiveSamplerTraces("")
	}
	start := func(b *testing.B, name string, factory processor.Factory, cfg component.Config) way {
		p := adaptiveSamplerStarted(b, factory, cfg)
		return way{name, func() { wholeTraceFeed(payload, func(td ptrace.Traces) { _ = p.ConsumeTraces(b.Context(), td) }) }}
	}
	for _, c := range []struct {
		name string
		rate float64
	}{{"kept", 0.9999}, {"a half", 0.5}, {"dropped", 0.0001}} {
		b.Run(c.name, func(b *testing.B) {
			peer := probabilisticsamplerprocessor.NewFactory()
			peerConfig := peer.CreateDefaultConfig().(*probabilisticsamplerprocessor.Config)
			peerConfig.Mode, peerConfig.SamplingPercentage = probabilisticsamplerprocessor.Equalizing, float32(c.rate*100)
			m := inTurn(
				b, len(payload)*adaptiveSamplerItems,
				way{"clone", func() { wholeTraceFeed(payload, func(ptrace.Traces) {}) }},
				start(b, "ours", adaptivesampler.NewFactory(), adaptiveSamplerConfig(adaptiveSamplerRate(c.rate))),
				start(b, "peer", peer, peerConfig),
			)
			b.ReportMetric((m["peer"]-m["clone"])/(m["ours"]-m["clone"]), "net-x-peer")
		})
	}
}

// BenchmarkAdaptiveSamplerLogs: subtract the row "clone" from the others.
func BenchmarkAdaptiveSamplerLogs(b *testing.B) {
	payload := adaptiveSamplerLogs()
	b.Run("clone", func(b *testing.B) {
		sink := &adaptiveSamplerSink{}
		b.ReportAllocs()
		for b.Loop() {
			ld := plog.NewLogs()
			payload.CopyTo(ld)
			_ = sink.ConsumeLogs(b.Context(), ld)
		}
		adaptiveSamplerReport(b, sink, "log")
	})
	for _, row := range []struct {
		name string
		rate float64
	}{{"kept at 1", 1}, {"dropped at 0.0001", 0.0001}, {"kept at 0.9999", 0.9999}} {
		b.Run(row.name, func(b *testing.B) {
			factory := adaptivesampler.NewFactory()
			sink := &adaptiveSamplerSink{}
			p, err := factory.CreateLogs(b.Context(), adaptiveSamplerSettings(factory.Type()), adaptiveSamplerConfig(adaptiveSamplerRate(row.rate)), sink)
			require.NoError(b, err)
			require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
			b.Cleanup(func() { require.NoError(b, p.Shutdown(context.Background())) })
			b.ReportAllocs()
			for b.Loop() {
				ld := plog.NewLogs()
				payload.CopyTo(ld)
				if err := p.ConsumeLogs(b.Context(), ld); err != nil {
					b.Fatal(err)
				}
			}
			adaptiveSamplerReport(b, sink, "log")
		})
	}
}

// The peer and ours must do the same work before they are timed: at one rate
// for all names they keep the same spans with the same tracestate.
func TestAdaptiveSamplerAgreesWithPeer(t *testing.T) {
	run := func(factory processor.Factory, cfg component.Config, payload ptrace.Traces) ptrace.Traces {
		var out ptrace.Traces
		sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
			out = td
			return nil
		})
		require.NoError(t, err)
		p, err := factory.CreateTraces(t.Context(), adaptiveSamplerSettings(factory.Type()), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		td := ptrace.NewTraces()
		payload.CopyTo(td)
		require.NoError(t, p.ConsumeTraces(t.Context(), td))
		require.NoError(t, p.Shutdown(t.Context()))
		return out
	}
	peer := probabilisticsamplerprocessor.NewFactory()
	for _, tracestate := range []string{"", "ot=th:0", "ot=th:4", "dd=s:1,ot=zz:1;rv:f0000000000000", "congo=t61rcWkgMzE"} {
		for _, rate := range []float64{0.125, 0.5, 1} {
			payload := adaptiveSamplerTraces(tracestate)
			if tracestate == "ot=th:4" {
				// On those with an inconsistent threshold the two differ by intent.
				payload.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(s ptrace.Span) bool { return s.TraceID()[9] < 0x40 })
			}
			cfg := peer.CreateDefaultConfig().(*probabilisticsamplerprocessor.Config)
			cfg.Mode, cfg.SamplingPercentage = probabilisticsamplerprocessor.Equalizing, float32(rate*100)
			want := run(peer, cfg, payload)
			got := run(adaptivesampler.NewFactory(), adaptiveSamplerConfig(adaptiveSamplerRate(rate)), payload)
			marshaler := ptrace.ProtoMarshaler{}
			wantBytes, err := marshaler.MarshalTraces(want)
			require.NoError(t, err)
			gotBytes, err := marshaler.MarshalTraces(got)
			require.NoError(t, err)
			require.Equal(t, wantBytes, gotBytes, "%q at %v", tracestate, rate)
			require.NotZero(t, got.SpanCount())
		}
	}
}
