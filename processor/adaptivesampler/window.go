package adaptivesampler

import (
	"context"
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

// maxBudgetNames bounds the names that have a minimum of their own.
const maxBudgetNames = 1000

// window collects the traces that are due and chooses among them when it ends.
// Its lock is taken while a shard's is held, never the other way round.
type window struct {
	mu         sync.Mutex
	selector   *budget.Selector
	perSecond  float64
	began      time.Time
	due        []dueTrace
	candidates []budget.Candidate

	told budget.Counts // what was reported

	late atomic.Int64 // spans let through because their trace was kept before
}

// dueTrace is a trace that waits for the end of the window.
type dueTrace struct {
	trace *buffer.Trace[gathered]
	spans int // when it became due
	why   trigger
	own   *outcome // without a budget
	idle  uint64   // the limit without load
	plain uint64   // the limit without an error or a retry
}

func newWindow(cfg *Config) *window {
	if cfg.Budget.SpansPerSecond == 0 {
		return nil
	}
	return &window{
		selector: budget.NewSelector(budget.Limits{
			SpansPerSecond: cfg.Budget.SpansPerSecond, ErrorShare: cfg.Budget.ErrorShare,
			MinPerNamePerMinute: cfg.Budget.MinPerNamePerMinute, Precision: cfg.SamplingPrecision, MaxNames: maxBudgetNames,
		}, windowLength),
		perSecond: cfg.Budget.SpansPerSecond,
	}
}

func (w *window) add(d dueTrace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := &d.trace.Content
	d.spans = len(g.spans)
	w.due = append(w.due, d)
	w.candidates = append(w.candidates, budget.Candidate{
		Name: g.name, Probability: d.own.threshold.Probability(), Randomness: g.randomness.Unsigned(),
		Spans: d.spans, Error: g.content == sampling.Failed,
	})
}

// shortestWindow is how soon a window may end before its time: in shorter ones, no
// trace of some spans would fit into the part of the budget.
const shortestWindow = windowLength / 10

// end chooses. Before its time, when the buffer is full or the collector ends, the
// window has the part of the budget that the time gives it.
func (w *window) end(now time.Time, early bool) ([]dueTrace, []budget.Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began.IsZero() {
		w.began = now
	}
	left := windowLength - now.Sub(w.began)
	if left > 0 && !early || left > windowLength-shortestWindow {
		return nil, nil
	}
	spent := int(w.late.Swap(0)) + int(w.perSecond*max(0, left).Seconds())
	due, candidates := w.due, w.candidates
	verdicts := make([]budget.Verdict, len(candidates))
	w.selector.Select(now, spent, candidates, verdicts)
	w.due, w.candidates, w.began = nil, w.candidates[:0], now
	return due, verdicts
}

// endWindow decides the traces of the window, and hands on what is kept.
func (m *traceMode) endWindow(b *batch, out *output, now time.Time, early bool) {
	due, verdicts := m.window.end(now, early)
	for i := range due {
		d, v := &due[i], &verdicts[i]
		s := m.buffer.Shard(d.trace.ID)
		s.Lock()
		g := d.trace.Content // with the spans that came meanwhile
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
			continue
		}
		why := reasonSampled
		switch {
		case v.Forced:
			why = reasonMinimum
		case random < d.plain:
			why = reasonBoosted
		}
		b.tally.traces[kept][d.why]++
		m.window.late.Add(int64(len(g.spans) - d.spans))
		own := m.table.of(v.Threshold)
		m.emit(b, out, []decided{{gathered: g, own: &own, reason: why}})
	}
}

// news are the counts since the last time.
func (w *window) news() budget.Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, before := w.selector.Counts(), w.told
	w.told = now
	return budget.Counts{
		Oversized: now.Oversized - before.Oversized, NoRoom: now.NoRoom - before.NoRoom,
		Unmet: now.Unmet - before.Unmet, Overflow: now.Overflow - before.Overflow,
	}
}

// closeWindow ends the window when it is time, or early.
func (m *traceMode) closeWindow(ctx context.Context, now time.Time, early bool) {
	if m.window == nil {
		return
	}
	b, out := m.begin(), newOutput()
	m.endWindow(b, out, now, early)
	m.telemetry.misses(ctx, m.window.news())
	m.end(ctx, b)
	m.forward(ctx, out)
}
