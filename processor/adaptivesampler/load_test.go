package adaptivesampler

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// fixedLoad is a signal that always reads the same.
func fixedLoad(value float64) *signal {
	return &signal{source: "cpu", read: func(time.Time) (float64, error) { return value, nil }}
}

// movingLoad is a signal that a test sets while the processor reads it.
type movingLoad struct {
	mu    sync.Mutex
	value float64
	err   error
}

func (l *movingLoad) set(value float64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.err = value, err
}

func (l *movingLoad) signal() *signal {
	return &signal{source: "cpu", read: func(time.Time) (float64, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.value, l.err
	}}
}

// thresholdNow is that of a name with rate 1, which is the load factor. It asks
// with a trace of its own: one keeps its factor.
func thresholdNow(t *testing.T, h *harness) string {
	t.Helper()
	h.asked++
	id := traceID(1<<56 - 1)
	binary.BigEndian.PutUint32(id[1:], h.asked)
	out, kept := h.span(func(s ptrace.Span) { s.SetName("dspex.optimization.iteration"); s.SetTraceID(id) })
	require.True(t, kept)
	return out.TraceState().AsRaw()
}

func TestLoadFactor(t *testing.T) {
	for _, tt := range []struct {
		load, factor float64
		th           string
	}{
		{0.60, 1, "ot=th:0"},
		{0.61, 0.7, "ot=th:4ccd"},
		{0.80, 0.7, "ot=th:4ccd"},
		{0.81, 0.5, "ot=th:8"},
		{2.50, 0.5, "ot=th:8"},
		{0, 1, "ot=th:0"},
	} {
		h := newHarness(t, spanMode(), fixedLoad(tt.load))
		assert.Equal(t, tt.th, thresholdNow(t, h), "load %v", tt.load)
		factor, ok := h.value("factor", "traces")
		assert.True(t, ok)
		assert.Equal(t, tt.factor, factor, "load %v", tt.load)
		reported, ok := h.value("load", "traces")
		assert.True(t, ok)
		assert.Equal(t, tt.load, reported)
		h.stop()
	}
}

func TestLoadOff(t *testing.T) {
	cfg, err := parse(t, `{load: {sources: []}}`)
	require.NoError(t, err)
	assert.Empty(t, newMonitor(cfg, zap.NewNop()).signals)
	h := newHarness(t, cfg)
	defer h.stop()
	assert.Equal(t, "ot=th:0", thresholdNow(t, h))
	factor, ok := h.value("factor", "traces")
	assert.True(t, ok)
	assert.Equal(t, 1.0, factor)
	_, ok = h.value("load", "traces")
	assert.False(t, ok, "no signal, no reading")
}

// The load as it goes up and down: quickly in, slowly out, and no flapping.
func TestLoadOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := &movingLoad{value: 0.2}
		h := newHarness(t, spanMode(), reading.signal())
		defer h.stop()
		wait := func(d time.Duration) string {
			time.Sleep(d)
			synctest.Wait()
			return thresholdNow(t, h)
		}
		assert.Equal(t, "ot=th:0", wait(time.Second))
		reading.set(1, nil)
		// From 0.2 towards 1 with 5 s: above 0.6 after 3.5 s, above 0.8 after 6.9 s.
		assert.Equal(t, "ot=th:0", wait(3*time.Second), "a burst is no load")
		assert.Equal(t, "ot=th:4ccd", wait(1500*time.Millisecond))
		assert.Equal(t, "ot=th:8", wait(3*time.Second))
		reading.set(0, nil)
		// Down with 30 s from about 0.8: below 0.7 after some 4 s, but the
		// level is held for ten; below 0.5 after some 14 s.
		assert.Equal(t, "ot=th:8", wait(8*time.Second), "dwell")
		assert.Equal(t, "ot=th:4ccd", wait(5*time.Second))
		assert.Equal(t, "ot=th:0", wait(15*time.Second))
	})
}

func TestUnreadableSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := &movingLoad{value: 0.9}
		h := newHarness(t, spanMode(), reading.signal())
		defer h.stop()
		wait := func(d time.Duration) string {
			time.Sleep(d)
			synctest.Wait()
			return thresholdNow(t, h)
		}
		assert.Equal(t, "ot=th:8", wait(time.Second))
		reading.set(0, errors.New("too many open files"))
		assert.Equal(t, "ot=th:8", wait(20*time.Second), "not being able to look is no relief")
		unreadable, _ := h.value("unreadable_signals", "traces")
		assert.Equal(t, 40.0, unreadable, "two a second")
		assert.Equal(t, "ot=th:0", wait(15*time.Second), "and no reason to drop for ever")
		reading.set(0.9, nil)
		assert.Equal(t, "ot=th:8", wait(time.Second))
		reading.set(math.NaN(), nil)
		before, _ := h.value("unreadable_signals", "traces")
		wait(time.Second)
		after, _ := h.value("unreadable_signals", "traces")
		assert.Equal(t, before+2, after, "NaN is no reading")
	})
	h := newHarness(t, spanMode(), &signal{source: "cpu", read: func(time.Time) (float64, error) { return 0, errors.ErrUnsupported }})
	defer h.stop()
	assert.Equal(t, "ot=th:0", thresholdNow(t, h), "a signal that this system does not have is ignored")
}

// The highest signal counts, and one that fails does not hide the other.
func TestTwoSignals(t *testing.T) {
	failing := &signal{source: "other", read: func(time.Time) (float64, error) { return 0, errors.ErrUnsupported }}
	for _, signals := range [][]*signal{{fixedLoad(0.1), fixedLoad(0.7)}, {fixedLoad(0.7), fixedLoad(0.1)}, {failing, fixedLoad(0.7)}} {
		h := newHarness(t, spanMode(), signals...)
		assert.Equal(t, "ot=th:4ccd", thresholdNow(t, h))
		h.stop()
	}
}

// The signal that brought the step about is reported, also while the step is
// only held, and none without a step.
func TestDecidingSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cpu, memory := &movingLoad{}, &movingLoad{value: 0.1}
		second := memory.signal()
		second.source = "memory"
		h := newHarness(t, spanMode(), cpu.signal(), second)
		defer h.stop()
		expect := func(after time.Duration, th string, want map[string]float64) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			assert.Equal(t, th, thresholdNow(t, h))
			for _, signal := range []string{"traces", "logs"} {
				assert.Equal(t, want, h.bySource("deciding_signal", signal), signal)
			}
		}
		expect(time.Second, "ot=th:0", map[string]float64{"cpu": 0, "memory": 0})
		memory.set(0.7, nil) // 0.6 after 9 s
		expect(10*time.Second, "ot=th:4ccd", map[string]float64{"cpu": 0, "memory": 1})
		memory.set(0.45, nil) // below 0.5 after about 40 s
		cpu.set(0.55, nil)    // the highest by then, but it holds and enters nothing
		expect(25*time.Second, "ot=th:4ccd", map[string]float64{"cpu": 0, "memory": 1})
		cpu.set(1, nil)
		expect(10*time.Second, "ot=th:8", map[string]float64{"cpu": 1, "memory": 0})
		cpu.set(0, nil)
		memory.set(0, nil)
		expect(2*time.Minute, "ot=th:0", map[string]float64{"cpu": 0, "memory": 0})
	})
}

// Traces and logs of one configuration have one level and read once for both.
func TestOneMonitorForAllPipelines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading, reads := &movingLoad{value: 0.9}, 0
		counted := reading.signal()
		read := counted.read
		counted.read = func(now time.Time) (float64, error) { reads++; return read(now) }
		h := newHarness(t, spanMode(), counted)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		factor, _ := h.value("factor", "logs")
		assert.Equal(t, 0.5, factor)
		assert.Equal(t, map[string]float64{"cpu": 0.9}, h.bySource("load", "logs"))
		h.stop()
		assert.Equal(t, 21, reads, "at the start and twice a second")
	})
}

func TestMonitorsAreShared(t *testing.T) {
	f := &factory{monitors: map[*Config]*sharedMonitor{}}
	cfg, other := createDefaultConfig().(*Config), createDefaultConfig().(*Config)
	set := processortest.NewNopSettings(metadata.Type)
	var started []component.Component
	for range 2 {
		traces, err := f.createTraces(t.Context(), set, cfg, consumertest.NewNop())
		require.NoError(t, err)
		logs, err := f.createLogs(t.Context(), set, cfg, consumertest.NewNop())
		require.NoError(t, err)
		started = append(started, traces, logs)
	}
	require.Len(t, f.monitors, 1)
	assert.Len(t, f.monitors[cfg].signals, 3)
	assert.Len(t, f.monitors[cfg].backpressures.all, 4, "each pipeline is measured for itself")
	assert.NotSame(t, f.monitors[cfg].monitor, f.monitor(other, zap.NewNop()))
	for i, p := range started {
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		assert.NotNil(t, f.monitors[cfg], "%d still use it", len(started)-i)
		require.NoError(t, p.Shutdown(t.Context()))
	}
	assert.Nil(t, f.monitors[cfg], "nothing is kept of a configuration that is gone")
	assert.NotNil(t, f.monitors[other])
}

// The reasons tell what the load cost and what the boost saved.
func TestReasons(t *testing.T) {
	h := newHarness(t, spanMode(), fixedLoad(0.9))
	defer h.stop()
	send := func(randomness float64, failed bool) {
		h.span(func(s ptrace.Span) {
			s.SetName("foundation_jido.agent.registration") // 0.5, halved by load, doubled by errors
			s.SetTraceID(traceID(uint64(randomness * (1 << 56))))
			if failed {
				s.Status().SetCode(ptrace.StatusCodeError)
			}
		})
	}
	send(0.8, false) // 0.25 keeps from 0.75
	send(0.6, false) // 0.5 without load
	send(0.3, false) // dropped at 0.5 too
	send(0.6, true)  // 0.5 keeps from 0.5
	send(0.3, true)  // 1 without load
	send(0.8, true)  // kept anyway
	assert.Equal(t, map[string]int64{
		"traces kept sampled":        2,
		"traces kept boosted":        1,
		"traces dropped load":        2,
		"traces dropped sampled_out": 1,
	}, h.items())
}

func TestEffectiveProbability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, quiet(func(c *Config) { c.DefaultRate = 0.5 }))
		defer h.stop()
		_, ok := h.value("effective_probability", "traces")
		assert.False(t, ok, "nothing has come yet")
		for i := range 100 {
			h.span(func(s ptrace.Span) { s.SetTraceID(traceID(uint64(i%4) << 54)) })
		}
		time.Sleep(time.Second)
		synctest.Wait()
		share, ok := h.value("effective_probability", "traces")
		assert.True(t, ok)
		assert.InDelta(t, 0.5, share, 1e-9)
	})
}
