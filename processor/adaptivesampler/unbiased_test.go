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
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadatatest"
)

// kinds of traces: the root, then what is below it. Names of all rates, some more
// than once in a trace.
var kinds = [][]string{
	{"foundation.process_registry.lookup"},
	{"foundation_jido.signal.dispatch", "shop.deliver"},
	{"foundation_jido.agent.registration", "foundation.process_registry.lookup"},
	{"dspex.program.execution", "dspex.predict", "dspex.predict"},
	{"foundation_os.request", "foundation.process_registry.lookup", "shop.deliver"},
	{"shop.checkout", "foundation_jido.signal.dispatch", "shop.deliver"},
}

const unbiasedConfig = `
default_rate: 0.4
load: {exit_margin: 0, min_dwell: 0s}
trace: {decision_delay: 1s, timeout: 5s, max_bytes: 4194304}
decision_cache: {kept: 2000, dropped: 2000}
mode: `

// estimate is of the spans of one name: how many came, how many those that were kept
// stand for, and the variance of that.
type estimate struct{ sent, stoodFor, variance float64 }

// runSeed sends traces through a load that steps up and down, the last spans of some
// late and, in mode trace, more than the buffer and the caches hold.
func runSeed(t *testing.T, mode string, seed uint64, traces int) map[string]*estimate {
	of := map[string]*estimate{"": {}}
	// The spans of a name in one trace are kept together or not at all: they are
	// one draw, with the weight of all of them.
	type cluster struct{ stoodFor, most float64 }
	clusters := map[string]map[pcommon.TraceID]cluster{"": {}}
	synctest.Test(t, func(t *testing.T) {
		cfg, err := parse(t, unbiasedConfig+mode)
		require.NoError(t, err)
		load := &movingLoad{}
		var mu sync.Mutex
		sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
			mu.Lock()
			defer mu.Unlock()
			for _, rs := range td.ResourceSpans().All() {
				for _, s := range rs.ScopeSpans().At(0).Spans().All() {
					count := adjustedCount(t, s)
					for _, name := range []string{s.Name(), ""} {
						known := clusters[name][s.TraceID()]
						clusters[name][s.TraceID()] = cluster{known.stoodFor + count, max(known.most, count)}
					}
				}
			}
			return nil
		})
		require.NoError(t, err)
		tel := componenttest.NewTelemetry()
		defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
		p, err := newTraces(t.Context(), metadatatest.NewSettings(tel), cfg, monitorOf(cfg, load.signal()), sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))

		const batch = 200
		rng := rand.New(rand.NewPCG(seed, 0))
		late := make([]ptrace.Traces, traces/batch+30)
		for i := range late {
			late[i] = ptrace.NewTraces()
			late[i].ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
		}
		for i := range late {
			switch i {
			case len(late) / 4:
				load.set(1, nil)
			case len(late) * 3 / 4:
				load.set(0, nil)
			}
			td := late[i]
			spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
			for range min(batch, traces-i*batch) {
				id, names := randomTraceID(rng), kinds[rng.IntN(len(kinds))]
				failed, isLate := rng.IntN(20) == 0, rng.IntN(4) == 0
				for j, name := range names {
					into, last := spans, j > 0 && j == len(names)-1
					if last && isLate {
						into = late[i+25].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
					}
					s := into.AppendEmpty()
					s.SetName(name)
					s.SetTraceID(id)
					s.SetSpanID(spanID(j + 1))
					if j > 0 {
						s.SetParentSpanID(spanID(1))
					}
					if last && failed {
						s.Status().SetCode(ptrace.StatusCodeError)
					}
					for _, name := range []string{name, ""} {
						if of[name] == nil {
							of[name], clusters[name] = &estimate{}, map[pcommon.TraceID]cluster{}
						}
						of[name].sent++
					}
				}
			}
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, p.Shutdown(context.Background()))
	})
	for name, kept := range clusters {
		for _, c := range kept {
			of[name].stoodFor += c.stoodFor
			// Horvitz and Thompson: a draw of weight w that was kept with 1/most.
			of[name].variance += c.stoodFor * c.stoodFor * (1 - 1/c.most)
		}
	}
	return of
}

// What is kept stands for what came, without a bias: the errors of many runs, each
// with ids of its own, cancel out, and each run's is as large as chance makes it.
// The seeds are the first ones; none was left out.
func TestUnbiased(t *testing.T) {
	seeds := statisticsSize(10, 100)
	const traces = 50_000
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			pooled, squares := map[string]*estimate{}, map[string]float64{}
			for seed := range seeds {
				for name, e := range runSeed(t, mode, uint64(seed), traces) {
					p := pooled[name]
					if p == nil {
						p = &estimate{}
						pooled[name] = p
					}
					p.sent, p.stoodFor, p.variance = p.sent+e.sent, p.stoodFor+e.stoodFor, p.variance+e.variance
					squares[name] += (e.stoodFor - e.sent) * (e.stoodFor - e.sent) / e.variance
				}
			}
			for name, p := range pooled {
				z := (p.stoodFor - p.sent) / math.Sqrt(p.variance)
				rms := math.Sqrt(squares[name] / float64(seeds))
				t.Logf("%-36s %8.0f spans stand for %8.0f, %+.3f %%: %+.2f sigma, rms of the runs %.2f", name, p.sent, p.stoodFor, 100*(p.stoodFor/p.sent-1), z, rms)
				assert.Less(t, math.Abs(z), 3.0, "%q in all runs", name)
				// The root mean square of n standard normals is 1 give or take 1/sqrt(2n).
				assert.Less(t, rms, 1+4/math.Sqrt(float64(2*seeds)), "%q from run to run", name)
			}
		})
	}
}
