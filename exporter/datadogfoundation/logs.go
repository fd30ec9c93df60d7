package datadogfoundation

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
)

// logsExporter sends alert records as events, one request each: the API takes
// no more, and alerts are few.
type logsExporter struct {
	exporter.Logs // exporterhelper's: queue, retry, push

	cfg       *Config
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	client    *client
	mapper    *mapper
	now       func() time.Time
	warn      sync.Once
	complaint complaint
}

func newLogsExporter(ctx context.Context, set exporter.Settings, cfg *Config) (*logsExporter, error) {
	if !cfg.Events.Enabled {
		return nil, errors.New("events.enabled: is false, so that this exporter takes no logs; allowed is true, or no logs pipeline with it")
	}
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &logsExporter{
		cfg:       cfg,
		logger:    set.Logger,
		telemetry: tb,
		client:    newClient(cfg, set.TelemetrySettings, set.BuildInfo, tb),
		mapper:    newMapper(cfg),
		now:       time.Now,
	}
	e.Logs, err = exporterhelper.NewLogs(ctx, set, cfg, e.push,
		exporterhelper.WithStart(func(ctx context.Context, host component.Host) error { return e.client.start(ctx, host) }),
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

func (e *logsExporter) shutdown(context.Context) error {
	e.client.shutdown()
	e.telemetry.Shutdown()
	return nil
}

// Capabilities say that batches are changed: what is no alert is taken out.
func (e *logsExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs queues the alerts and counts the rest.
func (e *logsExporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	other, resent := 0, 0
	keep(ld, func(lr plog.LogRecord) bool {
		switch {
		case !isAlert(lr):
			other++
		case isResend(lr):
			resent++
		default:
			return true
		}
		return false
	})
	if ld.LogRecordCount() > 0 {
		if err := e.Logs.ConsumeLogs(ctx, ld); err != nil {
			return err
		}
	}
	if resent > 0 {
		e.telemetry.DatadogFoundationRefusedLogs.Add(ctx, int64(resent), with("reason", reasonResend))
	}
	if other > 0 {
		e.telemetry.DatadogFoundationRefusedLogs.Add(ctx, int64(other), with("reason", reasonNotAlert))
		e.warn.Do(func() {
			e.logger.Warn("datadog_foundation takes alert events only; other log records are refused and counted in otelcol_datadog_foundation_refused_logs")
		})
	}
	return nil
}

// push sends the records one by one and returns those that are left when the
// intake wants a pause.
func (e *logsExporter) push(ctx context.Context, ld plog.Logs) error {
	done := 0
	for _, rl := range ld.ResourceLogs().All() {
		tags, host := e.mapper.resource(nil, rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				body := eventOf(lr, tags, host, e.now()).body()
				r := e.client.post(ctx, "events", "/api/v1/events", "application/json", "", body)
				switch r.outcome {
				case delivered:
				case later:
					return e.rest(ld, done, r)
				case unauthorized:
					e.refuse(ctx, reasonUnauthorized, ld.LogRecordCount()-done)
					return consumererror.NewPermanent(r.err)
				default:
					e.refuse(ctx, reasonRejected, 1)
					e.complaint.log(e.logger, e.now(), "Datadog refuses an event; it is dropped and counted, see otelcol_datadog_foundation_refused_logs", r.err)
				}
				done++
			}
		}
	}
	return nil
}

func (e *logsExporter) refuse(ctx context.Context, reason string, n int) {
	e.telemetry.DatadogFoundationRefusedLogs.Add(ctx, int64(n), with("reason", reason))
}

func (e *logsExporter) rest(ld plog.Logs, done int, r reply) error {
	left := plog.NewLogs()
	ld.CopyTo(left)
	i := 0
	keep(left, func(plog.LogRecord) bool { i++; return i > done })
	err := r.err
	if wait := patience(e.cfg, r.after); wait > 0 {
		err = exporterhelper.NewThrottleRetry(err, wait)
	}
	return consumererror.NewLogs(err, left)
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
