// Package sender sends the telemetry of package livingos through the
// OpenTelemetry Go SDK over OTLP.
//
// It is glue by nature: it reads the clock, starts goroutines and talks to the
// network. Each application instance is one goroutine with its own SDK providers
// and its own connections. Spans and records go from the SDK into a batch of our
// own instead of a batch processor, since a batch processor drops when its queue
// is full and tells nobody: here a batch is exported, acknowledged and only then
// counted.
package sender
