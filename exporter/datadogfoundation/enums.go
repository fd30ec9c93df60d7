package datadogfoundation

import (
	"fmt"
	"slices"
	"strings"
)

// SeriesAPI is the intake for counts and gauges.
type SeriesAPI uint8

// The values of SeriesAPI.
const (
	SeriesV2 SeriesAPI = iota
	SeriesV1
)

// HistogramMode is what becomes of a histogram.
type HistogramMode uint8

// The values of HistogramMode.
const (
	Distributions HistogramMode = iota
	Counters
	NoBuckets
)

// OutOfWindow is what becomes of a point that Datadog would not take.
type OutOfWindow uint8

// The values of OutOfWindow.
const (
	Drop OutOfWindow = iota
	Clamp
	Send
)

func seriesAPINames() []string     { return []string{"v2", "v1"} }
func histogramModeNames() []string { return []string{"distributions", "counters", "nobuckets"} }
func outOfWindowNames() []string   { return []string{"drop", "clamp", "send"} }

func (s SeriesAPI) String() string     { return seriesAPINames()[s] }
func (m HistogramMode) String() string { return histogramModeNames()[m] }
func (o OutOfWindow) String() string   { return outOfWindowNames()[o] }

// MarshalText writes the name.
func (s SeriesAPI) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText writes the name.
func (m HistogramMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText writes the name.
func (o OutOfWindow) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the name.
func (s *SeriesAPI) UnmarshalText(text []byte) error { return pick(s, text, seriesAPINames()) }

// UnmarshalText reads the name.
func (m *HistogramMode) UnmarshalText(text []byte) error { return pick(m, text, histogramModeNames()) }

// UnmarshalText reads the name.
func (o *OutOfWindow) UnmarshalText(text []byte) error { return pick(o, text, outOfWindowNames()) }

func pick[T ~uint8](to *T, text []byte, names []string) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("%q is unknown, allowed are %s", text, strings.Join(names, ", "))
	}
	*to = T(i)
	return nil
}
