package livingos

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// Span is one operation of a request. Times are offsets from the request's start.
type Span struct {
	Name       string
	Start, End time.Duration
	Attributes []attribute.KeyValue
	// Failure is the reason of failure, "" if the operation succeeded.
	Failure string
	// Exception is the type of the exception that ended the operation, "" if none did.
	Exception string
	Events    []*Event
	Children  []*Span

	self     time.Duration // what the operation takes besides its children
	parallel bool          // the children run side by side
	unit     unit
}

// Length is the operation's duration.
func (s *Span) Length() time.Duration { return s.End - s.Start }

// Event is something that happened at one moment.
type Event struct {
	// Name is the full dotted name, lifecycle phase included.
	Name string
	// At is the offset from the request's start; for an event outside of a
	// request, from the start of the run.
	At         time.Duration
	Severity   Severity
	Shape      Shape
	Attributes []attribute.KeyValue
	// IDsAsAttributes sends the trace and span id as the attributes trace_id and
	// span_id in upper-case hex, as the document's Base.encode16 writes them,
	// and leaves the record's own ids empty.
	IDsAsAttributes bool

	of    *Span // the span within which it happens, nil if none
	at    float64
	layer string // of an error
}

// Severity of an event.
type Severity int

const (
	SeverityDebug Severity = iota
	SeverityInfo
	SeverityWarn
	SeverityError
)

// Shape is the place where an event carries its name.
type Shape int

const (
	// ShapeEventName uses the record's own field.
	ShapeEventName Shape = iota
	// ShapeAttribute uses the attribute event.name.
	ShapeAttribute
	// ShapeBodyList sends the atoms as a list in the body.
	ShapeBodyList
	// ShapeBodyInspected sends the inspected list: "[:foundation, :metric]".
	ShapeBodyInspected
	// ShapePhase uses the record's own field for the name without its last
	// part, and the attribute phase for that part.
	ShapePhase
)

// unit is how a span tells its duration as an attribute.
type unit int

const (
	unitNone        unit = iota
	unitNative           // duration: 1500000
	unitMicrosecond      // duration: 1500, time_unit: microsecond
	unitMillisecond      // duration: 1.5, time_unit: millisecond
	unitInName           // duration_ms: 1.5
)

// layout sets the times of the span and all below it.
func (s *Span) layout(start time.Duration) {
	before := (s.self / 2).Truncate(time.Microsecond)
	s.Start = start
	next, end := start+before, start+before
	for _, c := range s.Children {
		c.layout(next)
		end = max(end, c.End)
		if s.parallel {
			next += time.Millisecond
		} else {
			next = c.End
		}
	}
	s.End = end + s.self - before
	// A length of exactly a histogram's bound would make the bucket depend on
	// how its reader turns it into a fraction of a second.
	if s.Length()%time.Millisecond == 0 {
		s.End += time.Microsecond
	}
	for _, e := range s.Events {
		e.At = s.Start + time.Duration(e.at*float64(s.Length()))
	}
	s.tellDuration()
}

func (s *Span) tellDuration() {
	d := s.Length()
	milliseconds := float64(d) / float64(time.Millisecond)
	switch s.unit {
	case unitNative:
		s.set(attribute.Int64("duration", d.Nanoseconds()))
	case unitMicrosecond:
		s.set(attribute.Int64("duration", d.Microseconds()), attribute.String("time_unit", "microsecond"))
	case unitMillisecond:
		s.set(attribute.Float64("duration", milliseconds), attribute.String("time_unit", "millisecond"))
	case unitInName:
		s.set(attribute.Float64("duration_ms", milliseconds))
	}
}

func (s *Span) set(attrs ...attribute.KeyValue) { s.Attributes = append(s.Attributes, attrs...) }

func (s *Span) add(children ...*Span) { s.Children = append(s.Children, children...) }

// Value is the value of a raw attribute, or nil.
func (s *Span) Value(key string) any { return value(s.Attributes, key) }

// Value is the value of a raw attribute, or nil.
func (e *Event) Value(key string) any { return value(e.Attributes, key) }

func value(attrs []attribute.KeyValue, key string) any {
	for _, a := range attrs {
		if string(a.Key) == key {
			return a.Value.AsInterface()
		}
	}
	return nil
}

// OnSpan says whether the event happens in a span whose events may travel with
// it. What the document's own tracer sends, and what names its ids itself, is a
// record of its own in any case.
func (e *Event) OnSpan() bool {
	return e.of != nil && (e.Name == EventBid || e.Name == EventAgentResult)
}
