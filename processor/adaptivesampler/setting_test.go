package adaptivesampler

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// A step of the load does not tear the traces in flight, and their log records
// go with them.
func TestATraceKeepsItsLoadFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		load := &movingLoad{value: 0.4}
		h := newHarness(t, spanMode(), load.signal())
		defer h.stop()
		const name = "dspex.optimization.iteration" // rate 1
		id := func(n byte) (id pcommon.TraceID) {
			binary.BigEndian.PutUint64(id[8:], 1<<56-1)
			id[0] = n
			return id
		}
		span := func(n byte) string {
			out, kept := h.span(func(s ptrace.Span) { s.SetName(name); s.SetTraceID(id(n)) })
			require.True(t, kept)
			return out.TraceState().AsRaw()
		}
		record := func(n byte) any {
			out, kept := h.log(func(r plog.LogRecord) { r.SetEventName(name); r.SetTraceID(id(n)) })
			require.True(t, kept)
			return out.Attributes().AsRaw()["sampling.threshold"]
		}
		wait := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		wait(time.Second)
		assert.Equal(t, "ot=th:0", span(1))
		assert.Equal(t, "0", record(2))
		load.set(1, nil)
		wait(20 * time.Second) // over both steps
		assert.Equal(t, "ot=th:0", span(1), "in flight")
		assert.Equal(t, "0", record(1), "with its trace")
		assert.Equal(t, "ot=th:0", span(2), "whichever came first")
		assert.Equal(t, "ot=th:8", span(3), "new")
		load.set(0, nil)
		wait(35 * time.Second)
		assert.Equal(t, "ot=th:8", span(3))
		assert.Equal(t, "ot=th:0", span(4))
		wait(2 * time.Minute)
		assert.Equal(t, "ot=th:0", span(3), "not for ever")
	})
}

// What is kept stands for what came, also of traces that are seen on both sides of
// a step, of which some spans have low rates.
func TestUnbiasedThroughALoadStep(t *testing.T) {
	cfg := quiet(func(c *Config) {
		c.Preset, c.DefaultRate, c.Rates = presetNone, 1, map[string]float64{"low": 0.1}
		c.Load.Ladder = []LadderStep{{Above: 0.5, Factor: 0.3}}
		c.Load.MinDwell, c.Load.Tick = 0, time.Second
	})
	load := &movingLoad{value: 0.4}
	m := monitorOf(cfg, load.signal())
	s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
	require.NoError(t, err)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	s.now = func() time.Time { return now }
	m.tick(now)
	rng := rand.New(rand.NewPCG(1, 2))
	ids := make([]pcommon.TraceID, 20_000)
	for i := range ids {
		ids[i] = randomTraceID(rng)
	}
	pass := func(name string) float64 {
		b := s.begin()
		for _, id := range ids {
			keep(s, b, spanItem{spanOfTrace(id, name, false)})
		}
		return b.tally.adjustedCount
	}
	near := func(got, p float64, what string) {
		n := float64(len(ids))
		assert.InDelta(t, n, got, 3*math.Sqrt(n*(1-p)/p), what)
	}
	near(pass("low"), 0.1, "before the step")
	load.set(1, nil)
	now = now.Add(time.Minute)
	m.tick(now)
	require.Equal(t, int32(1), m.level.Load())
	// Dropped or not, all of them were seen before.
	assert.Equal(t, 20_000.0, pass("high"), "as before the step: all")
	near(pass("low"), 0.1, "after the step")
	for i := range ids {
		ids[i] = randomTraceID(rng)
	}
	near(pass("low"), 0.03, "new ones")
	near(pass("high"), 0.3, "new ones")
}

// While no step is near nothing is remembered.
func TestNothingIsRememberedInCalm(t *testing.T) {
	for value, watched := range map[float64]bool{0.3: false, 0.31: true, 0.9: true} {
		cfg := spanMode()
		m := monitorOf(cfg, fixedLoad(value))
		m.tick(time.Now())
		assert.Equal(t, watched, m.history.Now().Watched(), "%v", value)
	}
	cfg := quiet(func(c *Config) { c.Budget.SpansPerSecond = 1 })
	m := monitorOf(cfg)
	m.tick(time.Now())
	assert.True(t, m.history.Now().Watched(), "demand comes without notice")
}

// Watched and with a budget, the hot path allocates nothing either.
func TestAllocationsUnderABudget(t *testing.T) {
	for _, tt := range []struct {
		rate  float64
		state string
		keep  bool
	}{{1, "", true}, {0.9999, "", true}, {0.0001, "", false}, {1, "ot=th:4", true}} {
		cfg := quiet(func(c *Config) {
			c.Preset, c.DefaultRate, c.Budget.SpansPerSecond = presetNone, tt.rate, 100
			c.Budget.MinPerNamePerMinute = 0
		})
		m := monitorOf(cfg)
		s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
		require.NoError(t, err)
		start := time.Now()
		m.tick(start)
		s.budget.observe(&tally{demand: [3]float64{400}})
		m.tick(start.Add(time.Second))
		require.NotNil(t, m.history.Now().Value().times)
		span := ptrace.NewSpan()
		span.SetName("operation")
		span.SetTraceID(traceID(1<<56 - 1 - 1<<40))
		if !tt.keep {
			span.SetTraceID(traceID(1 << 50))
		}
		b := s.begin()
		keep(s, b, spanItem{span})
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			span.TraceState().FromRaw(tt.state)
			assert.Equal(t, tt.keep, keep(s, b, spanItem{span}))
		}), "%v", tt)
	}
}
