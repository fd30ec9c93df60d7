package budget

import (
	"math"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// roundUp rounds a threshold to the given hex digits, and never down: what the
// exact one drops, the rounded one drops too. Leading zeros and f's do not
// count as digits, as in the library's own rounding, so the result stays below
// 1: a probability of at least 16^-k is given k digits or more.
func roundUp(threshold uint64, precision int) uint64 {
	fraction := float64(all-threshold) / float64(all)
	_, zeros := math.Frexp(1 - fraction)
	_, efs := math.Frexp(fraction)
	const hexBits = 4
	digits := min(otelsampling.NumHexDigits, max(precision-zeros/hexBits, precision-efs/hexBits))
	unit := uint64(1) << (hexBits * (otelsampling.NumHexDigits - digits))
	return (threshold + unit - 1) / unit * unit
}
