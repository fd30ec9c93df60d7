package alertrules

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// instance is what the collector sees of the engine for one pair of signals.
type instance struct {
	e *engine
}

func (i *instance) Start(ctx context.Context, host component.Host) error {
	return i.e.start(ctx, host)
}

func (i *instance) Shutdown(ctx context.Context) error { return i.e.stop(ctx) }

// Capabilities: batches are read, never changed.
func (i *instance) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// metricsInstance is metrics→logs or metrics→metrics.
type metricsInstance struct {
	instance
	// ingests is true for the first one: each instance gets its own copy of the
	// same batch.
	ingests bool
}

func (i *metricsInstance) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if i.ingests {
		i.e.consumeMetrics(ctx, md)
	}
	return nil
}

// logsInstance is logs→logs.
type logsInstance struct {
	instance
	next consumer.Logs
}

func (i *logsInstance) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	i.e.consumeLogs(ctx, ld, i.next)
	return nil
}

// tracesInstance is traces→logs.
type tracesInstance struct {
	instance
	next consumer.Logs
}

func (i *tracesInstance) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	i.e.consumeTraces(ctx, td, i.next)
	return nil
}

// metricsInstance registers an instance and where its output goes. Several
// instances that make logs lead to the same pipelines, so one of them is enough.
func (e *engine) metricsInstance(logs consumer.Logs, metrics consumer.Metrics) *metricsInstance {
	e.life.Lock()
	defer e.life.Unlock()
	e.created++
	first := !e.ingesting
	e.ingesting = true
	if logs != nil {
		e.logs = logs
	}
	if metrics != nil {
		e.metrics = metrics
	}
	return &metricsInstance{instance: instance{e}, ingests: first}
}

func (e *engine) logsInstance(next consumer.Logs) *logsInstance {
	e.register(next)
	return &logsInstance{instance: instance{e}, next: next}
}

func (e *engine) tracesInstance(next consumer.Logs) *tracesInstance {
	e.register(next)
	return &tracesInstance{instance: instance{e}, next: next}
}

// register counts an instance whose input leads to logs.
func (e *engine) register(next consumer.Logs) {
	e.life.Lock()
	defer e.life.Unlock()
	e.created++
	if e.logs == nil {
		e.logs = next
	}
}
