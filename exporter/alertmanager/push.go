package alertmanager

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
)

// maxHalvings bounds the extra requests that a batch may cost because
// Alertmanager refuses one: to find one bad alert among 256 takes 16. One that
// refuses everything must not get two requests for every alert.
const maxHalvings = 64

// delivery sends one batch.
type delivery struct {
	e        *alertsExporter
	ctx      context.Context
	tally    tally
	settled  []bool   // by record: sent, or given up
	records  []int    // by alert: its record
	alerts   [][]byte // encoded
	resolved []bool   // by alert
	halvings int
	refusal  error // the last one
}

// push sends the alerts of a batch. It can be called again with what it returns:
// what was settled is not in there. An alert that was taken although the answer
// got lost is told twice, which changes nothing.
func (e *alertsExporter) push(ctx context.Context, ld plog.Logs) error {
	d := delivery{e: e, ctx: ctx}
	d.encode(ld, e.now())
	defer func() { d.tally.publish(ctx, e.telemetry) }()
	for first := 0; first < len(d.alerts); {
		n := message.Fit(d.alerts[first:], e.cfg.MaxAlerts)
		if r := d.send(first, first+n); r.outcome == later {
			return d.rest(ld, r)
		}
		first += n
	}
	if d.refusal != nil && d.tally.firing+d.tally.resolved == 0 {
		return consumererror.NewPermanent(d.refusal)
	}
	return nil
}

func (d *delivery) encode(ld plog.Logs, now time.Time) {
	d.settled = make([]bool, ld.LogRecordCount())
	record := 0
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				event := eventOf(lr)
				alert, joined, reason := d.e.format.Encode(event, now)
				if reason != "" {
					d.tally.drop(reason)
					d.settled[record] = true
				} else {
					d.alerts = append(d.alerts, alert)
					d.resolved = append(d.resolved, event.Resolved)
					d.records = append(d.records, record)
				}
				d.tally.joint += int64(joined)
				record++
			}
		}
	}
}

// send posts the alerts from first to end and settles them, or says that the
// rest has to wait. Alertmanager refuses a request because of one bad alert (it
// takes the others, but does not say which), a proxy because of its size: it is
// halved, until what is refused is one alert.
func (d *delivery) send(first, end int) reply {
	r := d.e.fleet.post(d.ctx, message.Body(d.alerts[first:end]))
	switch {
	case r.outcome == later:
		return r
	case r.outcome == divisible && end-first > 1 && d.halvings < maxHalvings:
		d.halvings++
		middle := first + (end-first)/2
		if r := d.send(first, middle); r.outcome == later {
			return r
		}
		return d.send(middle, end)
	}
	for i := first; i < end; i++ {
		d.settled[d.records[i]] = true
		switch {
		case r.outcome != delivered:
			d.tally.drop(reasonRejected)
			d.refusal = r.err
		case d.resolved[i]:
			d.tally.resolved++
		default:
			d.tally.firing++
		}
	}
	return r
}

// rest is the error that has what is not settled sent again.
func (d *delivery) rest(ld plog.Logs, r reply) error {
	left := plog.NewLogs()
	ld.CopyTo(left)
	i := -1
	keep(left, func(plog.LogRecord) bool { i++; return !d.settled[i] })
	err := r.err
	if wait := d.e.patience(r.after); wait > 0 {
		err = exporterhelper.NewThrottleRetry(err, wait)
	}
	return consumererror.NewLogs(err, left)
}

// patience shortens the pause that the server asks for where exporterhelper
// would rather give the batch up than wait so long.
func (e *alertsExporter) patience(asked time.Duration) time.Duration {
	if longest := e.cfg.RetryConfig.MaxElapsedTime; longest > 0 {
		return min(asked, longest/4)
	}
	return asked
}
