// Package foundationmetrics makes the metrics of Foundation OS from its spans and log
// events: counters, histograms and last states, cumulative and exact.
//
// Choose it for the metrics of the semconv model, counted before sampling. For other
// metrics from spans use the contrib connectors span_metrics, signal_to_metrics or
// count.
//
// A span, log event or span event is read into a neutral item (traces.go, logs.go),
// folded into one aggregate under one lock (internal/fold), and written out as
// metrics on a timer (emit.go). The traces and the logs instance of one component ID
// share the aggregate, its start time and its timer.
package foundationmetrics
