package payload

import (
	"slices"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/sketch"
)

// Kind is the type of a series.
type Kind uint8

const (
	// Count points add up.
	Count Kind = iota
	// Gauge points replace each other.
	Gauge
	// Distribution points are sketches.
	Distribution
)

// Item is one series: a name, a host, tags and its points.
type Item struct {
	Kind     Kind
	Metric   string
	Host     string
	Unit     string
	Tags     []string
	Interval int64 // seconds that a count covers; 0 = unknown
	Points   []Point
}

// Point is one value of an item.
type Point struct {
	Nanos  int64 // since the epoch; sent in whole seconds
	Value  float64
	Sketch *sketch.Sketch // of a Distribution
	Ref    int            // the caller's number of the data point
	More   []int          // those of the points that were joined with it
}

// Seconds is the time as sent.
func (p *Point) Seconds() int64 { return p.Nanos / 1e9 }

// Set collects items by identity.
type Set struct {
	items []*Item
	index map[string]int
	key   []byte
}

// NewSet returns an empty Set.
func NewSet() *Set { return &Set{index: map[string]int{}} }

// Add puts a point into its series. tags must be sorted; the Set keeps them
// when the series is new.
func (s *Set) Add(kind Kind, metric, host, unit string, tags []string, interval int64, p Point) {
	s.key = append(s.key[:0], byte(kind))
	s.key = append(s.key, metric...)
	s.key = append(append(s.key, 0), host...)
	for _, t := range tags {
		s.key = append(append(s.key, 0), t...)
	}
	i, ok := s.index[string(s.key)]
	if !ok {
		i = len(s.items)
		s.index[string(s.key)] = i
		s.items = append(s.items, &Item{Kind: kind, Metric: metric, Host: host, Unit: unit, Tags: slices.Clone(tags)})
	}
	it := s.items[i]
	it.Interval = max(it.Interval, interval)
	it.Points = append(it.Points, p)
}

// Items returns the series in the order they came, their points in the order of
// time, one a second: Datadog keeps the last of several points of one second,
// so counts are added, sketches merged, and of gauges the latest is kept. It
// also returns how many points were joined.
func (s *Set) Items() (items []*Item, merged int) {
	for _, it := range s.items {
		if len(it.Points) < 2 {
			continue
		}
		slices.SortStableFunc(it.Points, func(a, b Point) int {
			switch {
			case a.Nanos < b.Nanos:
				return -1
			case a.Nanos > b.Nanos:
				return 1
			}
			return 0
		})
		kept := it.Points[:1]
		for _, p := range it.Points[1:] {
			last := &kept[len(kept)-1]
			if last.Seconds() != p.Seconds() {
				kept = append(kept, p)
				continue
			}
			join(it.Kind, last, p)
			merged++
		}
		it.Points = kept
	}
	return s.items, merged
}

func join(kind Kind, into *Point, p Point) {
	switch kind {
	case Count:
		into.Value += p.Value
	case Gauge:
		into.Value = p.Value
	case Distribution:
		into.Sketch.Merge(p.Sketch)
	}
	into.More = append(append(into.More, p.Ref), p.More...)
}
