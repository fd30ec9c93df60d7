package adaptivesampler

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/buffer"
)

// windowLength is the time in which the budget is kept. Longer ones would choose
// better and make traces wait longer.
const windowLength = time.Second

// shortestWindow is how soon a window may end before its time. In shorter ones no
// trace of some spans would fit into the part of the budget that it has.
const shortestWindow = windowLength / 10

// maxBudgetNames bounds the names that have a minimum of their own.
const maxBudgetNames = 1000

// windowEnd is why a window ends.
type windowEnd uint8

const (
	windowTime  windowEnd = iota // when its time is over
	windowEarly                  // the buffer is full
	windowLast                   // the collector ends
)

// window collects the traces that are due and chooses among them when it ends.
// Its lock is taken while a shard's is held, never the other way round.
type window struct {
	mu      sync.Mutex
	due     []dueTrace
	ends    time.Time // when its time is over
	counted time.Time // up to when the budget was given out

	ending   sync.Mutex // one at a time; taken before mu
	selector *budget.Selector
	told     budget.Counts // what was reported

	spent atomic.Int64 // spans that were let through without a choice
}

// dueTrace is a trace that waits for the end of the window.
type dueTrace struct {
	trace *buffer.Trace[gathered]
	why   trigger
	own   *outcome // without a budget
	idle  uint64   // the limit without load
	plain uint64   // the limit without an error or a retry
}

func newWindow(cfg *Config, now time.Time) *window {
	if cfg.Budget.SpansPerSecond == 0 {
		return nil
	}
	return &window{
		selector: budget.NewSelector(budget.Limits{
			SpansPerSecond: cfg.Budget.SpansPerSecond, ErrorShare: cfg.Budget.ErrorShare,
			MinPerNamePerMinute: cfg.Budget.MinPerNamePerMinute, Precision: cfg.SamplingPrecision, MaxNames: maxBudgetNames,
		}, windowLength),
		ends: now.Add(windowLength), counted: now,
	}
}

func (w *window) add(d dueTrace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = append(w.due, d)
}

// take takes the due traces out, with the part of the window that they have to
// share the budget of. It is false when the window does not end.
func (w *window) take(now time.Time, why windowEnd) (due []dueTrace, share float64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := now
	switch {
	case !now.Before(w.ends):
		// Windows follow each other without a gap, though one looks only now and
		// then whether they are over. What nobody looked at for long is gone.
		until = w.ends
		if w.ends = w.ends.Add(windowLength); !now.Before(w.ends) {
			w.ends = now.Add(windowLength)
		}
	case why == windowTime, why == windowEarly && now.Sub(w.counted) < shortestWindow:
		return nil, 0, false
	}
	due, w.due = w.due, nil
	share = until.Sub(w.counted).Seconds() / windowLength.Seconds()
	w.counted = until
	return due, share, true
}

// endWindow decides the traces of the window, and hands on what is kept.
func (m *traceMode) endWindow(ctx context.Context, b *batch, out *output, now time.Time, why windowEnd) {
	w := m.window
	w.ending.Lock()
	defer w.ending.Unlock()
	due, share, ok := w.take(now, why)
	if !ok {
		return
	}
	// The order must not depend on the randomness: names get their minimum by it.
	slices.SortStableFunc(due, func(a, b dueTrace) int { return int(a.trace.Since() - b.trace.Since()) })
	candidates, verdicts := make([]budget.Candidate, len(due)), make([]budget.Verdict, len(due))
	for i := range due {
		d := &due[i]
		s := m.buffer.Shard(d.trace.ID)
		s.Lock()
		g := &d.trace.Content // with the spans that came meanwhile
		candidates[i] = budget.Candidate{
			Name: g.name, Probability: d.own.threshold.Probability(), Randomness: g.randomness.Unsigned(),
			Spans: len(g.spans), Error: g.content == sampling.Failed,
		}
		s.Unlock()
	}
	w.selector.Select(now, share, int(w.spent.Swap(0)), candidates, verdicts)
	for i := range due {
		m.choose(ctx, b, out, &due[i], &verdicts[i], candidates[i].Spans)
	}
	news, before := w.selector.Counts(), w.told
	w.told = news
	m.telemetry.misses(ctx, budget.Counts{
		Oversized: news.Oversized - before.Oversized, NoRoom: news.NoRoom - before.NoRoom,
		Unmet: news.Unmet - before.Unmet, Overflow: news.Overflow - before.Overflow,
	})
}

// choose does with a trace what the selector decided.
func (m *traceMode) choose(ctx context.Context, b *batch, out *output, d *dueTrace, v *budget.Verdict, spans int) {
	s := m.buffer.Shard(d.trace.ID)
	s.Lock()
	g := d.trace.Content
	s.Close(d.trace, buffer.Verdict{Keep: v.Keep, Threshold: v.Threshold})
	s.Unlock()
	random := g.randomness.Unsigned()
	if !v.Keep {
		why := reasonBudget
		switch {
		case random < d.idle:
			why = reasonSampledOut
		case random < d.own.limit:
			why = reasonLoad
		}
		b.tally.traces[dropped][d.why]++
		b.tally.items[dropped][why] += int64(len(g.spans))
		return
	}
	why := reasonSampled
	switch {
	case v.Forced:
		why = reasonMinimum
	case random < d.plain:
		why = reasonBoosted
	}
	b.tally.traces[kept][d.why]++
	m.unchosen(len(g.spans) - spans) // came between the choice and now
	m.emit(ctx, b, out, []decided{{gathered: g, own: m.table.of(v.Threshold), reason: why}})
}

// closeWindow ends the window by itself.
func (m *traceMode) closeWindow(ctx context.Context, now time.Time, why windowEnd) {
	if m.window == nil {
		return
	}
	b, out := m.begin(), newOutput(m.calls.Add(1))
	m.endWindow(ctx, b, out, now, why)
	m.end(ctx, b)
	m.forward(ctx, out)
}
