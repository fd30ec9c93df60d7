package adaptivesampler

import (
	"context"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/buffer"
)

// outcome is that of a trace as it is known now, at the load of now.
func (m *traceMode) outcome(b *batch, g *gathered) *outcome {
	return &m.table.classes[classKey{g.base, g.critical}].levels[b.setting.level][g.content]
}

// decided is a trace that is kept, and how.
type decided struct {
	gathered
	own    *outcome
	reason reason
}

// decide closes a trace, and appends it to done when it is kept. The load is read
// here, once for the trace. With a budget it only sets the trace aside for the end
// of the window.
func (m *traceMode) decide(done []decided, b *batch, s *buffer.Shard[gathered], t *buffer.Trace[gathered], why trigger) []decided {
	t.Content.settleBase(m)
	g := t.Content
	own := m.outcome(b, &g)
	random := g.randomness.Unsigned()
	spans := int64(len(g.spans))
	contents := m.table.classes[classKey{g.base, g.critical}].levels
	plain, idle := contents[b.setting.level][sampling.Plain].limit, contents[0][g.content].limit
	if m.window != nil && !own.never() {
		s.SetAside(t)
		m.window.add(dueTrace{trace: t, why: why, own: own, idle: idle, plain: plain})
		return done
	}
	if own.never() || random < own.limit {
		s.Close(t, buffer.Verdict{})
		b.tally.traces[dropped][why]++
		switch {
		case own.never():
			b.tally.items[dropped][reasonZeroRate] += spans
		case random >= idle:
			b.tally.items[dropped][reasonLoad] += spans
		default:
			b.tally.items[dropped][reasonSampledOut] += spans
		}
		return done
	}
	s.Close(t, buffer.Verdict{Keep: true, Threshold: own.threshold})
	b.tally.traces[kept][why]++
	d := decided{gathered: g, own: own, reason: reasonSampled}
	if random < plain {
		d.reason = reasonBoosted
	}
	return append(done, d)
}

// emit writes the thresholds of kept traces and hands their spans on.
func (m *traceMode) emit(ctx context.Context, b *batch, out *output, done []decided) {
	for i := range done {
		d := &done[i]
		for _, h := range d.spans {
			m.write(b, out, h, d.own, &d.randomness, d.reason)
		}
		if out.spans >= maxOutput {
			m.forward(ctx, out)
			*out = *newOutput(out.call)
		}
	}
}

// late does with a span what was decided about its trace.
func (m *traceMode) late(b *batch, out *output, h heldSpan, v buffer.Verdict) {
	if !v.Keep {
		b.tally.drop(reasonLate)
		return
	}
	m.unchosen(1)
	m.write(b, out, h, m.table.of(v.Threshold), nil, reasonLate)
}

// write puts the threshold on a span of a kept trace and hands it on. randomness is
// the trace's, nil when only the span's own is known.
func (m *traceMode) write(b *batch, out *output, h heldSpan, own *outcome, randomness *otelsampling.Randomness, why reason) {
	it, a := spanItem{h.Span}, &b.arrived
	*a = arrival{}
	if it.arrival("", a) != nil {
		m.writeNothing(b, out, h)
		return
	}
	if randomness == nil {
		randomness = &a.randomness
	}
	v := sampling.Decide(own.threshold, a.threshold, a.hasThreshold, *randomness)
	if v.Inconsistent {
		b.tally.inconsistent++
	}
	if it.write(a, own, v.Threshold) != nil {
		m.writeNothing(b, out, h)
		return
	}
	adjustedCount := own.adjustedCount
	if v.Threshold != own.threshold {
		adjustedCount = v.Threshold.AdjustedCount()
	}
	b.tally.keep(why, adjustedCount)
	out.add(h)
}

// writeNothing is for a span of a kept trace on which no threshold can be put.
func (m *traceMode) writeNothing(b *batch, out *output, h heldSpan) {
	if b.undecided(reasonMalformed, !m.failClosed) {
		out.add(h)
	}
}
