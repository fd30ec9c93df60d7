// Package datadogfoundation sends metrics to Datadog's series and sketch intake,
// and alert events to its event intake.
//
// Use it when the collector is the only thing between your applications and
// Datadog: it needs no agent. When an agent runs beside the collector anyway,
// sending OTLP to the agent is simpler.
//
// A batch takes three steps. Before the queue (prepare.go) each metric is
// checked by itself, cumulative values become deltas, and what is several
// series in Datadog becomes several metrics, so that behind the queue one data
// point is one point sent. The queue and the retries are exporterhelper's. The
// push (push.go) is then a function of its batch: it can be repeated without
// losing or doubling anything.
package datadogfoundation
