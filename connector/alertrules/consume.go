package alertrules

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
)

func (e *engine) consumeMetrics(ctx context.Context, md pmetric.Metrics) {
	now := e.clock()
	if e.degradations != nil {
		e.degradations.consume(md, now)
	}
	counts, err := e.intake.Consume(ctx, md, now)
	if err != nil {
		e.unwritten(ctx, counts.Written, now, err)
		counts.Written = 0
	}
	e.tel.AlertRulesPoints.Add(ctx, int64(counts.Written))
	e.refused(ctx, "series_limit", counts.Refused)
	e.refused(ctx, "late", counts.Late)
	e.refused(ctx, "duplicate", counts.Duplicate)
	e.refused(ctx, "invalid", counts.Invalid)
	e.refused(ctx, "bad_time", counts.BadTime)
	e.refused(ctx, "not_finite", counts.NotFinite)
	e.refused(ctx, "exemplar_limit", e.exemplars.TakeRefused())
}

// unwritten counts points that the store could not take, as on a full disk. It is
// no error of the batch: who sent it would send it again, to all that it has
// reached already.
func (e *engine) unwritten(ctx context.Context, points int, now time.Time, err error) {
	e.refused(ctx, "not_written", points)
	last := e.warned.Load()
	if last != 0 && now.Sub(time.Unix(0, last)).Abs() < warnInterval || !e.warned.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	e.logger.Warn("samples could not be written: rules do not see them, see otelcol_alert_rules_refused", zap.String("directory", e.cfg.Directory), zap.Error(err))
}

func (e *engine) consumeLogs(ctx context.Context, ld plog.Logs, next consumer.Logs) {
	e.consumeItems(ctx, next, func(now time.Time, tell func([]alertEvent, []keptEvents)) int {
		return e.events.consumeLogs(ctx, ld, now, tell)
	})
}

func (e *engine) consumeTraces(ctx context.Context, td ptrace.Traces, next consumer.Logs) {
	e.consumeItems(ctx, next, func(now time.Time, tell func([]alertEvent, []keptEvents)) int {
		return e.events.consumeTraces(ctx, td, now, tell)
	})
}

// consumeItems tells what the event rules make of a batch.
func (e *engine) consumeItems(ctx context.Context, next consumer.Logs, consume func(now time.Time, tell func([]alertEvent, []keptEvents)) (refused int)) {
	now := e.clock()
	told := 0
	refused := consume(now, func(events []alertEvent, state []keptEvents) {
		told = len(events)
		e.keep(ctx, e.records(events, now), change{events: state})
	})
	e.refused(ctx, "event_limit", refused)
	if told > 0 {
		e.deliver(ctx, next)
	}
}

// records writes the events that are asked for, and counts changes of state as
// transitions.
func (e *engine) records(events []alertEvent, now time.Time) plog.LogRecordSlice {
	out := plog.NewLogRecordSlice()
	for i := range events {
		ev := &events[i]
		switch ev.kind {
		case KindTriggered, KindResolved, KindPending:
			e.eval.transitions.add(tally{ev.rule, ev.state.String(), ev.severity})
			if e.cfg.resends() && !e.ended.note(ev, now) {
				e.refused(context.Background(), "resend_limit", 1)
			}
		}
		if slices.Contains(e.cfg.Emit, ev.kind) {
			ev.write(out.AppendEmpty(), e.cfg.EventPrefix, e.cfg.ExternalLabels, now)
		}
	}
	return out
}

// flush offers the events that wait.
func (e *engine) flush(ctx context.Context, next consumer.Logs) {
	sent, dropped, err := e.outbox.send(ctx, next)
	if err != nil && !errors.Is(err, context.Canceled) {
		e.logger.Warn("alert events were not taken, they are kept unless the error is permanent", zap.Error(err), zap.Int("dropped", dropped))
	}
	e.count(ctx, e.tel.AlertRulesEvents, sent, "outcome", "sent")
	e.count(ctx, e.tel.AlertRulesEvents, dropped, "outcome", "dropped")
	e.count(ctx, e.tel.AlertRulesEvents, e.outbox.takeSuperseded(), "outcome", "superseded")
}

func (e *engine) refused(ctx context.Context, reason string, n int) {
	e.count(ctx, e.tel.AlertRulesRefused, n, "reason", reason)
}

func (e *engine) count(ctx context.Context, c metric.Int64Counter, n int, key, value string) {
	if n > 0 {
		c.Add(ctx, int64(n), metric.WithAttributes(attribute.String(key, value)))
	}
}
