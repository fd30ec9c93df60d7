// Package livingos invents the telemetry of a Foundation OS at work: the
// multi-agent optimisation request of the architecture document with everything
// that happens below it, and the 28 events.
//
// It holds no clock and sends nothing. A [World] is asked for request number i
// at a planned time since the start and answers with a tree of [Span] and
// [Event] values whose times are offsets; the same settings give the same
// answer. [Tally] counts what was delivered. Package sender turns the trees
// into real telemetry.
//
// Names and attributes are the raw ones an Elixir application sends, not the
// canonical ones: layers are often absent, nil arrives as the string "nil",
// success as a bool or a string, durations in four units, event names in four
// places. Cleaning that up is what the collector is tested for.
package livingos
