package e2e

import (
	"math"
	"testing"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// What the shipped configuration keeps of a living Foundation OS, beside the
// document's rates. In it lookups and dispatches are parts of requests, whose
// traces are kept or dropped as a whole; the table in the sampler's README is what
// this prints.
func TestShippedRates(t *testing.T) {
	t.Parallel()
	c := startCollector(t, everything, noLoad)
	generate(t, c, "--senders", "4", "--rate", "0", "--requests", "1500", "--error-rate", "0.002", "--seed", "5")
	c.stop()

	all, kept := readTraces(t, c.file("all.jsonl")), readTraces(t, c.file("traces.jsonl"))
	sent, got := map[string]int{}, map[string]int{}
	spansOf, keptOf := map[pcommon.TraceID]int{}, map[pcommon.TraceID]int{}
	for _, s := range all {
		sent[attr(s.it.Attributes(), "foundation_os.event.name")]++
		spansOf[s.it.TraceID()]++
	}
	counts, weights := map[string]float64{}, map[pcommon.TraceID]float64{}
	for _, s := range kept {
		name := attr(s.it.Attributes(), "foundation_os.event.name")
		got[name]++
		keptOf[s.it.TraceID()]++
		w3c, err := otelsampling.NewW3CTraceState(s.it.TraceState().AsRaw())
		require.NoError(t, err)
		th, ok := w3c.OTelValue().TValueThreshold()
		require.True(t, ok, "%s without a threshold", s.it.Name())
		counts[name] += th.AdjustedCount()
		weights[s.it.TraceID()] = th.AdjustedCount()
	}
	for id, n := range keptOf {
		assert.Equal(t, spansOf[id], n, "trace %s is whole", id)
	}
	total, estimate, variance := float64(len(all)), 0.0, 0.0
	for id, n := range keptOf {
		w := weights[id]
		estimate += w * float64(n)
		variance += w * (w - 1) * float64(n) * float64(n)
	}
	assert.InDelta(t, total, estimate, 4*math.Sqrt(variance), "the kept spans stand for all")
	t.Logf("of %d spans %d were kept (%.3f), in %d of %d traces", len(all), len(kept), float64(len(kept))/total, len(keptOf), len(spansOf))
	for _, row := range []struct {
		name     string
		document float64
	}{
		{"foundation.process_registry.lookup", 0.1},
		{"foundation_jido.signal.dispatch", 0.2},
		{"foundation_jido.agent.registration", 0.5},
		{"dspex.program.execution", 0.8},
		{"foundation_jido.coordination.auction", 1},
		{"dspex.optimization.iteration", 1},
		{"foundation_os.error.occurred", 1},
		{"foundation_os.request", -1},
	} {
		if sent[row.name] == 0 {
			t.Logf("| %s | %v | no spans of this name |", row.name, row.document)
			continue
		}
		t.Logf("| %s | %v | %.3f | stand for %.0f of %d |", row.name, row.document, float64(got[row.name])/float64(sent[row.name]), counts[row.name], sent[row.name])
	}
}
