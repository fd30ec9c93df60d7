package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher"
)

const (
	layerEnricherItems         = 1000
	layerEnricherSpansPerTrace = 10
)

var layerEnricherNames = []string{
	"request.multi_agent_optimization", "foundation.agent_discovery", "foundation_jido.coordination_setup",
	"dspex.multi_agent_optimization", "dspex.optimization.iteration.stop", "foundation_jido.signal.dispatch",
	"foundation.process_registry.lookup", "dspex.program.execution", "jido.agent.run", "GET /",
}

// layerEnricherTraces makes a batch of traces with ten spans and ten attributes
// a span. Only the root has the request's and program's id.
func layerEnricherTraces(first int) ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := range layerEnricherItems {
		trace, at := first+i/layerEnricherSpansPerTrace, i%layerEnricherSpansPerTrace
		s := spans.AppendEmpty()
		s.SetName(layerEnricherNames[at])
		s.SetTraceID(pcommon.TraceID{1, byte(trace), byte(trace >> 8), byte(trace >> 16), byte(trace * 7), 9})
		s.SetSpanID(pcommon.SpanID{1, byte(at)})
		if at > 0 {
			s.SetParentSpanID(pcommon.SpanID{1, byte((at - 1) / 2)})
		}
		s.SetStartTimestamp(1_000_000_000)
		s.SetEndTimestamp(1_012_000_000)
		a := s.Attributes()
		if at == 0 {
			a.PutStr("request_id", fmt.Sprint("request-", trace))
			a.PutStr("program_id", "program-1")
		} else {
			a.PutStr("peer.service", "x")
			a.PutStr("beam.module", "MyApp.Worker")
		}
		if at%3 == 1 {
			a.PutStr("agent_id", fmt.Sprint("agent-", at))
		} else {
			a.PutStr("net.peer.name", "10.0.0.1")
		}
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

func layerEnricherSettings(f processor.Factory) processor.Settings {
	set := processortest.NewNopSettings(f.Type())
	set.ID = component.NewID(f.Type())
	return set
}

func layerEnricherNet(b *testing.B, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/layerEnricherItems, unit)
}

// BenchmarkLayerEnricherTraces: a copy of the batch; a copy that is given the
// attributes that the enricher would write, by somebody who knows them
// beforehand; and the enricher on a copy, with the batch's traces in its cache
// (warm) and with new traces each time (cold).
func BenchmarkLayerEnricherTraces(b *testing.B) {
	in := layerEnricherTraces(0)
	b.Run("clone", func(b *testing.B) { layerEnricherClone(b, in) })
	out := layerEnricherCopy(in)
	require.NoError(b, layerEnricherNew(b, consumertest.NewNop()).ConsumeTraces(b.Context(), out))
	b.Run("side_by_side", func(b *testing.B) { layerEnricherSideBySide(b, in, out, nil) })
	b.Run("clone_and_write", func(b *testing.B) { layerEnricherCloneAndWrite(b, in, out) })
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
}

func layerEnricherClone(b *testing.B, in ptrace.Traces) {
	b.ReportAllocs()
	for b.Loop() {
		layerEnricherCopy(in)
	}
	layerEnricherNet(b, "ns/span")
}

func layerEnricherCloneAndWrite(b *testing.B, in, out ptrace.Traces) {
	write := layerEnricherWriter(in, out)
	b.ReportAllocs()
	for b.Loop() {
		write()
	}
	layerEnricherNet(b, "ns/span")
}

// layerEnricherWriter adds to copies of in the texts that out has more.
func layerEnricherWriter(in, out ptrace.Traces) func() {
	type added struct{ key, value string }
	var writes [][]added
	before, after := in.ResourceSpans().At(0).ScopeSpans().At(0).Spans(), out.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for i := range after.Len() {
		var w []added
		for key, v := range after.At(i).Attributes().All() {
			if _, ok := before.At(i).Attributes().Get(key); !ok {
				w = append(w, added{key, v.Str()})
			}
		}
		writes = append(writes, w)
	}
	return func() {
		spans := layerEnricherCopy(in).ResourceSpans().At(0).ScopeSpans().At(0).Spans()
		for i, w := range writes {
			attrs := spans.At(i).Attributes()
			attrs.EnsureCapacity(attrs.Len() + len(w))
			for _, kv := range w {
				attrs.PutStr(kv.key, kv.value)
			}
		}
	}
}

// layerEnricherMark gives the traces of a batch other ids.
func layerEnricherMark(td ptrace.Traces, mark uint32) {
	for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		id := s.TraceID()
		binary.LittleEndian.PutUint32(id[8:], mark)
		s.SetTraceID(id)
	}
}

func BenchmarkLayerEnricherLogs(b *testing.B) {
	in := plog.NewLogs()
	records := in.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range layerEnricherItems {
		r := records.AppendEmpty()
		r.SetTraceID(pcommon.TraceID{1, byte(i / 10), byte(i / 2560)})
		r.Body().SetStr("[:foundation_jido, :coordination, :auction, :bid_received]")
		r.Attributes().PutStr("auction_id", "auction-1")
		r.Attributes().PutDouble("bid_value", 7)
		r.Attributes().PutStr("code.function", "handle_call/3")
	}
	f := layerenricher.NewFactory()
	p, err := f.CreateLogs(b.Context(), layerEnricherSettings(f), f.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(b, err)
	b.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	b.Run("clone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ld := plog.NewLogs()
			in.CopyTo(ld)
		}
		layerEnricherNet(b, "ns/record")
	})
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ld := plog.NewLogs()
			in.CopyTo(ld)
			if err := p.ConsumeLogs(b.Context(), ld); err != nil {
				b.Fatal(err)
			}
		}
		layerEnricherNet(b, "ns/record")
	})
}

func BenchmarkLayerEnricherMetrics(b *testing.B) {
	in := pmetric.NewMetrics()
	metrics := in.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	for i := range layerEnricherItems / 10 {
		m := metrics.AppendEmpty()
		m.SetName(fmt.Sprint("foundation_jido_metric_", i))
		points := m.SetEmptySum().DataPoints()
		for j := range 10 {
			p := points.AppendEmpty()
			p.SetIntValue(int64(j))
			p.Attributes().PutStr("agent_type", "worker")
			p.Attributes().PutStr("instance", "10.0.0.1:4000")
		}
	}
	f := layerenricher.NewFactory()
	p, err := f.CreateMetrics(b.Context(), layerEnricherSettings(f), f.CreateDefaultConfig(), consumertest.NewNop())
	require.NoError(b, err)
	b.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	b.Run("clone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			md := pmetric.NewMetrics()
			in.CopyTo(md)
		}
		layerEnricherNet(b, "ns/point")
	})
	b.Run("enrich", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			md := pmetric.NewMetrics()
			in.CopyTo(md)
			if err := p.ConsumeMetrics(b.Context(), md); err != nil {
				b.Fatal(err)
			}
		}
		layerEnricherNet(b, "ns/point")
	})
}
