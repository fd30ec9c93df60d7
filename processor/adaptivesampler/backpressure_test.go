package adaptivesampler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// slow is a consumer of both signals that takes its time and then returns an
// error or none.
type slow struct {
	mu    sync.Mutex
	takes time.Duration
	err   error
}

func (s *slow) set(takes time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes, s.err = takes, err
}

func (s *slow) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *slow) consume() error {
	s.mu.Lock()
	takes, err := s.takes, s.err
	s.mu.Unlock()
	time.Sleep(takes)
	return err
}

func (s *slow) ConsumeTraces(context.Context, ptrace.Traces) error { return s.consume() }
func (s *slow) ConsumeLogs(context.Context, plog.Logs) error       { return s.consume() }

// pipelines are the two of one configuration with back-pressure for their only
// signal. stop ends them.
func pipelines(t *testing.T, next *slow) (m *monitor, traces consumer.Traces, logs consumer.Logs, stop func()) {
	t.Helper()
	cfg := spanMode()
	cfg.Load.Sources = []LoadSource{loadSourceBackpressure}
	require.NoError(t, cfg.Validate())
	f := &factory{monitors: map[*Config]*sharedMonitor{}}
	set := processortest.NewNopSettings(metadata.Type)
	tp, err := f.createTraces(t.Context(), set, cfg, next)
	require.NoError(t, err)
	lp, err := f.createLogs(t.Context(), set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, tp.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, lp.Start(t.Context(), componenttest.NewNopHost()))
	return f.monitors[cfg].monitor, tp, lp, func() {
		require.NoError(t, tp.Shutdown(context.Background()))
		require.NoError(t, lp.Shutdown(context.Background()))
	}
}

func aSpan() ptrace.Traces {
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetTraceID(traceID(1<<56 - 1))
	return td
}

func aRecord() plog.Logs {
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	return ld
}

// Callers that are held up lower the rate of all pipelines, and it returns
// when they are not.
func TestBackpressure(t *testing.T) {
	for name, send := range map[string]func(consumer.Traces, consumer.Logs) error{
		"traces": func(traces consumer.Traces, _ consumer.Logs) error {
			return traces.ConsumeTraces(context.Background(), aSpan())
		},
		"logs": func(_ consumer.Traces, logs consumer.Logs) error {
			return logs.ConsumeLogs(context.Background(), aRecord())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &slow{takes: 50 * time.Millisecond}
				m, traces, logs, stop := pipelines(t, next)
				defer stop()
				callers, done := sync.WaitGroup{}, make(chan struct{})
				for range 8 {
					callers.Go(func() {
						for {
							select {
							case <-done:
								return
							default:
								assert.NoError(t, send(traces, logs))
							}
						}
					})
				}
				expect := func(after time.Duration, level int32) {
					t.Helper()
					time.Sleep(after)
					synctest.Wait()
					assert.Equal(t, level, m.level.Load())
				}
				expect(time.Minute, 0) // busy, and each is answered soon
				next.set(2*time.Second, nil)
				expect(20*time.Second, 2)
				next.set(50*time.Millisecond, nil)
				expect(40*time.Second, 0)
				close(done)
				callers.Wait()
			})
		})
	}
}

// What is refused is full, unless the data or the caller is at fault.
func TestBackpressureOfErrors(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want float64
	}{
		{"none", context.Background(), nil, 0},
		{"the queue is full", context.Background(), errors.New("sending queue is full"), 1},
		{"bad data", context.Background(), consumererror.NewPermanent(errors.New("bad data")), 0},
		{"the caller has gone", gone, context.Canceled, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &slow{err: tt.err}
				_, err := (&backpressures{}).read(time.Now())
				require.Error(t, err, "without a pipeline there is nothing to read")
				all := &backpressures{}
				quick, one := all.add(), all.add()
				_, err = all.read(time.Now())
				require.Error(t, err, "the first reading has no interval")
				require.ErrorIs(t, one.traces(next).ConsumeTraces(tt.ctx, aSpan()), tt.err)
				require.NoError(t, quick.logs(&slow{}).ConsumeLogs(tt.ctx, aRecord()))
				time.Sleep(time.Second)
				got, err := all.read(time.Now())
				require.NoError(t, err)
				assert.Equal(t, tt.want, got, "the worst of the pipelines")
			})
		})
	}
}

// A panic that a receiver survives must not look like a call that never ends.
func TestBackpressureSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := (&backpressures{}).add()
		one.read(time.Now())
		assert.Panics(t, func() { _ = one.logs(nil).ConsumeLogs(context.Background(), aRecord()) })
		time.Sleep(time.Hour)
		got, ok := one.read(time.Now())
		assert.True(t, ok)
		assert.Zero(t, got)
	})
}

func TestBackpressureOff(t *testing.T) {
	next := &slow{}
	var none *backpressure
	assert.Same(t, next, none.traces(next))
	assert.Same(t, next, none.logs(next))
	assert.Nil(t, newMonitor(quiet(nil), nil).backpressure())
}
