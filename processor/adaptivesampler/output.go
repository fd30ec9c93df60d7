package adaptivesampler

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// source is the resource that spans came from. It is taken out of its batch, so
// that spans that wait keep it alive and nothing else of the batch.
type source struct {
	batch    ptrace.ResourceSpans
	taken    bool
	resource pcommon.Resource
	schema   string
}

func (s *source) take() *source {
	if !s.taken {
		s.resource, s.schema, s.taken = pcommon.NewResource(), s.batch.SchemaUrl(), true
		s.batch.Resource().MoveTo(s.resource)
		s.batch = ptrace.ResourceSpans{}
	}
	return s
}

// origin is the scope that spans came from.
type origin struct {
	source *source
	scope  pcommon.InstrumentationScope
	schema string
	call   uint64 // the number of the call that brought them
	bytes  int64  // of source and scope, until they are counted for the first trace that waits
}

func newOrigin(src *source, ss ptrace.ScopeSpans, call uint64) *origin {
	o := &origin{scope: pcommon.NewInstrumentationScope(), schema: ss.SchemaUrl(), call: call}
	if !src.taken {
		o.bytes = originBytes + sizeOfMap(src.batch.Resource().Attributes())
	}
	o.bytes += originBytes + sizeOfMap(ss.Scope().Attributes())
	o.source = src.take()
	ss.Scope().MoveTo(o.scope)
	return o
}

// originBytes is what a resource or a scope takes besides its attributes.
const originBytes = 80

// output is a batch of kept spans. Those of one origin come out together, so that
// a resource is copied once a batch and not once a trace.
type output struct {
	traces  ptrace.Traces
	sources map[*source]ptrace.ResourceSpans
	origins map[*origin]ptrace.SpanSlice
	last    *origin
	into    ptrace.SpanSlice
	spans   int
	call    uint64
	// older are the spans that an earlier call brought: nobody will send them
	// again.
	older int
}

func newOutput(call uint64) *output {
	return &output{traces: ptrace.NewTraces(), call: call}
}

// maxOutput bounds a batch of what has waited, as exporters like it.
const maxOutput = 8192

func (o *output) add(h heldSpan) {
	if h.from != o.last {
		o.last, o.into = h.from, o.of(h.from)
	}
	h.MoveTo(o.into.AppendEmpty())
	o.spans++
	if h.from.call != o.call {
		o.older++
	}
}

func (o *output) of(from *origin) ptrace.SpanSlice {
	if spans, ok := o.origins[from]; ok {
		return spans
	}
	if o.origins == nil {
		o.origins, o.sources = map[*origin]ptrace.SpanSlice{}, map[*source]ptrace.ResourceSpans{}
	}
	rs, ok := o.sources[from.source]
	if !ok {
		rs = o.traces.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl(from.source.schema)
		from.source.resource.CopyTo(rs.Resource())
		o.sources[from.source] = rs
	}
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl(from.schema)
	from.scope.CopyTo(ss.Scope())
	o.origins[from] = ss.Spans()
	return ss.Spans()
}
