//go:generate mdatagen metadata.yaml

// Package degradation is the degradation processor: it keeps a baseline for
// each series of the watched metrics and says, with metrics of its own appended
// to the same batch, when the present is worse.
//
// Choose it for latencies and other numbers of which more is worse and whose
// normal value is not known beforehand. Where it is known, a threshold rule is
// simpler and does not forget.
//
// The rule is in internal/verdict, the memory in internal/baseline, the states of
// an episode in internal/episode, how many suspects a noisy series needs in
// internal/gate, the reading of points in internal/measure, and
// internal/detector joins them. This package carries points to them and verdicts
// away.
package degradation
