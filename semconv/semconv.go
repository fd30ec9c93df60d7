package semconv

// Layer is a part of the system.
type Layer string

// LayerInfo says which names belong to a layer: those with the longest matching
// prefix.
type LayerInfo struct {
	Layer           Layer
	Prefixes        []string // of dotted names
	ScrapedPrefixes []string // the same as Prometheus writes them
	Brief           string
}

// Signal is where a canonical attribute is written.
type Signal string

// The places that carry attributes.
const (
	SignalSpan      Signal = "span"
	SignalLog       Signal = "log"
	SignalSpanEvent Signal = "span_event"
	SignalDataPoint Signal = "data_point"
	SignalExemplar  Signal = "exemplar"
	SignalResource  Signal = "resource"
)

// Attribute describes one attribute.
type Attribute struct {
	Name    string
	Type    string   // string, int, double, bool, string[], map
	Unit    string   // UCUM, of numbers that have one
	Enum    []string // the allowed values; empty = any
	Aliases []string // other names of the same thing, the first found wins; x[1] = the second element of list x
	Events  []string // when not empty, the aliases only count on these events
	On      []Signal
	Brief   string
}

// EventKind is the shape in which an event should arrive.
type EventKind string

// The shapes of events.
const (
	KindSpan EventKind = "span" // start and complete make one operation
	KindLog  EventKind = "log"  // stands for itself
)

// Occurrence is one event of the source document.
type Occurrence struct {
	Number int    // 1 to 28
	Phase  string // start, complete; empty for an event without phases
}

// Event describes what carries one canonical event name.
type Event struct {
	Name         string
	Occurrences  []Occurrence // empty = not in the source document
	Layer        Layer
	Kind         EventKind
	Operation    bool    // counted by foundation_os.operations
	Severity     string  // of the log record: DEBUG, WARN, or where it comes from; empty = INFO
	SeverityWhen string  // the severity holds under this condition only
	SamplingRate float64 // the document's rate; 0 = not listed
	Aliases      []string
	Ours         bool // written by this distribution
	Brief        string
}

// Instrument is the kind of a metric.
type Instrument string

// The kinds of metrics.
const (
	InstrumentCounter   Instrument = "counter"   // monotonic sum
	InstrumentGauge     Instrument = "gauge"     // last value
	InstrumentHistogram Instrument = "histogram" // distribution
)

// Count says which items make a sample.
type Count string

// What counts as one.
const (
	CountOperation Count = "operation" // one span, or one complete, failed or cancelled event without a span
	CountStart     Count = "start"     // one span, or one start event without a span
	CountEvent     Count = "event"     // one item, whatever its phase
)

// Value says what a sample is.
type Value string

// Where a sample's value comes from.
const (
	ValueOne       Value = "one"       // 1
	ValueDuration  Value = "duration"  // the operation's duration in seconds
	ValueAttribute Value = "attribute" // a numeric attribute
	ValueLength    Value = "length"    // the number of elements of an attribute
)

// Condition holds when the attribute has one of the values.
type Condition struct {
	Attribute string // canonical name
	Is        []string
}

// Source is one way in which a metric gets samples.
type Source struct {
	Events    []string // canonical names; a trailing * matches every name below the prefix
	Except    []string // names that the * does not mean
	Count     Count
	SpansOnly bool
	When      []Condition
	Value     Value
	From      []string // for attribute and length: the canonical attribute, then its aliases
}

// Form says how an attribute's value is written.
type Form string

// The forms of attribute values.
const (
	FormText             Form = ""                  // as it is
	FormInt              Form = "int"               // a whole number
	FormSuccess          Form = "success"           // true when success was stated, false when failure was, else the default
	FormOperationOutcome Form = "operation_outcome" // the outcome, and failure whenever the status is ERROR
)

// MetricAttribute is an attribute of a metric's data points.
type MetricAttribute struct {
	Key     string
	From    []string // the canonical attribute, then its aliases
	Default string   // when none of them is there
	Cap     int      // at most so many different values, the rest is "other"; 0 = no cap of its own
	Max     int      // larger numbers are written as this one; 0 = no limit
	Form    Form
}

// BucketSet names a set of histogram bounds.
type BucketSet string

// The sets of bounds.
const (
	BucketsNone     BucketSet = ""
	BucketsFixed    BucketSet = "fixed" // Metric.Bounds holds them; never exponential
	BucketsDuration BucketSet = "duration"
	BucketsCount    BucketSet = "count"
	BucketsScore    BucketSet = "score"
	BucketsValue    BucketSet = "value"
)

// State names the last state that a metric follows instead of samples.
type State string

// The states.
const (
	StateNone     State = ""
	StateAgents   State = "agents"
	StateBreakers State = "breakers"
	StateRuns     State = "runs"
)

// Metric describes one metric. Its data points have the attributes of Attributes
// and foundation_os.layer.
type Metric struct {
	Name       string
	Row        int    // of the table of metrics: 1 to 23 the document's, 24 to 28 ours, 0 unnumbered
	Tag        string // the document's tag of that row whose distribution this is
	Instrument Instrument
	Unit       string // UCUM; empty for gauges, which else would be called _ratio in Prometheus
	Prometheus string // the name that the document gives it there
	Buckets    BucketSet
	Bounds     []float64
	Watched    bool // the document keeps a performance baseline of it
	State      State
	By         string // the component that writes it
	Attributes []MetricAttribute
	Sources    []Source
	Brief      string
}

// Overflow is the value that stands for all values beyond a MetricAttribute's Cap.
const Overflow = "other"

// Bounds returns the bounds of a bucket set, nil for fixed and none.
func Bounds(set BucketSet) []float64 {
	switch set {
	case BucketsDuration:
		return durationBounds()
	case BucketsCount:
		return []float64{0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512, 1024}
	case BucketsScore: // 0 to 1; below and above falls into the outer buckets
		return []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 1}
	case BucketsValue: // 1-2-5 steps, since nobody knows the scale of a bid
		return []float64{0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}
	default:
		return nil
	}
}

// durationBounds are seconds from 1 ms to 600 s. They grow by 1.5, because the
// degradation rule compares with 1.5 times the 95th percentile: a coarser grid could
// not tell the two sides apart. Powers of 1.5 are rounded to three digits, so that
// they read well as a Prometheus `le`.
func durationBounds() []float64 {
	return []float64{
		0.001, 0.0015, 0.00225, 0.00338, 0.00506, 0.00759, 0.0114, 0.0171, 0.0256, 0.0384, 0.0577, 0.0865,
		0.13, 0.195, 0.292, 0.438, 0.657, 0.985, 1.48, 2.22, 3.33, 4.99, 7.48, 11.2, 16.8, 25.3, 37.9, 56.8, 85.2, 128, 192, 288, 431, 600,
	}
}

// LayerOf returns the layer of a dotted name by its longest prefix, or LayerUnknown.
func LayerOf(name string) Layer {
	best, layer := 0, LayerUnknown
	for i := range Layers {
		for _, p := range Layers[i].Prefixes {
			if len(p) > best && len(name) >= len(p) && name[:len(p)] == p {
				best, layer = len(p), Layers[i].Layer
			}
		}
	}
	return layer
}
