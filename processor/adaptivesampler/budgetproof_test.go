package adaptivesampler

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// stepped is what came of one run through a step of traffic: spans sent and what
// the kept ones stand for, by name, and how many spans came out in each second.
type stepped struct {
	sent, standFor map[string]float64
	perSecond      map[int]int
}

// step sends a second's traces, of one to five spans, a tenth of them with an
// error, at one rate for ten seconds, at ten times that for ten, and at the first
// again. The budget is about what the quiet seconds bring.
func step(t *testing.T, mode Mode, seed uint64) stepped {
	t.Helper()
	const quiet, ticks = 50, 10
	out := stepped{map[string]float64{}, map[string]float64{}, map[int]int{}}
	synctest.Test(t, func(t *testing.T) {
		cfg := createDefaultConfig().(*Config)
		cfg.Mode, cfg.DefaultRate, cfg.Load.Sources = mode, 0.6, nil
		cfg.Budget.SpansPerSecond = stepBudget
		cfg.Trace.DecisionDelay = 300 * time.Millisecond
		begin := time.Now()
		var mu sync.Mutex
		sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
			mu.Lock()
			defer mu.Unlock()
			// A window ends within a tenth of a second after its second.
			out.perSecond[int(math.Round(time.Since(begin).Seconds()))] += td.SpanCount()
			for _, rs := range td.ResourceSpans().All() {
				for _, ss := range rs.ScopeSpans().All() {
					for _, s := range ss.Spans().All() {
						out.standFor[s.Name()] += adjustedCount(t, s)
					}
				}
			}
			return nil
		})
		require.NoError(t, err)
		p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		rng := rand.New(rand.NewPCG(seed, 1))
		for tick := range 30 * ticks {
			traces := quiet / ticks
			if tick/ticks >= 10 && tick/ticks < 20 {
				traces *= 10
			}
			td := ptrace.NewTraces()
			spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			for range traces {
				id, root := randomTraceID(rng), operations[rng.IntN(len(operations))].name
				for i := range 1 + rng.IntN(5) {
					s := spans.AppendEmpty()
					s.SetTraceID(id)
					s.SetSpanID(spanID(i + 1))
					if s.SetName(root); i > 0 {
						s.SetParentSpanID(spanID(1))
						s.SetName("below")
					}
					if i == 0 && rng.IntN(10) == 0 {
						s.Status().SetCode(ptrace.StatusCodeError)
					}
					out.sent[s.Name()]++
				}
			}
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
			time.Sleep(time.Second / ticks)
		}
		time.Sleep(3 * time.Second)
		require.NoError(t, p.Shutdown(context.Background()))
	})
	return out
}

const stepBudget = 80

// Through a tenfold step no window lets more through than the budget, and over many
// runs what is kept stands for what came, with every name: the mean of the errors is
// within three of its own standard deviations of none. To state the threshold of the
// last trace that found room, instead of the first that did not, fails here.
func TestBudgetThroughAStep(t *testing.T) {
	for _, mode := range []Mode{modeTrace, modeSpan} {
		t.Run(mode.String(), func(t *testing.T) {
			// of fewer runs the deviation cannot be told, not even for a short test
			runs := max(40, statisticsSize(40, 400))
			sum, squares, sent := map[string]float64{}, map[string]float64{}, map[string]float64{}
			most := 0
			for seed := range runs {
				out := step(t, mode, uint64(seed))
				total, inAll := 0, 0.0
				for second, n := range out.perSecond {
					total += n
					most = max(most, n)
					if mode == modeTrace {
						require.LessOrEqual(t, n, stepBudget, "second %d of run %d", second, seed)
					}
				}
				require.Greater(t, total, stepBudget*10, "the budget is used")
				for name, n := range out.sent {
					e := out.standFor[name] - n
					sent[name] += n
					sent["all"] += n
					sum[name] += e
					squares[name] += e * e
					inAll += e
				}
				sum["all"] += inAll
				squares["all"] += inAll * inAll
			}
			for name := range sum {
				n := float64(runs)
				mean := sum[name] / n
				sigma := math.Sqrt((squares[name]/n - mean*mean) / (n - 1))
				t.Logf("%-42s %+.2f %% (%+.2f sigma)", name, 100*sum[name]/sent[name], mean/sigma)
				assert.InDelta(t, 0, mean, 3*sigma, name)
			}
			t.Logf("most in a second: %d of %d", most, stepBudget)
		})
	}
}
