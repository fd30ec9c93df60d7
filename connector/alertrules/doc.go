// Package alertrules is a connector that evaluates Prometheus rule files, short
// threshold rules and event rules inside the collector: metrics, logs and
// traces come in, alert events go out as log records, recorded series and the state of
// alerts as metrics. No Prometheus server stands beside it.
//
// Use it when the collector is the place where telemetry meets anyway and alerts
// must not depend on a query back end. Do not use it for rules over weeks of
// history: it keeps only what its rules reach, and in one process.
package alertrules
