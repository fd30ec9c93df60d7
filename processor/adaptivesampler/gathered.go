package adaptivesampler

import (
	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
)

// gathered is what is known of a trace that is not decided yet. All but the
// randomness only ever raises its probability, so that nothing depends on the
// order in which spans come, and a trace that is kept for certain may be kept at
// once.
type gathered struct {
	spans []heldSpan

	randomness otelsampling.Randomness
	explicit   bool // it came in a tracestate

	// base is the highest rate of the names that count: the roots', or all.
	base     float64
	name     string // that has it
	counted  bool   // there is one
	critical bool   // one of the names is
	content  sampling.Content
}

// heldSpan is a span and where it came from. It keeps the span alive and not its
// batch.
type heldSpan struct {
	ptrace.Span
	from *origin
}

// add takes a span in and returns how many bytes it takes.
func (g *gathered) add(m *traceMode, b *batch, h heldSpan) (bytes int64) {
	seen := inspect(h.Span, m.nameAttribute)
	class, remembered := m.table.class(seen.name)
	if !remembered {
		b.tally.nameMisses++
	}
	g.critical = g.critical || class.critical
	g.content = max(g.content, seen.content)
	if m.everyName || h.ParentSpanID().IsEmpty() {
		g.count(class, seen.name)
	}
	bytes = seen.bytes
	if len(g.spans) == 0 {
		bytes += traceBytes
	}
	g.spans = append(g.spans, h)
	return bytes
}

// count takes the rate of a name that counts. Of names with one rate the first in
// the alphabet stands for the trace, in whatever order they come.
func (g *gathered) count(c *class, name string) {
	if !g.counted || c.base > g.base || c.base == g.base && name < g.name {
		g.base, g.name, g.counted = c.base, name, true
	}
}

// settleBase finds the rate of a trace without a root: that of the spans with
// which it enters, whose parents are not among its spans. Where every span has its
// parent there, as in a ring, all count.
func (g *gathered) settleBase(m *traceMode) {
	if g.counted {
		return
	}
	here := make(map[pcommon.SpanID]struct{}, len(g.spans))
	for i := range g.spans {
		here[g.spans[i].SpanID()] = struct{}{}
	}
	var all gathered
	for i := range g.spans {
		s := g.spans[i].Span
		name := nameOf(s.Attributes(), m.nameAttribute, s.Name())
		class, _ := m.table.class(name)
		all.count(class, name)
		if _, ok := here[s.ParentSpanID()]; !ok {
			g.count(class, name)
		}
	}
	if !g.counted {
		g.base, g.name, g.counted = all.base, all.name, true
	}
}

// seen is what one look over a span finds.
type seen struct {
	name    string
	content sampling.Content
	bytes   int64
}

// What a span takes in memory besides its texts, on a 64-bit machine: a trace with
// its place in the buffer, the struct itself with its place in a trace, an attribute with its value, an event, a link.
// A test holds the sums against the heap.
const (
	traceBytes     = 400
	spanBytes      = 380
	attributeBytes = 96
	eventBytes     = 160
	linkBytes      = 200
)

func inspect(s ptrace.Span, nameAttribute string) seen {
	named := false
	out := seen{name: s.Name(), bytes: spanBytes + int64(len(s.Name())+len(s.TraceState().AsRaw())+len(s.Status().Message()))}
	if s.Status().Code() == ptrace.StatusCodeError {
		out.content = sampling.Failed
	}
	for key, value := range s.Attributes().All() {
		out.bytes += attributeBytes + int64(len(key)) + sizeOf(value)
		if !named && key == nameAttribute && nameAttribute != "" {
			if named = true; value.Type() == pcommon.ValueTypeStr && value.Str() != "" {
				out.name = value.Str()
			}
		}
		if out.content != sampling.Failed && mayTell(key) {
			out.content = max(out.content, contentOfAttribute(key, value))
		}
	}
	for _, event := range s.Events().All() {
		if event.Name() == exceptionEvent {
			out.content = sampling.Failed
		}
		out.bytes += eventBytes + int64(len(event.Name())) + sizeOfMap(event.Attributes())
	}
	for _, link := range s.Links().All() {
		out.bytes += linkBytes + int64(len(link.TraceState().AsRaw())) + sizeOfMap(link.Attributes())
	}
	return out
}

func sizeOfMap(m pcommon.Map) (n int64) {
	for key, value := range m.All() {
		n += attributeBytes + int64(len(key)) + sizeOf(value)
	}
	return n
}

// sizeOf is what a value takes besides its place.
func sizeOf(v pcommon.Value) (n int64) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return int64(len(v.Str()))
	case pcommon.ValueTypeBytes:
		return int64(v.Bytes().Len())
	case pcommon.ValueTypeMap:
		return sizeOfMap(v.Map())
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			n += attributeBytes + sizeOf(e)
		}
	}
	return n
}
