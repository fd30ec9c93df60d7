package adaptivesampler

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/intake"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/load"
)

// patience is how long a call of the next consumer may take before it counts
// as held up. An exporter with a queue takes microseconds, one that writes or
// encodes large batches tens of milliseconds, one without a queue as long as
// its back-end needs to answer, which on another continent is 200 ms. At 2.5
// times that, half a second, the signal reads 0.6, at one second 0.8: senders
// usually export every one to five seconds and give up after ten.
const patience = 200 * time.Millisecond

// backpressures is the signal: the worst of the pipelines, each measured for
// itself, so that a quick one does not hide one that stands.
type backpressures struct {
	mu  sync.Mutex
	all []*backpressure
}

func (b *backpressures) add() *backpressure {
	one := &backpressure{measure: load.Pressure{Patience: patience}}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, one)
	return one
}

func (b *backpressures) read(now time.Time) (float64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	worst, err := 0.0, intake.ErrFirst
	for _, one := range b.all {
		if value, ok := one.read(now); ok {
			worst, err = max(worst, value), nil
		}
	}
	return worst, err
}

// backpressure measures how long the next consumer of one pipeline holds up
// its callers. A nil one measures nothing.
type backpressure struct {
	mu      sync.Mutex
	measure load.Pressure
}

// traces is the next consumer, measured, whoever calls it.
func (b *backpressure) traces(next consumer.Traces) consumer.Traces {
	if b == nil {
		return next
	}
	return measuredTraces{next, b}
}

// logs is traces for logs.
func (b *backpressure) logs(next consumer.Logs) consumer.Logs {
	if b == nil {
		return next
	}
	return measuredLogs{next, b}
}

type measuredTraces struct {
	consumer.Traces
	pressure *backpressure
}

func (m measuredTraces) ConsumeTraces(ctx context.Context, td ptrace.Traces) (err error) {
	call := m.pressure.begin()
	defer func() { m.pressure.end(ctx, call, err) }()
	return m.Traces.ConsumeTraces(ctx, td)
}

type measuredLogs struct {
	consumer.Logs
	pressure *backpressure
}

func (m measuredLogs) ConsumeLogs(ctx context.Context, ld plog.Logs) (err error) {
	call := m.pressure.begin()
	defer func() { m.pressure.end(ctx, call, err) }()
	return m.Logs.ConsumeLogs(ctx, ld)
}

func (b *backpressure) begin() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.measure.Begin(time.Now())
}

// end tells a refusal from other errors: one that no retry can cure says
// something about the data, and one of a caller that has gone away nothing at
// all; its time in there has counted.
func (b *backpressure) end(ctx context.Context, call uint64, err error) {
	refused := err != nil && !consumererror.IsPermanent(err) && ctx.Err() == nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.measure.End(time.Now(), call, refused)
}

func (b *backpressure) read(now time.Time) (float64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.measure.Read(now)
}
