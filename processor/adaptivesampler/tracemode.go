package adaptivesampler

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/buffer"
)

// traceMode decides traces as a whole. Spans wait in a buffer until their trace
// is due; what is certain before is done at once.
type traceMode struct {
	*sampler
	next   consumer.Traces
	logger *zap.Logger
	buffer *buffer.Buffer[gathered]

	everyName bool // scope: max_name
	spanLimit int
	// neverBelow is the least randomness at which anything could be kept,
	// whatever the rest of its trace is like and however idle the collector.
	neverBelow uint64
	window     *window // nil without a budget
	calls      atomic.Uint64

	stop    context.CancelFunc
	abort   context.CancelFunc // of what is being sent on
	ticking sync.WaitGroup
}

// releaseEvery is how often due traces are looked for. It adds to
// decision_delay and timeout, which are seconds.
const releaseEvery = 100 * time.Millisecond

func newTraceMode(s *sampler, cfg *Config, next consumer.Traces, logger *zap.Logger) *traceMode {
	m := &traceMode{
		sampler: s, next: next, logger: logger,
		buffer: buffer.New[gathered](buffer.Limits{
			Timeout: cfg.Trace.Timeout, DecisionDelay: cfg.Trace.DecisionDelay, MaxBytes: cfg.Trace.MaxBytes,
			Kept: cfg.DecisionCache.Kept, Dropped: cfg.DecisionCache.Dropped,
		}, s.now()),
		everyName:  cfg.Scope.String() == string(scopeMaxName),
		spanLimit:  cfg.Trace.SpanLimit,
		neverBelow: s.table.least(),
		window:     newWindow(cfg, s.now()),
	}
	if m.window != nil {
		// A name's minimum is chosen without looking at the randomness, so it must
		// be among all of its traces.
		m.neverBelow = 0
	}
	return m
}

// Capabilities tells the collector that the buffer needs batches of its own.
func (m *traceMode) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start begins to look for due traces.
func (m *traceMode) Start(ctx context.Context, host component.Host) error {
	if err := m.start(ctx, host); err != nil {
		return err
	}
	// The context of Start ends with Start.
	running, stop := context.WithCancel(context.Background())
	sending, abort := context.WithCancel(context.Background())
	m.stop, m.abort = stop, abort
	m.ticking.Go(func() {
		ticker := time.NewTicker(releaseEvery)
		defer ticker.Stop()
		for {
			select {
			case <-running.Done():
				return
			case <-ticker.C:
				m.release(sending, m.now())
			}
		}
	})
	return nil
}

// Shutdown decides all that waits and sends on what is kept. It takes no longer
// than its context allows, if the next component heeds the context it is given.
func (m *traceMode) Shutdown(ctx context.Context) error {
	if m.stop != nil {
		m.stop()
		unless := context.AfterFunc(ctx, m.abort)
		defer unless()
		defer m.abort()
	}
	m.ticking.Wait()
	m.drain(ctx)
	return m.shutdown(ctx)
}

// ConsumeTraces takes the spans in. What it sends on at once are spans of traces
// that are decided: kept before, kept now for certain, or full.
func (m *traceMode) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	// Spans outlive their batch. Where batches come from a pool, this one is not
	// given back to it.
	pref.RefTraces(td)
	now, b, out := m.now(), m.begin(), newOutput(m.calls.Add(1))
	wait := false
	for _, rs := range td.ResourceSpans().All() {
		src := &source{batch: rs}
		for _, ss := range rs.ScopeSpans().All() {
			var from *origin
			for _, span := range ss.Spans().All() {
				if m.hopeless(b, span) {
					continue
				}
				if from == nil {
					from = newOrigin(src, ss, out.call)
				}
				if m.take(ctx, now, b, out, heldSpan{span, from}) {
					wait = true
				}
			}
		}
	}
	m.relieve(ctx, now, b, out)
	m.end(ctx, b)
	if wait || out.older > 0 {
		// The sender must not send again what waits.
		m.forward(ctx, out)
		return nil
	}
	if out.spans == 0 {
		return nil
	}
	return m.next.ConsumeTraces(ctx, out.traces)
}

// relieve decides the oldest traces while the buffer is full.
func (m *traceMode) relieve(ctx context.Context, now time.Time, b *batch, out *output) {
	const atOnce = 16 // before the shards are compared again
	for m.buffer.Full() {
		s := m.buffer.Relieve()
		if s == nil {
			break
		}
		var done []decided
		for range atOnce {
			if t := s.Oldest(); t != nil && m.buffer.Full() {
				done = m.decide(done, b, s, t, triggerFull)
			}
		}
		s.Unlock()
		m.emit(ctx, b, out, done)
	}
	if m.window != nil && m.buffer.Full() { // of traces that wait for its end
		m.endWindow(ctx, b, out, now, windowEarly)
	}
}

// hopeless drops a span of which the trace cannot be kept, whatever may come.
func (m *traceMode) hopeless(b *batch, span ptrace.Span) bool {
	if m.neverBelow == 0 || span.TraceID().IsEmpty() {
		return false
	}
	b.arrived = arrival{}
	if (spanItem{span}).arrival("", &b.arrived) != nil || b.arrived.randomness.Unsigned() >= m.neverBelow {
		return false
	}
	return !b.tally.drop(reasonSampledOut)
}

// take finds the trace of a span, and does with it what was decided, or lets it
// wait; then it is true.
func (m *traceMode) take(ctx context.Context, now time.Time, b *batch, out *output, h heldSpan) bool {
	id := h.TraceID()
	if id.IsEmpty() { // belongs to nothing
		if keep(m.sampler, b, spanItem{h.Span}) {
			m.unchosen(1)
			out.add(h)
		}
		return false
	}
	s := m.buffer.Shard(id)
	s.Lock()
	if v, ok := s.Remembered(id); ok {
		s.Unlock()
		m.late(b, out, h, v)
		return false
	}
	t := s.Open(now, id)
	g := &t.Content
	if !t.Aside() {
		g.learnRandomness(b, h)
	}
	s.Grow(t, g.add(m, b, h))
	if h.ParentSpanID().IsEmpty() {
		s.Root(now, t)
	}
	var done []decided
	switch {
	case t.Aside(): // waits for the end of the window
	case len(g.spans) >= m.spanLimit:
		done = m.decide(done, b, s, t, triggerSpanLimit)
	case m.window == nil && g.counted && m.outcome(b, g).limit == 0:
		done = m.decide(done, b, s, t, triggerCertain)
	}
	waits := s.Waits(t)
	if waits {
		s.Grow(t, h.from.bytes)
		h.from.bytes = 0
	}
	s.Unlock()
	m.emit(ctx, b, out, done)
	return waits
}

// unchosen notes spans that are let through without a choice: the budget has to
// make do with less.
func (m *traceMode) unchosen(spans int) {
	if m.window != nil {
		m.window.spent.Add(int64(spans))
	}
}

func (g *gathered) learnRandomness(b *batch, h heldSpan) {
	if g.explicit {
		return
	}
	a := &b.arrived
	*a = arrival{}
	if (spanItem{h.Span}).arrival("", a) != nil || !a.hasRandomness {
		a.randomness, _ = sampling.TraceIDRandomness(h.TraceID())
	}
	if a.state != nil {
		_, g.explicit = a.state.Randomness()
	}
	g.randomness = a.randomness
}
