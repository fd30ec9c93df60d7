// Package inference tells what an item of telemetry is from the words that it
// carries: the layer that a name, scope or service belongs to; the canonical
// name and phase of an event, however an SDK spelled it; and the clean value
// behind what arrived ("nil", "Elixir.MyApp.Foo", ":ok", an upper-case trace
// id, a duration without a unit).
//
// It holds no state besides the tables that it was built from, and knows
// nothing of a collector: the same answers are given to a processor and to a
// command that explains them. Everything built here is safe for concurrent use.
package inference
