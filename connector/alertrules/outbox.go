package alertrules

import (
	"context"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
)

// maxOutbox bounds the events that wait for a destination that refuses them.
const maxOutbox = 10_000

// outbox keeps alert events until they are taken: the state they tell of has
// changed already, so nobody would tell of it again. It is safe for concurrent
// use, and it keeps the events' order.
type outbox struct {
	scope string
	// sending is held while events are offered: one caller at a time, else later
	// events would overtake those that are refused.
	sending sync.Mutex
	// mu is not held while events are offered, so that a destination that takes
	// its time holds up nobody who only adds.
	mu      sync.Mutex
	pending plog.LogRecordSlice
	resent  int // how many of pending are re-sends
	dropped int // since the last send
	// superseded counts the re-sends since the last send that were not taken, and
	// are not kept because the next ones tell the same.
	superseded int
}

func newOutbox(scope string) *outbox {
	return &outbox{scope: scope, pending: plog.NewLogRecordSlice()}
}

// add appends records. What is beyond the bound is dropped, the oldest first.
func (o *outbox) add(records plog.LogRecordSlice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	records.MoveAndAppendTo(o.pending)
	o.trim()
}

// resend appends records that tell again what is known. They replace those of
// before, and are not bounded here: there are as many as there are alerts.
func (o *outbox) resend(records plog.LogRecordSlice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.superseded += removeResends(o.pending)
	o.resent = records.Len()
	records.MoveAndAppendTo(o.pending)
}

func isResend(lr plog.LogRecord) bool {
	return strings.HasSuffix(lr.EventName(), "."+KindActive.String())
}

func removeResends(from plog.LogRecordSlice) int {
	before := from.Len()
	from.RemoveIf(isResend)
	return before - from.Len()
}

func (o *outbox) trim() {
	if over := o.pending.Len() - o.resent - maxOutbox; over > 0 {
		o.dropped += over
		o.pending.RemoveIf(func(lr plog.LogRecord) bool {
			if isResend(lr) {
				return false
			}
			over--
			return over >= 0
		})
	}
}

// take empties the outbox.
func (o *outbox) take() (all plog.LogRecordSlice, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all, o.pending, o.resent = o.pending, plog.NewLogRecordSlice(), 0
	dropped, o.dropped = o.dropped, 0
	return all, dropped
}

// putBack puts records before those that came since they were taken.
func (o *outbox) putBack(records plog.LogRecordSlice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.superseded += removeResends(records)
	o.pending.MoveAndAppendTo(records)
	o.pending = records
	o.trim()
}

// takeSuperseded returns how many re-sends were given up since the last call.
func (o *outbox) takeSuperseded() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.superseded
	o.superseded = 0
	return n
}

// send offers all that wait to next. A refusal is no error of the caller's: the
// records wait for the next call.
func (o *outbox) send(ctx context.Context, next consumer.Logs) (sent, dropped int, err error) {
	o.sending.Lock()
	defer o.sending.Unlock()
	records, dropped := o.take()
	n := records.Len()
	if n == 0 {
		return 0, dropped, nil
	}
	if next == nil {
		return 0, dropped + n, nil
	}
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName(o.scope)
	records.CopyTo(sl.LogRecords())
	err = next.ConsumeLogs(ctx, ld)
	switch {
	case err == nil:
		return n, dropped, nil
	case consumererror.IsPermanent(err):
		return 0, dropped + n, err
	}
	o.putBack(records)
	return 0, dropped, err
}
