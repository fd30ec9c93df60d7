// Package layerenricher is the processor layer_enricher. It gives every span,
// log record and data point the layer that it belongs to, reads the event names
// and values of Elixir's telemetry into canonical attributes, and carries
// request, program, agent and coordination ids through a trace: within a batch,
// and across batches by a bounded cache.
//
// Use transform when you only need to copy or rename attributes of the same
// item; use layer_enricher when what an item lacks stands on another item of its
// trace, or when its name has to be understood.
//
// What it knows about a system is a preset, a table in presets/; the way of
// thinking is in internal/inference and internal/correlation.
package layerenricher
