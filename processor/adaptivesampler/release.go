package adaptivesampler

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/buffer"
)

// trigger is why a trace was decided when it was.
type trigger uint8

const (
	triggerRoot      trigger = iota // decision_delay after its root
	triggerTimeout                  // no root came in time
	triggerCertain                  // it is kept whatever may come
	triggerSpanLimit                // it has as many spans as it may
	triggerFull                     // the buffer is full and it was the oldest
	triggerShutdown
	triggers
)

func (t trigger) String() string {
	return [triggers]string{"root", "timeout", "certain", "span_limit", "max_bytes", "shutdown"}[t]
}

// release decides what is due and sends on what is kept.
func (m *traceMode) release(ctx context.Context, now time.Time) {
	m.sweep(ctx, func(s *buffer.Shard[gathered]) (*buffer.Trace[gathered], trigger) {
		t := s.Due(now)
		if t != nil && !t.Rooted() {
			return t, triggerTimeout
		}
		return t, triggerRoot
	})
	m.closeWindow(ctx, now, windowTime)
	m.telemetry.buffered(ctx, m.buffer.Traces(), m.buffer.Bytes())
}

// drain decides everything.
func (m *traceMode) drain(ctx context.Context) {
	m.sweep(ctx, func(s *buffer.Shard[gathered]) (*buffer.Trace[gathered], trigger) {
		return s.Oldest(), triggerShutdown
	})
	m.closeWindow(ctx, m.now(), windowLast)
}

// sweep decides the traces that choose finds, shard by shard. Callers wait for a
// shard no longer than some traces take.
func (m *traceMode) sweep(ctx context.Context, choose func(*buffer.Shard[gathered]) (*buffer.Trace[gathered], trigger)) {
	const atOnce = 64
	b, out := m.begin(), newOutput(m.calls.Add(1))
	for i := range m.buffer.All() {
		s := &m.buffer.All()[i]
		for more := true; more; {
			var done []decided
			s.Lock()
			for range atOnce {
				t, why := choose(s)
				if more = t != nil; !more {
					break
				}
				done = m.decide(done, b, s, t, why)
			}
			s.Unlock()
			m.emit(ctx, b, out, done)
		}
	}
	m.end(ctx, b)
	m.forward(ctx, out)
}

// forward sends on what has waited. Nobody is left to send it again when it is
// refused: it is dropped, counted and logged.
func (m *traceMode) forward(ctx context.Context, out *output) {
	if out.spans == 0 {
		return
	}
	if err := m.next.ConsumeTraces(ctx, out.traces); err != nil {
		m.telemetry.refuse(ctx, out.spans)
		m.logger.Error("The next component refused kept traces, which are dropped: let its exporters queue", zap.Error(err), zap.Int("spans", out.spans))
	}
}
