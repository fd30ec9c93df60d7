package measure

import "math"

// maxValue keeps sums finite: no number of values of this size adds up to an
// infinity, which would be the baseline for a window.
const maxValue = 1e200

// Finite says whether a baseline can be made of v.
func Finite(v float64) bool { return math.Abs(v) <= maxValue }

// Reason says why a point measures nothing.
type Reason uint8

const (
	// OK: the point is a measurement.
	OK Reason = iota
	// NoRecordedValue: the point carries that flag.
	NoRecordedValue
	// NotFinite: a NaN, an infinity, or a number that Finite does not take.
	NotFinite
	// Negative: a duration, a count or a counter's increase below zero.
	Negative
	// Empty: nothing was counted since the last point.
	Empty
	// First: the first point of a cumulative stream, which began too long ago
	// (or nobody knows when): there is nothing to subtract from it.
	First
	// OutOfOrder: not newer than the cumulative point before.
	OutOfOrder
	// NoInterval: a rate over no time.
	NoInterval
	// Inconsistent: buckets that do not fit their bounds or their count, a
	// histogram without a sum, a scale out of range.
	Inconsistent
	// Layout: the buckets of a cumulative histogram changed without a reset.
	Layout
	// NoTemporality: neither delta nor cumulative.
	NoTemporality
	// NoValue: a number, summary or quantile that is not there.
	NoValue
	// BadTimestamp: no time, or one that no clock shows.
	BadTimestamp
	// Future: further ahead than clocks differ.
	Future
	// Reasons is how many there are.
	Reasons
)

var reasonNames = [Reasons]string{
	"", "no_recorded_value", "not_finite", "negative", "empty", "first_cumulative", "out_of_order",
	"no_interval", "inconsistent", "layout_changed", "no_temporality", "no_value", "bad_timestamp", "future",
}

// String is the value of the own metric's attribute `reason`.
func (r Reason) String() string {
	if r < Reasons {
		return reasonNames[r]
	}
	return ""
}
