package adaptivesampler

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// budgetRun sends traces at a rate that goes up tenfold and back, and returns what
// came, what was kept in each second, and what the kept spans stand for, by name.
func budgetRun(t *testing.T, cfg *Config) (sent map[string]int, kept []int, estimate, variance map[string]float64) {
	t.Helper()
	sent, estimate, variance = map[string]int{}, map[string]float64{}, map[string]float64{}
	names := []string{lookup, dispatch, "dspex.program.execution", "rare"}
	inBubble(t, cfg, func(t *testing.T, h *harness) {
		r := rand.New(rand.NewPCG(1, 2))
		collect := func() {
			n := 0
			for _, td := range h.spansOut.AllTraces() {
				n += td.SpanCount()
				for _, rs := range td.ResourceSpans().All() {
					for _, s := range rs.ScopeSpans().At(0).Spans().All() {
						w3c, err := otelsampling.NewW3CTraceState(s.TraceState().AsRaw())
						require.NoError(t, err)
						th, ok := w3c.OTelValue().TValueThreshold()
						require.True(t, ok)
						count := th.AdjustedCount()
						estimate[s.Name()] += count
						variance[s.Name()] += count * (count - 1)
					}
				}
			}
			h.spansOut.Reset()
			kept = append(kept, n)
		}
		n := 0
		for second := range 90 {
			perTick := 10 // 100 traces a second
			if second >= 30 && second < 60 {
				perTick = 100
			}
			for range 10 {
				for range perTick {
					n++
					name := names[min(r.IntN(40)/13, 2)]
					if r.IntN(1000) == 0 {
						name = names[3]
					}
					spans := []spanOf{{1, 0, name, nil}}
					for i := range r.IntN(6) {
						spans = append(spans, spanOf{byte(i) + 2, 1, name, nil})
					}
					sent[name] += len(spans)
					h.send(tracesOf(idWith(r.Float64(), n), spans...))
				}
				time.Sleep(100 * time.Millisecond)
			}
			synctest.Wait() // or what leaves in this instant is lost to both seconds
			collect()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		collect()
	})
	return sent, kept, estimate, variance
}

// Through a tenfold step of traffic no second is over the budget, and the kept
// spans stand for all that came.
func TestTraceModeKeepsTheBudget(t *testing.T) {
	const perSecond = 60
	cfg := traceConfig(func(c *Config) {
		c.Budget.SpansPerSecond = perSecond
		c.Trace.DecisionDelay = 500 * time.Millisecond
	})
	sent, kept, estimate, variance := budgetRun(t, cfg)
	total := 0
	for _, n := range kept {
		// a window may end up to a tenth of a second into the next one of ours
		assert.LessOrEqual(t, n, 2*perSecond)
		total += n
	}
	assert.LessOrEqual(t, total, 95*perSecond)
	assert.Greater(t, total, 80*perSecond, "and it is used")
	require.Len(t, estimate, 4, "also the rare name is there")
	for name, n := range sent {
		if name == "rare" { // too few to estimate the deviation by
			continue
		}
		// Spans of one trace come together: up to six times the variance.
		sigma := math.Sqrt(6 * variance[name])
		assert.InDelta(t, n, estimate[name], 3*sigma, name)
	}
}

// Errors are sure of their share, and every name of its minimum.
func TestTraceBudgetShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, traceConfig(func(c *Config) {
			c.Budget.SpansPerSecond = 20
			c.Trace.DecisionDelay = 100 * time.Millisecond
			c.Preset = presetNone
		}))
		r := rand.New(rand.NewPCG(3, 4))
		n := 0
		for range 100 {
			for range 20 {
				n++
				change, name := func(ptrace.Span) {}, "plain"
				if n%10 == 0 {
					change, name = failed, "error"
				}
				h.send(tracesOf(idWith(r.Float64(), n), spanOf{1, 0, name, change}))
			}
			if n%400 == 0 {
				n++
				h.send(tracesOf(idWith(r.Float64(), n), spanOf{1, 0, "seldom", nil}))
			}
			time.Sleep(100 * time.Millisecond)
		}
		h.stop()
		byName := map[string]int{}
		for _, td := range h.spansOut.AllTraces() {
			for _, rs := range td.ResourceSpans().All() {
				for _, s := range rs.ScopeSpans().At(0).Spans().All() {
					byName[s.Name()]++
				}
			}
		}
		assert.InDelta(t, 10*20*0.2, byName["error"], 12, "an error has a fifth of the budget, a tenth of the traffic")
		assert.Positive(t, byName["seldom"])
		assert.LessOrEqual(t, byName["error"]+byName["plain"]+byName["seldom"], 11*20)
		assert.Positive(t, h.points("items")["kept minimum"])
		assert.Positive(t, h.points("items")["dropped budget"])
	})
}

// Spans that come while their trace waits for the end of its window go with it.
func TestSpansThatComeInTheWindow(t *testing.T) {
	inBubble(t, traceConfig(func(c *Config) {
		c.Budget.SpansPerSecond = 100
		c.Trace.DecisionDelay = 0
	}), func(t *testing.T, h *harness) {
		id := idWith(0.95, 1)
		h.send(tracesOf(pcommon.TraceID{1}, spanOf{1, 0, "x", nil})) // begins a window
		time.Sleep(1100 * time.Millisecond)
		h.send(tracesOf(id, spanOf{1, 0, lookup, nil}))
		time.Sleep(300 * time.Millisecond)
		assert.Len(t, h.out(), 1)
		h.send(tracesOf(id, spanOf{2, 1, "x", nil}))
		time.Sleep(2 * time.Second)
		assert.Len(t, h.out(), 3)
		assert.Zero(t, h.traces.(*traceMode).buffer.Bytes())
	})
}

// In windows that end early, too, traces of any size stand for what came, and
// what is kept stays within the budget.
func TestEarlyWindowsAreFair(t *testing.T) {
	for _, size := range []int{1, 5, 20} {
		estimate, total, seconds := 0.0, 0, 20
		cfg := traceConfig(func(c *Config) {
			c.Trace.MaxBytes = 1_000_000
			c.Budget.SpansPerSecond = 200
			c.Budget.MinPerNamePerMinute = 0
			c.Preset = presetNone
		})
		sent := 0
		inBubble(t, cfg, func(t *testing.T, h *harness) {
			r := rand.New(rand.NewPCG(uint64(size), 2))
			for n := range seconds * 100 {
				for range 40 / size {
					spans := []spanOf{{1, 0, "x", nil}}
					for i := range size - 1 {
						spans = append(spans, spanOf{byte(i) + 2, 1, "x", nil})
					}
					sent += size
					h.send(tracesOf(idWith(r.Float64(), n), spans...))
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(3 * time.Second)
			assert.Positive(t, h.points("traces")["dropped max_bytes"]+h.points("traces")["kept max_bytes"])
			for _, state := range h.out() {
				w3c, err := otelsampling.NewW3CTraceState(state)
				require.NoError(t, err)
				th, _ := w3c.OTelValue().TValueThreshold()
				estimate += th.AdjustedCount()
				total++
			}
		})
		assert.LessOrEqual(t, total, (seconds+4)*200)
		assert.Greater(t, total, seconds*200*6/10, "size %d", size)
		assert.InDelta(t, sent, estimate, float64(sent)*0.15, "size %d", size)
	}
}

// A collector that ends at once has decided everything.
func TestShutdownWithABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, traceConfig(func(c *Config) { c.Budget.SpansPerSecond = 100 }))
		for n := range 50 {
			h.send(tracesOf(idWith(0.95, n), spanOf{1, 0, lookup, nil}))
		}
		h.stop()
		var decided int64
		for _, n := range h.points("items") {
			decided += n
		}
		assert.EqualValues(t, 50, decided)
	})
}

// Traces that wait for the end of a window may fill the buffer: then it ends early.
func TestFullBufferWithABudget(t *testing.T) {
	cfg := traceConfig(func(c *Config) {
		c.Trace.MaxBytes = 500_000
		c.Budget.SpansPerSecond = 2000
		c.Budget.MinPerNamePerMinute = 0
	})
	inBubble(t, cfg, func(t *testing.T, h *harness) {
		const traces = 20_000
		for n := range traces {
			h.send(tracesOf(idWith(float64(n%1000)/1000, n), spanOf{1, 0, lookup, nil}))
			if n%100 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			require.LessOrEqual(t, h.traces.(*traceMode).buffer.Bytes(), int64(2_300_000), "the limit, and what comes in a tenth of a second")
		}
		time.Sleep(3 * time.Second)
		assert.InDelta(t, traces/10, len(h.out()), 60, "the budget is not reached, but in some of the short windows")
		assert.Zero(t, h.traces.(*traceMode).buffer.Bytes())
	})
}
