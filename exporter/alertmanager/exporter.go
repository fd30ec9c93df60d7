package alertmanager

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/metadata"
)

// alertsExporter queues alert events and posts them to the Alertmanagers.
type alertsExporter struct {
	exporter.Logs // exporterhelper's: queue, retry, push

	cfg       *Config
	telemetry *metadata.TelemetryBuilder
	fleet     *fleet
	format    message.Format
	now       func() time.Time
}

func newAlertsExporter(ctx context.Context, set exporter.Settings, cfg *Config) (*alertsExporter, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &alertsExporter{
		cfg:       cfg,
		telemetry: tb,
		fleet:     newFleet(cfg, set, tb),
		format:    message.Format{Naming: cfg.LabelNames.naming(), Resend: cfg.ResendInterval, GeneratorURL: cfg.GeneratorURL},
		now:       time.Now,
	}
	e.Logs, err = exporterhelper.NewLogs(ctx, set, cfg, e.push,
		exporterhelper.WithStart(func(ctx context.Context, host component.Host) error { return e.fleet.start(ctx, host) }),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}), // the client's is the one
		exporterhelper.WithQueue(cfg.QueueConfig),
		exporterhelper.WithRetry(cfg.RetryConfig),
	)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (e *alertsExporter) shutdown(context.Context) error {
	e.fleet.shutdown()
	e.telemetry.Shutdown()
	return nil
}

// Capabilities say that batches are changed: what is no alert is taken out.
func (e *alertsExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs queues the alert events and counts the rest.
func (e *alertsExporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	var t tally
	keep(ld, func(lr plog.LogRecord) bool {
		reason := verdict(lr)
		if reason != "" {
			t.drop(reason)
		}
		return reason == ""
	})
	if ld.LogRecordCount() > 0 {
		if err := e.Logs.ConsumeLogs(ctx, ld); err != nil {
			return err
		}
	}
	t.publish(ctx, e.telemetry)
	return nil
}

// keep removes the records for which f is false, and what they leave empty.
func keep(ld plog.Logs, f func(plog.LogRecord) bool) {
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool { return !f(lr) })
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
}
