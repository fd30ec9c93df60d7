package adaptivesampler

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// account sums what is kept of some traces against what came. Traces are
// independent, so the sum of their differences is within three roots of the sum
// of their squares.
type account struct {
	came       int
	difference map[pcommon.TraceID]float64
}

func (a *account) check(t *testing.T, what string) {
	t.Helper()
	sum, squares := 0.0, 0.0
	for _, d := range a.difference {
		sum += d
		squares += d * d
	}
	assert.LessOrEqual(t, math.Abs(sum), 3*math.Sqrt(squares), "%s: %.0f of %d", what, sum, a.came)
}

// traffic is a collector in a bubble with what it kept.
type traffic struct {
	*harness
	rng    *rand.Rand
	byName map[string]*account
	torn   map[pcommon.TraceID]map[string]bool // thresholds of a trace's plain spans
	keptIn []int                               // spans by second
	errors int                                 // kept
}

func newTraffic(t *testing.T, cfg *Config, signals ...*signal) *traffic {
	return &traffic{
		harness: newHarness(t, cfg, signals...), rng: rand.New(rand.NewPCG(1, 2)),
		byName: map[string]*account{}, torn: map[pcommon.TraceID]map[string]bool{},
	}
}

// second sends spans of the given traces in ten batches, and takes in what comes
// out.
func (f *traffic) second(t *testing.T, spans []ptrace.Span) {
	t.Helper()
	f.rng.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
	for i := range 10 {
		td := ptrace.NewTraces()
		out := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for _, s := range spans[i*len(spans)/10 : (i+1)*len(spans)/10] {
			s.CopyTo(out.AppendEmpty())
			a := f.byName[s.Name()]
			if a == nil {
				a = &account{difference: map[pcommon.TraceID]float64{}}
				f.byName[s.Name()] = a
			}
			a.came++
			a.difference[s.TraceID()]--
		}
		require.NoError(t, f.traces.ConsumeTraces(t.Context(), td))
		time.Sleep(100 * time.Millisecond)
	}
	kept := 0
	for _, td := range f.spansOut.AllTraces() {
		for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			state, err := otelsampling.NewW3CTraceState(s.TraceState().AsRaw())
			require.NoError(t, err)
			th, ok := state.OTelValue().TValueThreshold()
			require.True(t, ok)
			kept++
			f.byName[s.Name()].difference[s.TraceID()] += th.AdjustedCount()
			if s.Status().Code() == ptrace.StatusCodeError {
				f.errors++
			} else if s.Name() == "plain" {
				if f.torn[s.TraceID()] == nil {
					f.torn[s.TraceID()] = map[string]bool{}
				}
				f.torn[s.TraceID()][th.TValue()] = true
			}
		}
	}
	f.spansOut.Reset()
	f.keptIn = append(f.keptIn, kept)
}

func spanOfTrace(id pcommon.TraceID, name string, failed bool) ptrace.Span {
	s := ptrace.NewSpan()
	s.SetTraceID(id)
	s.SetName(name)
	if failed {
		s.Status().SetCode(ptrace.StatusCodeError)
	}
	return s
}

// Through a tenfold step of traffic, with traces that go on for seconds, the
// budget is kept, every name's count is what came, and no trace has two
// thresholds for one rate.
func TestSpanModeKeepsTheBudget(t *testing.T) {
	const perSecond, seconds = 100, 300
	synctest.Test(t, func(t *testing.T) {
		f := newTraffic(t, quiet(func(c *Config) {
			c.Preset, c.DefaultRate, c.Rates = presetNone, 1, map[string]float64{"lookup": 0.1}
			c.Budget = BudgetConfig{SpansPerSecond: perSecond, ErrorShare: 0.2}
		}))
		later := make([][]ptrace.Span, seconds+5)
		for second := range seconds {
			traces := 20
			if second >= 100 && second < 200 {
				traces = 200
			}
			for range traces {
				id := randomTraceID(f.rng)
				failed := f.rng.IntN(10) == 0
				later[second] = append(later[second], spanOfTrace(id, "lookup", false), spanOfTrace(id, "plain", false))
				for range f.rng.IntN(5) {
					at := second + f.rng.IntN(5)
					later[at] = append(later[at], spanOfTrace(id, "plain", failed), spanOfTrace(id, "lookup", failed))
				}
			}
			f.second(t, later[second])
		}
		f.stop()
		inStep := 0
		for second, n := range f.keptIn {
			if second > 100 && second < 200 {
				inStep += n
			}
			// The first second of a step passes, and traces in flight go on as
			// they began. Their spans come in bunches, so seconds vary.
			if second > 105 {
				assert.Less(t, n, 2*perSecond, "second %d", second)
			}
		}
		assert.InEpsilon(t, 99*perSecond, inStep, 0.15, "the budget is used, and kept")
		for name, a := range f.byName {
			a.check(t, name)
		}
		for id, thresholds := range f.torn {
			assert.Len(t, thresholds, 1, "%s", id)
		}
		items := f.items()
		assert.Positive(t, items["traces dropped budget"])
		assert.Zero(t, items["traces kept minimum"])
		assert.Positive(t, items["traces dropped sampled_out"], "what its rate drops is not the budget's doing")
		came := 0
		for _, a := range f.byName {
			came += a.came
		}
		total := int64(0)
		for _, n := range items {
			total += n
		}
		assert.EqualValues(t, came, total)
	})
}

// Errors are sure of their share, every name of its minimum, and what is beyond
// the names' bound shares one.
func TestSpanBudgetShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTraffic(t, quiet(func(c *Config) {
			c.Preset = presetNone
			c.Budget = BudgetConfig{SpansPerSecond: 50, ErrorShare: 0.4, MinPerNamePerMinute: 1}
		}))
		seldom, keptSeldom := 0, 0.0
		for second := range 200 {
			var spans []ptrace.Span
			for i := range 1000 {
				spans = append(spans, spanOfTrace(randomTraceID(f.rng), "plain", i%10 == 0))
			}
			if second%20 == 0 {
				seldom++
				id := traceID(0) // which nothing but a probability of 1 keeps
				id[1] = byte(second)
				spans = append(spans, spanOfTrace(id, "seldom", false))
			}
			f.second(t, spans)
			if second == 50 {
				f.errors = 0
			}
		}
		f.stop()
		assert.InEpsilon(t, 149*50*0.4, f.errors, 0.1)
		for _, d := range f.byName["seldom"].difference {
			keptSeldom += 1 + d // each stands for itself
		}
		assert.Equal(t, 4.0, keptSeldom, "in the first second, with no multiplier yet; at 20, 80 and 140 s")
		// "plain" has one in each of the four minutes, too.
		assert.EqualValues(t, 7, f.items()["traces kept minimum"])
		multiplier, ok := f.value("budget_multiplier", "traces")
		assert.True(t, ok)
		assert.InDelta(t, 20.0/100+30.0/900, multiplier, 0.05, "errors' and others'")
	})
	synctest.Test(t, func(t *testing.T) {
		f := newTraffic(t, quiet(func(c *Config) {
			c.Preset, c.DefaultRate = presetNone, 0.001
			c.Budget = BudgetConfig{SpansPerSecond: 3000, ErrorShare: 0.2, MinPerNamePerMinute: 1}
		}))
		var spans []ptrace.Span
		for i := range maxBudgetNames + 100 {
			spans = append(spans, spanOfTrace(traceID(0), "name "+strconv.Itoa(i), false))
		}
		f.second(t, spans)
		f.second(t, nil)
		f.stop()
		assert.EqualValues(t, maxBudgetNames+1, f.items()["traces kept minimum"])
		misses, _ := f.value("budget_misses", "traces")
		assert.EqualValues(t, 100, misses, "names that shared")
	})
}

// What another sampler let through is held back too, and the threshold says by
// how much of both.
func TestSpanBudgetBehindAnotherSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newTraffic(t, quiet(func(c *Config) {
			c.Preset = presetNone
			c.Budget.SpansPerSecond = 50
			c.Budget.MinPerNamePerMinute = 0
		}))
		total := 0
		for second := range 60 {
			var spans []ptrace.Span
			for range 500 {
				s := spanOfTrace(traceID(3<<54|f.rng.Uint64N(1<<54)), "plain", false)
				s.TraceState().FromRaw("ot=th:c")
				spans = append(spans, s)
			}
			f.second(t, spans)
			if second >= 10 {
				total += f.keptIn[second]
			}
		}
		f.stop()
		assert.InEpsilon(t, 50*50, total, 0.1)
		sum, want := 0.0, 60*500*3.0 // each stood for four: three more than itself
		for _, d := range f.byName["plain"].difference {
			sum += d
		}
		assert.InEpsilon(t, want, sum, 0.1)
	})
}

// All pipelines with one configuration have one budget, and log records none.
func TestSpanBudgetIsShared(t *testing.T) {
	cfg := quiet(func(c *Config) { c.Budget.SpansPerSecond = 10 })
	m := monitorOf(cfg)
	one, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
	require.NoError(t, err)
	other, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
	require.NoError(t, err)
	logs, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "logs", m)
	require.NoError(t, err)
	assert.NotNil(t, one.budget)
	assert.Same(t, one.budget, other.budget)
	assert.Nil(t, logs.budget)
	for name := range one.table.classes {
		assert.Equal(t, one.table.classes[name].index, other.table.classes[name].index, "%v", name)
		assert.Less(t, one.table.classes[name].index, one.budget.classes)
	}
	whole := traceConfig(func(c *Config) { c.Budget.SpansPerSecond = 10 })
	assert.Nil(t, newSpanBudget(whole), "mode trace has its own")
	assert.Nil(t, newSpanBudget(quiet(nil)))
}

// Room for the minimum is half of what is not the errors', parts of a span
// included, and does not become a burst.
func TestRoomForTheMinimum(t *testing.T) {
	s := newSpanBudget(quiet(func(c *Config) { c.Budget = BudgetConfig{SpansPerSecond: 10, ErrorShare: 0.5, MinPerNamePerMinute: 1} }))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []int64{2, 2, 2, 2} {
		s.tick(start.Add(time.Duration(i) * time.Second))
		assert.Equal(t, want, s.room.Load(), "2.5 at the most")
	}
	s.room.Store(0)
	s.tick(start.Add(4 * time.Second))
	assert.EqualValues(t, 2, s.room.Load())
	seldom := newSpanBudget(quiet(func(c *Config) { c.Budget = BudgetConfig{SpansPerSecond: 0.5, MinPerNamePerMinute: 1} }))
	rooms := int64(0)
	for i := range 40 {
		seldom.tick(start.Add(time.Duration(i) * time.Second))
		rooms += seldom.room.Swap(0)
	}
	assert.EqualValues(t, 10, rooms, "a quarter of a span a second")

	k := known{minimum: s.names.Of(start, "a")}
	at := &outcomes{newOutcome(0.5, 4), newOutcome(0.5, 4), newOutcome(0.5, 4)}
	assert.True(t, s.claim(start, &k, at))
	assert.False(t, s.claim(start, &k, at), "had its own")
	assert.EqualValues(t, 1, s.room.Load())
	assert.False(t, s.claim(start, &known{}, at), "has none")
	b, c := known{minimum: s.names.Of(start, "b")}, known{minimum: s.names.Of(start, "c")}
	assert.False(t, s.claim(start, &b, &outcomes{}), "is kept anyway")
	assert.False(t, s.claim(start, &b, &outcomes{newOutcome(0, 4), newOutcome(0, 4), newOutcome(1, 4)}), "has the rate 0")
	assert.True(t, s.claim(start, &b, at))
	assert.False(t, s.claim(start, &c, at), "no room")
	assert.Equal(t, budget.Counts{Unmet: 1}, s.news())
	assert.Zero(t, s.news())
}
