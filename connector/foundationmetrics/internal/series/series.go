// Package series is the table of what comes out: resources, their metrics' series,
// and the values folded into them. It is bounded: when it is full, a metric's new
// series share one overflow series.
package series

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/lightstep/go-expohisto/structure"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
)

// Kind is the shape of a metric's values.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota
	Gauge
	Histogram
	Exponential
)

// Definition describes a metric.
type Definition struct {
	Name, Unit, Brief string
	Kind              Kind
	Bounds            []float64
}

// Exemplar is one measurement and where it happened.
type Exemplar struct {
	Set     bool
	Value   float64
	Time    int64
	TraceID [16]byte
	SpanID  [8]byte
	Attrs   []item.Pair
}

// Series is one stream of a metric.
type Series struct {
	Attrs    []item.Pair
	Overflow bool
	Sum      float64 // of counters and histograms; the value of a gauge
	Count    uint64
	Min, Max float64
	Buckets  []uint64
	Expo     *structure.Histogram[float64]
	Exemplar Exemplar
}

// Resource is one combination of resource attributes.
type Resource struct {
	Attrs   []item.Pair
	Scope   string
	metrics []*metric // by the metric's number
}

type metric struct {
	byKey map[string]*Series
	order []*Series
}

// Table holds all series.
type Table struct {
	Definitions []Definition
	Resources   []*Resource
	max         int
	count       int
	byAttrs     map[string]int
	key         []byte
}

// overflowResource is the resource of the overflow series. Without attributes, so
// that a flood of resources cannot make more of them.
const overflowResource = 0

// New returns a table of at most max series, and one overflow series for each metric.
func New(definitions []Definition, limit int) *Table {
	t := &Table{Definitions: definitions, max: limit, byAttrs: map[string]int{}}
	t.Resources = []*Resource{{}}
	t.byAttrs[""] = overflowResource
	return t
}

// Define adds a metric and returns its number.
func (t *Table) Define(d Definition) int {
	t.Definitions = append(t.Definitions, d)
	return len(t.Definitions) - 1
}

// Len is the number of series, the overflow series not counted.
func (t *Table) Len() int { return t.count }

func (t *Table) pairs(attrs []item.Pair) []byte {
	t.key = t.key[:0]
	for _, p := range attrs {
		t.key = binary.AppendUvarint(t.key, uint64(len(p.Key)))
		t.key = append(t.key, p.Key...)
		t.key = binary.AppendUvarint(t.key, uint64(len(p.Value)))
		t.key = append(t.key, p.Value...)
	}
	return t.key
}

// Resource returns the number of a resource, making it when it is new. A table that
// is full knows only the resources it has, the others share the overflow's.
func (t *Table) Resource(attrs []item.Pair, scope string) int {
	k := t.pairs(attrs)
	if i, ok := t.byAttrs[string(k)]; ok {
		return i
	}
	// A resource may never get a series, so resources have a bound of their own.
	if t.count >= t.max || len(t.Resources) > t.max {
		return overflowResource
	}
	t.Resources = append(t.Resources, &Resource{Attrs: slices.Clone(attrs), Scope: scope})
	t.byAttrs[string(k)] = len(t.Resources) - 1
	return len(t.Resources) - 1
}

// Get returns a series, making it when it is new and there is room; else the metric's
// overflow series, and nil for gauges: the last of unrelated values means nothing.
func (t *Table) Get(resource, m int, attrs []item.Pair) *Series {
	if s := t.Ensure(resource, m, attrs); s != nil {
		return s
	}
	if t.Definitions[m].Kind == Gauge {
		return nil
	}
	x := t.Resources[overflowResource].metric(m)
	s := x.byKey[overflowKey]
	if s == nil {
		s = t.make(m, nil)
		s.Overflow = true
		x.byKey[overflowKey] = s
		x.order = append(x.order, s)
	}
	return s
}

// Ensure returns a series, making it, of value zero, when it is new and there is room;
// nil when there is none.
func (t *Table) Ensure(resource, m int, attrs []item.Pair) *Series {
	full := t.count >= t.max
	if full && t.Of(resource, m) == nil {
		return nil // not even an empty map: resources times metrics are many
	}
	x := t.Resources[resource].metric(m)
	k := t.pairs(attrs)
	s := x.byKey[string(k)]
	if s != nil || full {
		return s
	}
	s = t.make(m, attrs)
	t.count++
	x.byKey[string(k)] = s
	x.order = append(x.order, s)
	return s
}

// Reset drops the series of a metric everywhere, for gauges that are written anew.
func (t *Table) Reset(m int) {
	for _, r := range t.Resources {
		if m < len(r.metrics) && r.metrics[m] != nil {
			for _, s := range r.metrics[m].order {
				if !s.Overflow {
					t.count--
				}
			}
			r.metrics[m] = nil
		}
	}
}

// overflowKey is no key that pairs could write: it would be a length without a value.
const overflowKey = "\xff"

func (r *Resource) metric(m int) *metric {
	for len(r.metrics) <= m {
		r.metrics = append(r.metrics, nil)
	}
	if r.metrics[m] == nil {
		r.metrics[m] = &metric{byKey: map[string]*Series{}}
	}
	return r.metrics[m]
}

func (t *Table) make(m int, attrs []item.Pair) *Series {
	s := &Series{Attrs: slices.Clone(attrs)}
	switch d := t.Definitions[m]; d.Kind {
	case Histogram:
		s.Buckets = make([]uint64, len(d.Bounds)+1)
	case Exponential:
		s.Expo = structure.NewFloat64(structure.NewConfig(structure.WithMaxSize(expoSize)))
	default:
	}
	return s
}

// expoSize is the size that the OpenTelemetry SDKs use: it keeps the relative error
// of latencies from 1 ms to 100 s below 5 %.
const expoSize = 160

// Of returns the series of a resource's metric, in the order in which they came.
func (t *Table) Of(resource, m int) []*Series {
	if r := t.Resources[resource]; m < len(r.metrics) && r.metrics[m] != nil {
		return r.metrics[m].order
	}
	return nil
}

// Add folds a value into a series of metric m.
func (t *Table) Add(m int, s *Series, v float64) {
	switch d := &t.Definitions[m]; d.Kind {
	case Counter:
		s.Sum += v
	case Gauge:
		s.Sum = v
	case Histogram:
		s.observe(v)
		i, _ := slices.BinarySearch(d.Bounds, v) // a value on a bound belongs below it
		s.Buckets[i]++
	case Exponential:
		s.observe(v)
		s.Expo.Update(v)
	}
}

func (s *Series) observe(v float64) {
	if s.Count == 0 {
		s.Min, s.Max = v, v
	}
	s.Min, s.Max = math.Min(s.Min, v), math.Max(s.Max, v)
	s.Sum += v
	s.Count++
}
