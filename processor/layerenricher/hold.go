package layerenricher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
)

// room is how many items may wait, in all pipelines of one component together.
type room struct {
	taken atomic.Int64
	most  int64
}

func (r *room) take(n int64) bool {
	if r.taken.Add(n) <= r.most {
		return true
	}
	r.taken.Add(-n)
	return false
}

func (r *room) leave(n int64) { r.taken.Add(-n) }

// signal is what a hold needs to know about the batches D of items I.
type signal[I item, D any] struct {
	on    place
	learn func(*scratch, D)
	items func(*scratch) *[]waiting[I]
	lacks func(*waiting[I]) bool // more could be known about it than is now
	fill  func(*enricher, *scratch, *waiting[I])
	next  func(context.Context, D) error
	// The memory of a batch may be pooled: it is kept from its pool while it waits.
	ref, unref func(D)
}

type tracesHold struct {
	*hold[ptrace.Span, ptrace.Traces]
}

func newTracesHold(e *enricher, wait time.Duration, logger *zap.Logger, next consumer.Traces, leave component.ShutdownFunc) tracesHold {
	return tracesHold{newHold(e, signal[ptrace.Span, ptrace.Traces]{
		on: onSpan, learn: e.learnTraces, lacks: e.spanLacks, fill: fillSpan, next: next.ConsumeTraces,
		items: func(s *scratch) *[]waiting[ptrace.Span] { return &s.spans },
		ref:   pref.RefTraces, unref: pref.UnrefTraces,
	}, wait, logger, leave)}
}

func (h tracesHold) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	return h.consume(ctx, td)
}

type logsHold struct {
	*hold[plog.LogRecord, plog.Logs]
}

func newLogsHold(e *enricher, wait time.Duration, logger *zap.Logger, next consumer.Logs, leave component.ShutdownFunc) logsHold {
	return logsHold{newHold(e, signal[plog.LogRecord, plog.Logs]{
		on: onLog, learn: e.learnLogs, lacks: (*waiting[plog.LogRecord]).lacks, fill: fillLog, next: next.ConsumeLogs,
		items: func(s *scratch) *[]waiting[plog.LogRecord] { return &s.logs },
		ref:   pref.RefLogs, unref: pref.UnrefLogs,
	}, wait, logger, leave)}
}

func (h logsHold) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	return h.consume(ctx, ld)
}

// hold lets batches wait for what comes later in their traces. Everything is
// learned when it arrives and filled when it leaves. One goroutine for each
// pipeline sends what waited, and while anything waits all wait, so that a log of
// a breaker's closing does not overtake the one of its opening.
type hold[I item, D any] struct {
	signal[I, D]
	enricher *enricher
	time     time.Duration
	logger   *zap.Logger
	leave    component.ShutdownFunc

	mu      sync.Mutex
	queue   []*held[I, D]
	waiting int // batches, the one that is being sent included
	stopped bool
	wake    chan struct{}
	stop    chan struct{}
	leaving sync.WaitGroup
}

// held is a batch that waits.
type held[I item, D any] struct {
	ctx   context.Context
	data  D
	items []waiting[I]
	due   time.Time
}

func newHold[I item, D any](e *enricher, s signal[I, D], wait time.Duration, logger *zap.Logger, leave component.ShutdownFunc) *hold[I, D] {
	return &hold[I, D]{
		enricher: e, signal: s, time: wait, logger: logger, leave: leave,
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// Capabilities tells the collector that a hold needs batches of its own.
func (h *hold[I, D]) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (h *hold[I, D]) consume(ctx context.Context, data D) error {
	e := h.enricher
	s := e.acquire()
	h.learn(s, data)
	items := h.items(s)
	if h.enter(ctx, data, *items) {
		*items = nil // the batch has them now
		e.release(ctx, s, h.on)
		return nil
	}
	find(e, s, *items)
	h.fillAll(s)
	e.release(ctx, s, h.on)
	return h.next(ctx, data)
}

// enter takes a batch in; it is false when the batch goes on at once: nothing can
// be added to it and nothing is before it, or there is no room.
func (h *hold[I, D]) enter(ctx context.Context, data D, items []waiting[I]) bool {
	due := h.enricher.now()
	lacks := false
	for i := range items {
		if w := &items[i]; w.where != (correlation.TraceID{}) && h.lacks(w) {
			due, lacks = due.Add(h.time), true
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || !lacks && h.waiting == 0 {
		return false
	}
	n := int64(len(items))
	if !h.enricher.held.take(n) {
		h.enricher.telemetry.overflow(ctx, h.on, n)
		return false
	}
	h.enricher.telemetry.held(ctx, h.on, n)
	h.ref(data)
	h.queue = append(h.queue, &held[I, D]{
		ctx: context.WithoutCancel(ctx), data: data, items: items, due: due,
	})
	h.waiting++
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return true
}

// Start lets the first batches go when they are due.
func (h *hold[I, D]) Start(context.Context, component.Host) error {
	h.leaving.Go(h.run)
	return nil
}

// Shutdown sends on what waits, without waiting any longer; not longer than its
// context allows.
func (h *hold[I, D]) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	stopped := h.stopped
	h.stopped = true
	h.mu.Unlock()
	if !stopped {
		close(h.stop)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		h.leaving.Wait()
		for b := h.pop(); b != nil; b = h.pop() {
			h.send(b) // when nobody started it
		}
	}()
	select {
	case <-sent:
		return h.leave.Shutdown(ctx)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%d items still wait for the next component", h.enricher.held.taken.Load()), ctx.Err(), h.leave.Shutdown(ctx))
	}
}

func (h *hold[I, D]) run() {
	timer := time.NewTimer(h.time)
	defer timer.Stop()
	for {
		b := h.pop()
		if b == nil {
			select {
			case <-h.wake:
				continue
			case <-h.stop:
				return
			}
		}
		if wait := b.due.Sub(h.enricher.now()); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-h.stop:
			}
		}
		h.send(b)
	}
}

// pop takes out the batch that came first, nil when none waits.
func (h *hold[I, D]) pop() *held[I, D] {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		h.queue = nil
		return nil
	}
	b := h.queue[0]
	h.queue[0] = nil
	h.queue = h.queue[1:]
	return b
}

// send fills a batch and sends it on. What the next component refuses is lost, as
// there is nobody left to send it again: that is counted and logged.
func (h *hold[I, D]) send(b *held[I, D]) {
	e := h.enricher
	n := int64(len(b.items))
	s := e.acquire()
	*h.items(s) = b.items
	find(e, s, b.items)
	h.fillAll(s)
	e.release(b.ctx, s, h.on)
	if err := h.next(b.ctx, b.data); err != nil {
		e.telemetry.refused(b.ctx, h.on, n)
		h.logger.Error("The next component refused what was held, which is dropped: let its exporters queue", zap.Error(err), zap.Int64("items", n))
	}
	h.unref(b.data)
	e.held.leave(n)
	e.telemetry.held(b.ctx, h.on, -n)
	h.mu.Lock()
	h.waiting--
	h.mu.Unlock()
}

func (h *hold[I, D]) fillAll(s *scratch) {
	items := *h.items(s)
	for i := range items {
		h.fill(h.enricher, s, &items[i])
	}
}
