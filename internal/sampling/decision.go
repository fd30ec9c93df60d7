package sampling

import (
	"github.com/cespare/xxhash/v2"
	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// Threshold is the rounded threshold of a probability, which is the one that
// decides. precision is the number of hex digits after leading zeros or f's
// (those carry no precision, a probability near 0 or 1 gets more digits). It
// is false when the probability is 0 or too small for 56 bits: such items are
// never kept and have no threshold.
func Threshold(probability float64, precision int) (otelsampling.Threshold, bool) {
	threshold, err := otelsampling.ProbabilityToThresholdWithPrecision(probability, precision)
	if err != nil {
		return otelsampling.NeverSampleThreshold, false
	}
	return threshold, true
}

// Verdict is the outcome of one decision.
type Verdict struct {
	// Keep tells whether the item is kept.
	Keep bool
	// Threshold is what the kept item must say it was sampled at.
	Threshold otelsampling.Threshold
	// Inconsistent tells that the incoming threshold would have dropped the
	// item. It cannot be true, so it was ignored and must be erased.
	Inconsistent bool
}

// Decide compares the randomness with the threshold of this stage. An incoming
// threshold may only be raised: an item that stands for 10 cannot be made to
// stand for 2 by a later stage with a higher probability.
func Decide(own otelsampling.Threshold, incoming otelsampling.Threshold, hasIncoming bool, randomness otelsampling.Randomness) Verdict {
	v := Verdict{Threshold: own}
	if hasIncoming {
		switch {
		case !incoming.ShouldSample(randomness):
			v.Inconsistent = true
		case otelsampling.ThresholdGreater(incoming, own):
			v.Threshold = incoming
		}
	}
	v.Keep = v.Threshold.ShouldSample(randomness)
	return v
}

// TraceIDRandomness is the randomness of a trace id: its last 56 bits. It is
// false for the zero id, which has none.
func TraceIDRandomness(id [16]byte) (otelsampling.Randomness, bool) {
	return otelsampling.TraceIDToRandomness(id), id != [16]byte{}
}

// HashRandomness makes randomness from a value that identifies what belongs
// together when there is no trace id. The hash has no seed: replicas agree.
func HashRandomness(value string) otelsampling.Randomness {
	// The masked value is always in range.
	randomness, _ := otelsampling.UnsignedToRandomness(xxhash.Sum64String(value) & (otelsampling.MaxAdjustedCount - 1))
	return randomness
}
