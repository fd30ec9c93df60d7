// Package item is the neutral form of a span, a log event or a span event: what the
// folding needs of it, and nothing else. It keeps the algorithms free of the wire
// format.
package item

// Kind is the type of a Value.
type Kind uint8

// The kinds of values.
const (
	None Kind = iota
	Text
	Number
	Bool
	List
)

// Value is an attribute's value.
type Value struct {
	Kind Kind
	Text string
	Num  float64 // of Number; of Bool 1 is true
	Len  int     // of List
}

// Field is a value in its slot; slots number the attribute names that a plan reads.
type Field struct {
	Slot  uint16
	Value Value
}

// Shape is what carried the item.
type Shape uint8

// The shapes.
const (
	Span Shape = iota
	LogRecord
	SpanEvent
)

// Status is a span's status.
type Status uint8

// The statuses.
const (
	Unset Status = iota
	OK
	Error
)

// Pair is an attribute of an output data point.
type Pair struct{ Key, Value string }

// Item is one span, log event or span event.
type Item struct {
	Shape    Shape
	Status   Status
	Class    int    // of the plan; -1 when no metric counts it, but an agent is named
	Phase    string // canonical: start, complete, failed, cancelled or empty
	Resource int    // the output resource, as the fold numbered it
	TraceID  [16]byte
	SpanID   [8]byte
	Time     int64 // when it happened or ended, ns since 1970; 0 = unknown
	Start    int64 // of spans
	End      int64
	Fields   []Field
	Tags     []Pair // of foundation.metric
}

// HasSpan says whether the item names a span.
func (i *Item) HasSpan() bool { return i.SpanID != [8]byte{} }
