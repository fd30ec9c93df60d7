package layerenricher

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// logs is traces for log records: they teach the trace-wide ids of their trace,
// and get what the span knows that they were written in.
func (e *enricher) logs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	s := e.acquire()
	e.learnLogs(s, ld)
	find(e, s, s.logs)
	for i := range s.logs {
		fillLog(e, s, &s.logs[i])
	}
	e.release(ctx, s, onLog)
	return ld, nil
}

// fillLog is the second look at a record.
func fillLog(e *enricher, s *scratch, w *waiting[plog.LogRecord]) {
	fill(e, s, w)
	s.late.note(w.sort, s.added)
}

func (e *enricher) learnLogs(s *scratch, ld plog.Logs) {
	now := e.now()
	var near correlation.Ref
	for _, rl := range ld.ResourceLogs().All() {
		service := e.resource(s, rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			scope := e.plan.layers.ByScope(sl.Scope().Name())
			for _, rec := range sl.LogRecords().All() {
				near = e.learnLog(s, now, rec, hints{scope, service}, near)
			}
		}
	}
}

func (e *enricher) learnLog(s *scratch, now time.Time, rec plog.LogRecord, h hints, near correlation.Ref) correlation.Ref {
	p, f := e.plan, s.facts
	f.reset()
	attrs := rec.Attributes()
	p.scan(f, attrs, onLog)
	p.logName(s, f, rec)
	layer, from, explicit := p.own(f, h)
	if !p.settle(f, 0, h) {
		s.unknown++
	}
	p.operationOf(f)
	p.logFields(f, rec, now)

	it := &s.item
	wide, below := p.ids(f, it)
	sort := sortOf(wide, below, uint8(layer), rec.SpanID() != (pcommon.SpanID{}))
	p.grow(f, attrs, s.late.expect(sort, wide, below))
	p.write(f, attrs)
	if p.writeName(f, attrs) {
		if _, ok := p.clean.Text(rec.EventName()); !ok {
			rec.SetEventName(s.full(f.name))
		}
	}
	f.event.write(attrs)
	if from != fromNothing { // else the second look may find it
		p.writeLayer(attrs, layer, from, explicit)
	}

	it.Trace, it.Span = correlation.TraceID(rec.TraceID()), correlation.SpanID(rec.SpanID())
	ref := e.cache.LearnTraceIDs(now, it, near, &s.stats)
	s.logs = append(s.logs, waiting[plog.LogRecord]{
		item: rec, ref: ref, where: it.Where(), from: it.Span, layer: layer, source: from, explicit: explicit,
		missingWide: wide, missingBelow: below, sort: sort,
	})
	return ref
}

// logName looks for a record's event name where exporters put it; the first that
// is of the taxonomy wins, else the first.
func (p *plan) logName(s *scratch, f *facts, rec plog.LogRecord) {
	try := func(raw string, ok bool) {
		if !ok || raw == "" || f.carried && f.name.Layer != 0 {
			return
		}
		if n := s.parse(p, raw); !f.carried || n.Layer != 0 {
			f.carried = true
			f.named(n)
		}
	}
	if v := &f.slots[p.eventName]; v.own() {
		try(v.str, true)
	} else {
		name, ok := p.clean.Text(rec.EventName())
		try(name, ok)
		try(v.str, v.found())
	}
	if !f.carried || f.name.Layer == 0 {
		switch body := rec.Body(); body.Type() {
		case pcommon.ValueTypeSlice:
			if name, ok := listName(body.Slice()); ok {
				p.bodyName(s, f, name)
			}
		case pcommon.ValueTypeStr:
			if text := body.Str(); len(text) > 2 && text[0] == '[' && text[len(text)-1] == ']' && len(text) <= maxEventName {
				p.bodyName(s, f, text)
			}
		}
	}
	p.complete(f, true)
}

// bodyName takes a list in the body for a name only when it is one of the
// taxonomy: other lists are data.
func (p *plan) bodyName(s *scratch, f *facts, raw string) {
	if n := s.parse(p, raw); n.Layer != 0 {
		f.carried = true
		f.named(n)
	}
}

// logFields fills the record's own fields from attributes, where they are empty.
func (p *plan) logFields(f *facts, rec plog.LogRecord, now time.Time) {
	for _, at := range f.touched {
		v := &f.slots[at]
		if !v.found() {
			continue
		}
		switch p.slots[at].kind {
		case kindTraceID:
			if rec.TraceID().IsEmpty() {
				rec.SetTraceID(f.traceID)
			}
		case kindSeverity:
			if rec.SeverityNumber() == plog.SeverityNumberUnspecified {
				rec.SetSeverityNumber(plog.SeverityNumber(v.i))
			}
		case kindTimestamp:
			if t, ok := inference.Timestamp(v.i, now); ok && rec.Timestamp() == 0 {
				rec.SetTimestamp(pcommon.NewTimestampFromTime(t))
			}
		}
	}
	if rec.SpanID().IsEmpty() {
		p.logSpan(f, rec)
	}
}

// logSpan takes a span id from attributes unless they speak of another trace
// than the record.
func (p *plan) logSpan(f *facts, rec plog.LogRecord) {
	var span pcommon.SpanID
	trace := rec.TraceID()
	for _, at := range f.touched {
		if !f.slots[at].found() {
			continue
		}
		switch p.slots[at].kind {
		case kindSpanID:
			span = f.spanID
		case kindTraceID:
			trace = f.traceID
		}
	}
	if !rec.TraceID().IsEmpty() && trace == rec.TraceID() && !span.IsEmpty() {
		rec.SetSpanID(span)
	}
}
