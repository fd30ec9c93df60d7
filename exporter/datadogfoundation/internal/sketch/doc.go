// Package sketch holds Datadog's distribution sketch: the values of a
// histogram as a sorted list of bins, each one bin key and one count.
//
// # The format
//
// It is the variant of DDSketch (Masson, Rim, Lee: "DDSketch: A fast and
// fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019)
// that Datadog's agent sends in the message SketchPayload.Sketch.Dogsketch of
// agent-payload. The parameters are those of pkg/util/quantile of
// DataDog/datadog-agent (config.go):
//
//	eps   = 1/128
//	gamma = 1 + 2·eps = 1 + 1/64
//	min   = 1e-9, the smallest magnitude that is not zero
//	bias  = 1 − ⌊log_gamma(min)⌋ = 1338
//	key(v) = RoundToEven(log_gamma(v)) + bias for v ≥ min, 0 around zero, −key(−v) below
//	value(key) = gamma^(key − bias)
//
// A bin therefore holds the values from value(key)/√gamma to value(key)·√gamma,
// and value(key) is off by at most √gamma − 1 ≈ 1/128. On the wire k are the
// keys in ascending order (zigzag) and n their counts. A count beyond 32 bits
// is spread over several bins of one key; more than 4096 bins are folded at the
// low end, as in the agent: the high quantiles are the ones that people ask for.
package sketch
