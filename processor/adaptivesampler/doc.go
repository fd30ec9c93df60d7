//go:generate mdatagen metadata.yaml

// Package adaptivesampler is a processor that samples traces as a whole, or spans
// and log records one by one, by the rate of their name, raised for errors, retries and critical
// operations and lowered while this collector is overloaded: in processor time,
// in memory, or held up by what comes after it.
//
// Choose it over the probabilistic_sampler when different operations deserve
// different rates. Decisions are consistent (W3C and OpenTelemetry probability
// sampling): replicas agree, and what is kept says how many it stands for. Where
// traces are to be chosen by policies on what is in them, use tail_sampling.
//
// Mode trace is in tracemode.go and what it calls: gathered.go is what is known of
// a trace, release.go when it is due, decide.go what becomes of it, window.go the
// budget, output.go what leaves.
// Mode span and log records are in processor.go, what a trace in flight keeps in
// setting.go, the budget of mode span in spanbudget.go.
package adaptivesampler
