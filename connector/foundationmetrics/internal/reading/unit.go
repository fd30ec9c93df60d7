package reading

import (
	"strings"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
)

// Unit returns how many seconds one of a unit is, 0 when the word is no unit of time.
// native is nanoseconds on Linux, where the collectors' applications run.
func Unit(v item.Value) float64 {
	s, _ := Text(v)
	switch strings.ToLower(s) {
	case "s", "second", "seconds":
		return 1
	case "ms", "millisecond", "milliseconds":
		return 1e-3
	case "us", "µs", "microsecond", "microseconds":
		return 1e-6
	case "ns", "native", "nanosecond", "nanoseconds":
		return 1e-9
	default:
		return 0
	}
}

// Suffix returns how many seconds one of a name's unit is, latency_ms for example; 0
// when the name has none.
func Suffix(name string) float64 {
	switch {
	case strings.HasSuffix(name, "_ms"):
		return 1e-3
	case strings.HasSuffix(name, "_us"):
		return 1e-6
	case strings.HasSuffix(name, "_ns"):
		return 1e-9
	case strings.HasSuffix(name, "_s"):
		return 1
	default:
		return 0
	}
}
