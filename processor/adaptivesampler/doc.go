//go:generate mdatagen metadata.yaml

// Package adaptivesampler is a processor that samples spans and log records
// by the rate of their name, raised for errors, retries and critical
// operations and lowered while this collector is overloaded: in processor time,
// in memory, or held up by what comes after it.
//
// Choose it over the probabilistic_sampler when different operations deserve
// different rates. Decisions are consistent (W3C and OpenTelemetry probability
// sampling): replicas agree, and what is kept says how many it stands for. It
// decides span by span and keeps nothing in memory; where a trace must be kept
// or dropped as a whole, use the tail_sampling processor.
package adaptivesampler
