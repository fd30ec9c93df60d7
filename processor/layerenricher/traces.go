package layerenricher

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// traces works through a batch twice: every span's own facts are written and
// learned first, so that the order of the batch does not matter; then each gets
// what it lacks.
func (e *enricher) traces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	s := e.acquire()
	e.learnTraces(s, td)
	for i := range s.spans {
		fillSpan(e, s, &s.spans[i])
	}
	e.release(ctx, s, onSpan)
	return td, nil
}

func (e *enricher) learnTraces(s *scratch, td ptrace.Traces) {
	now := e.now()
	var near correlation.Ref
	for _, rs := range td.ResourceSpans().All() {
		service := e.resource(s, rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			scope := e.plan.layers.ByScope(ss.Scope().Name())
			for _, span := range ss.Spans().All() {
				near = e.learnSpan(s, now, span, hints{scope, service}, near)
			}
		}
	}
}

// fillSpan is the second look at a span.
func fillSpan(e *enricher, s *scratch, w *waiting[ptrace.Span]) {
	if e.plan.reparent {
		e.adopt(s, w)
	}
	fill(e, s, w)
	// A known parent that shows no layer itself has its trace's.
	parent := inference.Layer(s.answer.ParentLayer)
	if parent == 0 && s.answer.Parent {
		parent = inference.Layer(s.answer.RootLayer)
	}
	if parent != 0 && w.layer != 0 && parent != w.layer {
		if v, ok := w.item.Attributes().GetOrPutEmpty(attributeLayerTransition); !ok {
			v.SetStr(e.plan.transition(parent, w.layer))
			s.added++
		}
	}
	s.late.note(w.sort, s.added)
}

// spanLacks is lacks for spans: they also may get a transition or a parent.
func (e *enricher) spanLacks(w *waiting[ptrace.Span]) bool {
	if w.lacks() {
		return true
	}
	if w.from == (correlation.SpanID{}) {
		return e.plan.reparent
	}
	_, ok := w.item.Attributes().Get(attributeLayerTransition)
	return !ok
}

// adopt makes its trace's request the parent of a span that has none.
func (e *enricher) adopt(s *scratch, w *waiting[ptrace.Span]) {
	if !w.ref.Found() || !w.item.ParentSpanID().IsEmpty() || w.item.TraceID().IsEmpty() {
		return
	}
	e.ask(s, question{ref: w.ref})
	request := s.answer.Request
	if request == (correlation.SpanID{}) || request == correlation.SpanID(w.item.SpanID()) {
		return
	}
	w.item.SetParentSpanID(pcommon.SpanID(request))
	w.from = request
	s.reparented++
}

func (e *enricher) learnSpan(s *scratch, now time.Time, span ptrace.Span, h hints, near correlation.Ref) correlation.Ref {
	p, f := e.plan, s.facts
	f.reset()
	attrs := span.Attributes()
	p.scan(f, attrs, onSpan)
	p.spanName(s, f, span.Name())
	layer, from, explicit := p.own(f, h)
	if !p.settle(f, length(span), h) {
		s.unknown++
	}
	p.operationOf(f)
	p.spanFields(f, span)

	it := &s.item
	wide, below := p.ids(f, it)
	sort := sortOf(wide, below, uint8(layer), span.ParentSpanID() != (pcommon.SpanID{}))
	p.grow(f, attrs, s.late.expect(sort, wide, below))
	p.write(f, attrs)
	p.writeName(f, attrs)
	f.event.write(attrs)
	if from != fromNothing { // else the second look may find it
		p.writeLayer(attrs, layer, from, explicit)
	}
	for _, ev := range span.Events().All() {
		e.spanEvent(s, ev)
	}

	it.Trace, it.Span = correlation.TraceID(span.TraceID()), correlation.SpanID(span.SpanID())
	it.Parent, it.Layer = correlation.SpanID(span.ParentSpanID()), uint8(layer)
	it.Root = correlation.NotRoot
	if it.Parent == (correlation.SpanID{}) {
		it.Root = correlation.Parentless
	}
	if f.event.root {
		it.Root = correlation.NamedRoot
	}
	ref := e.cache.Learn(now, it, near, &s.stats)
	s.spans = append(s.spans, waiting[ptrace.Span]{
		item: span, ref: ref, where: it.Where(), from: it.Parent, layer: layer, source: from, explicit: explicit,
		missingWide: wide, missingBelow: below, sort: sort,
	})
	return ref
}

// spanName decides which of a span's names tells what it is: an attribute that
// carries an event's name, unless only the span's own name is one we know.
func (p *plan) spanName(s *scratch, f *facts, name string) {
	if v := &f.slots[p.eventName]; v.found() && v.str != "" {
		f.carried = true
		f.named(s.parse(p, v.str))
		if f.name.Layer == 0 && !v.own() {
			if n := s.parse(p, name); n.Layer != 0 {
				f.named(n)
			}
		}
	} else {
		f.named(s.parse(p, name))
	}
	p.complete(f, false)
}

// complete adds to the name what the attributes say about phase and parts.
func (p *plan) complete(f *facts, event bool) {
	if own := &f.slots[p.phase]; own.own() && own.str != "" {
		f.name.Phase = own.str
	}
	if f.phase != "" || event {
		short := f.name.Canonical
		f.name = p.names.Complete(f.name, f.phase, event)
		if f.name.Canonical != short {
			f.event = p.event(f.name.Canonical)
		}
	}
}

// operationOf takes the operation out of the name where no attribute gives it.
func (p *plan) operationOf(f *facts) {
	if f.name.Operation != "" && p.operation != noSlot && !f.slots[p.operation].found() {
		f.setText(p.operation, f.name.Operation)
	}
}

// spanFields fills the span's own fields from attributes, where they are empty.
func (p *plan) spanFields(f *facts, span ptrace.Span) {
	if f.parented && span.ParentSpanID().IsEmpty() && f.spanID != span.SpanID() {
		span.SetParentSpanID(f.spanID)
	}
	if f.failed && span.Status().Code() == ptrace.StatusCodeUnset {
		span.Status().SetCode(ptrace.StatusCodeError)
	}
}

// spanEvent reads a span's event like a log record, as far as it is one of the
// taxonomy; exceptions and the like are left alone.
func (e *enricher) spanEvent(s *scratch, ev ptrace.SpanEvent) {
	p, f := e.plan, s.event
	n := s.parse(p, ev.Name())
	if n.Layer == 0 {
		return
	}
	f.reset()
	attrs := ev.Attributes()
	p.scan(f, attrs, onSpanEvent)
	f.named(n)
	p.complete(f, true)
	p.settle(f, 0, hints{})
	p.write(f, attrs)
	p.writeName(f, attrs)
}

func length(span ptrace.Span) time.Duration {
	start, end := span.StartTimestamp(), span.EndTimestamp()
	if start == 0 || end <= start {
		return 0
	}
	return time.Duration(end - start)
}

// resource cleans a resource and tells the layer of its service.
func (e *enricher) resource(s *scratch, res pcommon.Resource) inference.Layer {
	p, f := e.plan, s.facts
	f.reset()
	p.scan(f, res.Attributes(), onResource)
	if len(f.touched) > 0 {
		p.write(f, res.Attributes())
	}
	if name, ok := res.Attributes().Get(attributeServiceName); ok && name.Type() == pcommon.ValueTypeStr {
		return p.layers.ByService(name.Str())
	}
	return 0
}
