package foundationmetrics

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// N operations in, N counted: from 16 senders of spans and logs at once, while the
// timer flushes. Values are multiples of a power of two, so that their float sum is
// the same in any order.
func TestExactFromManySenders(t *testing.T) {
	const senders, each = 16, 200
	p := start(t, nil)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 50 {
				p.core.flush(t.Context())
			}
		})
	}
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				td := ptrace.NewTraces()
				ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
				span := ss.AppendEmpty()
				span.SetName("foundation_jido.signal.dispatch")
				span.SetTraceID([16]byte{2, byte(s), byte(i)})
				span.SetSpanID([8]byte{3, byte(s), byte(i)})
				span.SetStartTimestamp(1_000_000_000)
				span.SetEndTimestamp(1_500_000_000)
				span.Attributes().PutStr("adapter", "pg")
				ld := plog.NewLogs()
				lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
				same := lr.AppendEmpty() // the same operation again
				same.SetEventName("foundation_jido.signal.dispatch.complete")
				same.SetTraceID(span.TraceID())
				same.SetSpanID(span.SpanID())
				same.Attributes().PutStr("adapter", "pg")
				bid := lr.AppendEmpty()
				bid.SetEventName("foundation_jido.coordination.auction.bid_received")
				bid.Attributes().PutDouble("bid_value", 0.25)
				if i%2 == 0 {
					assert.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
					assert.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
				} else {
					assert.NoError(t, p.logs.ConsumeLogs(t.Context(), ld))
					assert.NoError(t, p.traces.ConsumeTraces(t.Context(), td))
				}
			}
		})
	}
	wg.Wait()
	p.expect(map[string]string{
		"foundation_jido.signal.dispatches{adapter=pg,outcome=success,target_type=unknown}": "3200",
		"foundation_jido.signal.dispatch_duration{adapter=pg}":                              "3200/1600",
		"foundation_jido.auction.bids{}":                                                    "3200",
		"foundation_jido.auction.bid.value{}":                                               "3200/800",
		"foundation_os.operations{outcome=success}":                                         "3200",
	})
	p.core.flush(t.Context())
	// Every flush has the same start, and no value ever went down.
	var values []int64
	for _, md := range p.sink.AllMetrics() {
		for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			if m.Name() == "foundation_jido.auction.bids" {
				dp := m.Sum().DataPoints().At(0)
				assert.Equal(t, at(0), dp.StartTimestamp())
				values = append(values, dp.IntValue())
			}
		}
	}
	assert.True(t, slices.IsSorted(values), "a value went down: %v", values)
	assert.EqualValues(t, senders*each, values[len(values)-1])
}

// The same operations as spans, as events or as both, in any order and cut into any
// batches: the same counts, and the same sums, since every duration is half a second.
func TestOrderAndBatchesDoNotMatter(t *testing.T) {
	names := []string{
		"foundation.process_registry.register", "foundation.process_registry.lookup", "foundation_jido.signal.dispatch",
		"foundation_jido.coordination.auction", "dspex.program.execution", "dspex.coordination.multi_agent",
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var sends []func(*pair)
		want := map[string]int{}
		for i := range byte(200) {
			id, name := i+1, names[rng.IntN(len(names))]
			want[name]++
			attrs := kv{"namespace": fmt.Sprint(name), "foundation_os.layer": name, "success": true}
			span := spanOf{name: name, id: id, length: 500 * ms, attrs: attrs}
			begin := event{name: name + ".start", span: id, attrs: attrs}
			end := event{name: name + ".complete", span: id, attrs: kv{"namespace": name, "foundation_os.layer": name, "success": true, "duration_ms": 500}}
			shape := rng.IntN(4)
			if shape != 0 {
				sends = append(sends, func(p *pair) { p.spans(span) })
			}
			if shape == 0 || shape == 1 { // as events only, or as both
				sends = append(sends, func(p *pair) { p.events(begin) }, func(p *pair) { p.events(end) })
			}
			if shape == 2 {
				span.events = []event{begin, end}
				sends[len(sends)-1] = func(p *pair) { p.spans(span) }
			}
		}
		var first map[string]string
		for range 3 {
			rng.Shuffle(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
			p := start(t, nil)
			for _, send := range sends {
				send(p)
			}
			got := map[string]int{}
			for _, m := range p.core.snapshot().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
				if m.Name() != "foundation_os.operations" {
					continue
				}
				for _, dp := range m.Sum().DataPoints().All() {
					layer, _ := dp.Attributes().Get("foundation_os.layer")
					got[layer.Str()] += int(dp.IntValue())
				}
			}
			require.Equal(t, want, got, "seed %d", seed)
			text := textOf(p.core.snapshot(), func(string) bool { return true })
			if first == nil {
				first = text
			}
			require.Equal(t, first, text, "seed %d", seed)
		}
	}
}
