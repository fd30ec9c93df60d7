package inference

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// maxNumber bounds what is tried as a number: a failed try copies the text.
const maxNumber = 32

// Number reads a finite number that arrived as text.
func Number(s string) (float64, bool) {
	if s == "" || len(s) > maxNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// Int reads a whole number, from text also "3.0".
func Int(s string) (int64, bool) {
	if len(s) > maxNumber {
		return 0, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, true
	}
	f, ok := Number(s)
	if !ok {
		return 0, false
	}
	return Whole(f)
}

// Whole is f as an integer, when it is one.
func Whole(f float64) (int64, bool) {
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Unit is how many units make a second; 0 when it is not known.
type Unit float64

// ParseUnit reads a unit's name. The native unit of the BEAM is the nanosecond
// on Linux.
func ParseUnit(s string) Unit {
	switch strings.ToLower(strings.TrimPrefix(strings.TrimSpace(s), ":")) {
	case "native", "ns", "nanosecond", "nanoseconds":
		return 1e9
	case "us", "µs", "μs", "microsecond", "microseconds":
		return 1e6
	case "ms", "millisecond", "milliseconds":
		return 1e3
	case "s", "sec", "second", "seconds":
		return 1
	}
	return 0
}

// SuffixUnit is the unit that the end of a key names: duration_ms.
func SuffixUnit(key string) Unit {
	i := strings.LastIndexByte(key, '_')
	if i < 0 {
		return 0
	}
	return ParseUnit(key[i+1:])
}

// Seconds converts a value; false when the unit is not known or the value is
// no length of time.
func Seconds(value float64, unit Unit) (float64, bool) {
	if unit <= 0 || value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, false
	}
	return value / float64(unit), true
}

// Calibrate finds the unit of a value by the length in seconds of the span that
// carries it: the power of 1000 that brings the value within a factor 2 of it.
// At most one power can; when none does, the value measures something else.
func Calibrate(value, length float64) Unit {
	if value <= 0 || length <= 0 {
		return 0
	}
	for _, u := range [...]Unit{1, 1e3, 1e6, 1e9} {
		if r := value / float64(u) / length; r >= 0.5 && r <= 2 {
			return u
		}
	}
	return 0
}

// Timestamp reads a moment given in s, ms, µs or ns since 1970: the unit is the
// one that puts it within a day of now.
func Timestamp(value int64, now time.Time) (time.Time, bool) {
	if value <= 0 {
		return time.Time{}, false
	}
	for _, unit := range [...]int64{1, 1e3, 1e6, 1e9} {
		if value > math.MaxInt64/unit {
			return time.Time{}, false
		}
		t := time.Unix(0, value*unit)
		if d := now.Sub(t); d.Abs() <= 24*time.Hour {
			return t, true
		}
	}
	return time.Time{}, false
}

// Severity is OpenTelemetry's severity number of a level's name, with the
// Logger's levels (which are syslog's) where its data model puts them; 0 when
// the name is not known.
func Severity(level string) int32 {
	switch strings.ToLower(strings.TrimPrefix(strings.TrimSpace(level), ":")) {
	case "trace":
		return 1
	case "debug":
		return 5
	case "info", "information", "informational":
		return 9
	case "notice":
		return 10
	case "warn", "warning":
		return 13
	case "error", "err":
		return 17
	case "critical", "crit":
		return 18
	case "alert":
		return 19
	case "emergency", "emerg", "fatal":
		return 21
	}
	return 0
}
