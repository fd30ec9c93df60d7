package sampling

import (
	"errors"
	"strings"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// errFull is returned when a tracestate has no room for a threshold.
var errFull = errors.New("tracestate has no room for a sampling threshold")

// roomy is a length up to which a tracestate cannot overflow by the threshold
// that is written into it: each of the at most 31 readable members takes at
// least four bytes ("a=1,"), so below this there are at most 24.
const roomy = 96

// otPrefix opens the OpenTelemetry member of a tracestate, thPrefix one that
// begins with the threshold.
const (
	otPrefix = "ot="
	thPrefix = otPrefix + "th:"
)

// TraceState is a parsed W3C tracestate.
type TraceState struct {
	w3c otelsampling.W3CTraceState
	// size is the length of what was parsed.
	size int
}

// ParseTraceState reads a W3C tracestate. The error tells that it is
// malformed, as a whole or in the OpenTelemetry member.
func ParseTraceState(raw string) (TraceState, error) {
	w3c, err := otelsampling.NewW3CTraceState(raw)
	return TraceState{w3c: w3c, size: len(raw)}, err
}

// SoleThreshold reads a tracestate with a threshold and nothing else in it,
// the usual one behind another sampler, without the cost of ParseTraceState.
// It is false for every other, malformed ones included.
func SoleThreshold(raw string) (otelsampling.Threshold, bool) {
	tvalue, ok := strings.CutPrefix(raw, thPrefix)
	if !ok || strings.ContainsAny(tvalue, ";,") {
		return otelsampling.Threshold{}, false
	}
	threshold, err := otelsampling.TValueToThreshold(tvalue)
	return threshold, err == nil
}

// Threshold is the threshold that an earlier stage applied, if any.
func (s *TraceState) Threshold() (otelsampling.Threshold, bool) {
	return s.w3c.OTelValue().TValueThreshold()
}

// Randomness is the explicit randomness, if any.
func (s *TraceState) Randomness() (otelsampling.Randomness, bool) {
	return s.w3c.OTelValue().RValueRandomness()
}

// With returns the tracestate with the threshold in it. Everything else in it
// is kept; the OpenTelemetry member moves to the front, as W3C asks of a
// member that was changed. The error tells that the result would be longer
// than the next reader accepts.
func (s *TraceState) With(threshold otelsampling.Threshold) (string, error) {
	otel := s.w3c.OTelValue()
	otel.ClearTValue() // the caller decided: T may also be below an erased one
	if err := otel.UpdateTValueWithSampling(threshold); err != nil {
		return "", err
	}
	var out strings.Builder
	out.Grow(s.size + len(otPrefix) + len(";th:") + otelsampling.NumHexDigits)
	if err := s.w3c.Serialize(&out); err != nil {
		return "", err
	}
	if s.size > roomy {
		if _, err := otelsampling.NewW3CTraceState(out.String()); err != nil {
			return "", errors.Join(errFull, err)
		}
	}
	return out.String(), nil
}

// FormatTraceState is the tracestate of an item that had none before.
func FormatTraceState(threshold otelsampling.Threshold) string {
	return thPrefix + threshold.TValue()
}
