package layerenricher

import (
	"context"
	"math/bits"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// scratch is what working on one batch needs. One batch has it at a time, so
// nothing in it is locked.
type scratch struct {
	facts   *facts
	event   *facts                  // of a span's events, while the span's own facts are in use
	names   map[string]*parsed      // what was parsed before
	recent  [256]recent             // the same, without hashing
	fulls   map[nameAndPhase]string // full names, as log records carry them
	item    correlation.Item
	asked   question
	answer  correlation.Answer // to asked; the zero one to none
	spans   []waiting[ptrace.Span]
	logs    []waiting[plog.LogRecord]
	stats   correlation.Stats
	sources [sources]int64
	late    late
	added   int     // attributes of one item at the second look
	filled  []int64 // by slot
	unknown int64   // durations

	reparented int64 // spans
}

// question is what a cache is asked: what a trace knows, seen from one span.
type question struct {
	ref  correlation.Ref
	from correlation.SpanID
}

// item is what a span and a log record have in common.
type item interface{ Attributes() pcommon.Map }

// waiting is an item of which the own facts are written, and that now gets what
// its trace knows.
type waiting[I item] struct {
	item         I
	ref          correlation.Ref
	where        correlation.TraceID // to find it again
	from         correlation.SpanID  // where to look: the parent, or a log's span
	layer        inference.Layer
	source       source
	explicit     bool // the layer attribute is there and stays
	missingWide  uint8
	missingBelow uint8
	sort         uint8 // see late
}

// lacks tells whether more could be known about an item than is now.
func (w *waiting[I]) lacks() bool {
	return w.missingWide != 0 || w.missingBelow != 0 || w.source == fromNothing
}

// maxNames bounds the names that a scratch remembers; a system's names are few,
// and ids in names must not fill the memory.
const maxNames = 2048

// parsed is a name and what is known about its items.
type parsed struct {
	inference.Name
	event *event
}

type recent struct {
	raw string
	*parsed
}

// parse reads a name, from memory when it was seen before. To compare it with
// the last name of its bucket is half the price of hashing it.
func (s *scratch) parse(p *plan, raw string) *parsed {
	if raw == "" || len(raw) > maxEventName {
		return s.remembered(p, raw)
	}
	last := &s.recent[placeOf(raw)%uint(len(s.recent))]
	if last.raw != raw || last.parsed == nil {
		*last = recent{raw, s.remembered(p, raw)}
	}
	return last.parsed
}

func (s *scratch) remembered(p *plan, raw string) *parsed {
	if n, ok := s.names[raw]; ok {
		return n
	}
	n := &parsed{Name: p.names.Parse(raw)}
	n.event = p.event(n.Canonical)
	if len(raw) <= maxEventName {
		if len(s.names) >= maxNames {
			clear(s.names)
		}
		s.names[raw] = n
	}
	return n
}

// full is a name with its phase; the text is made once for a name.
func (s *scratch) full(n inference.Name) string {
	key := nameAndPhase{n.Canonical, n.Phase}
	text, ok := s.fulls[key]
	if !ok {
		text = n.Full()
		if len(s.fulls) >= maxNames {
			clear(s.fulls)
		}
		s.fulls[key] = text
	}
	return text
}

type nameAndPhase struct{ name, phase string }

func newScratch(p *plan) *scratch {
	return &scratch{
		facts: newFacts(p), event: newFacts(p),
		names: map[string]*parsed{}, fulls: map[nameAndPhase]string{}, filled: make([]int64, len(p.slots)),
	}
}

// done clears what points into the batch, so that a scratch that waits for its
// next batch keeps none alive.
func (s *scratch) done() {
	s.facts.reset()
	s.event.reset()
	clear(s.spans)
	clear(s.logs)
	s.spans, s.logs = s.spans[:0], s.logs[:0]
	s.item = correlation.Item{}
	s.asked, s.answer = question{}, correlation.Answer{}
	s.stats = correlation.Stats{}
	s.sources = [sources]int64{}
	s.unknown, s.reparented = 0, 0
	clear(s.filled)
}

// hints is what the scope and the service of an item say about its layer.
type hints struct{ scope, service inference.Layer }

// own infers the layer from what the item, its scope and its service show.
func (p *plan) own(f *facts, h hints) (layer inference.Layer, from source, explicit bool) {
	if v := &f.slots[p.layer]; v.found() {
		layer = p.layers.ByValue(v.str)
		// The default was written for want of anything better: there may be now.
		if layer != 0 || v.own() && v.str != p.defaultName {
			stays := v.own() && (layer == 0 || v.str == p.layers.Name(layer) && !v.dirty)
			return layer, fromAttribute, stays
		}
	}
	switch {
	case f.name.Layer != 0:
		return f.name.Layer, fromName, false
	case h.scope != 0:
		return h.scope, fromScope, false
	case h.service != 0:
		return h.service, fromService, false
	}
	return 0, fromNothing, false
}

// find looks again for the traces of items that were not known when the item
// came: something later, in its batch or while it waited, may have made them so.
func find[I item](e *enricher, s *scratch, items []waiting[I]) {
	hits, misses := s.stats.Hits, s.stats.Misses // counted already
	now := e.now()
	var near correlation.Ref
	for i := range items {
		if w := &items[i]; !w.ref.Found() && w.where != (correlation.TraceID{}) {
			w.ref = e.cache.Find(now, w.where, near, &s.stats)
			near = w.ref
		}
	}
	s.stats.Hits, s.stats.Misses = hits, misses
}

// fill gives an item what its trace knows: the second look, after all of a batch
// was learned. It is the same for spans and log records.
func fill[I item](e *enricher, s *scratch, w *waiting[I]) {
	p := e.plan
	s.added = 0
	known := w.ref.Found() && (w.missingWide != 0 || w.missingBelow != 0 || w.source == fromNothing || w.from != correlation.SpanID{})
	asked := question{w.ref, w.from}
	if !known {
		asked = question{}
	}
	e.ask(s, asked)
	attrs := w.item.Attributes()
	if known && w.missingWide != 0 {
		put(p, s, attrs, p.traceWide, w.missingWide, s.answer.TraceIDs[:])
	}
	if known && w.missingBelow != 0 {
		put(p, s, attrs, p.subtree, w.missingBelow, s.answer.Subtree[:])
	}
	if w.source == fromNothing {
		switch {
		case s.answer.ParentLayer != 0:
			w.layer, w.source = inference.Layer(s.answer.ParentLayer), fromParent
		case s.answer.RootLayer != 0:
			w.layer, w.source = inference.Layer(s.answer.RootLayer), fromTrace
		default:
			w.source = fromDefault
		}
		p.writeLayer(attrs, w.layer, w.source, false)
	}
	s.sources[w.source]++
}

// ask asks the cache, unless it was the last question already: spans of one
// parent often follow each other.
func (e *enricher) ask(s *scratch, q question) {
	if q != s.asked {
		e.cache.Ask(q.ref, q.from, &s.answer)
		s.asked = q
	}
}

func put(p *plan, s *scratch, attrs pcommon.Map, slots []uint8, missing uint8, values []string) {
	for ; missing != 0; missing &= missing - 1 {
		i := bits.TrailingZeros8(missing)
		if values[i] == "" {
			continue
		}
		at := slots[i]
		info := &p.slots[at]
		attrs.PutStr(info.name, values[i])
		s.added++
		if info.mirror != "" {
			putMissing(attrs, info.mirror, values[i])
			s.added++
		}
		s.filled[at]++
	}
}

type clock func() time.Time

func (e *enricher) acquire() *scratch { return e.pool.Get().(*scratch) }

func (e *enricher) release(ctx context.Context, s *scratch, on place) {
	e.telemetry.record(ctx, s, on)
	s.done()
	e.pool.Put(s)
}
