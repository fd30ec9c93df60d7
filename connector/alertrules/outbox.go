package alertrules

import (
	"context"
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
	mu      sync.Mutex
	scope   string
	pending plog.LogRecordSlice
}

func newOutbox(scope string) *outbox {
	return &outbox{scope: scope, pending: plog.NewLogRecordSlice()}
}

// send adds records and offers all that wait to next. What is beyond the bound
// is dropped, the oldest first. A refusal is no error of the caller's: the
// records wait for the next call.
func (o *outbox) send(ctx context.Context, next consumer.Logs, records plog.LogRecordSlice) (sent, dropped int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	records.MoveAndAppendTo(o.pending)
	if over := o.pending.Len() - maxOutbox; over > 0 {
		dropped = over
		o.pending.RemoveIf(func(plog.LogRecord) bool {
			over--
			return over >= 0
		})
	}
	if o.pending.Len() == 0 {
		return 0, dropped, nil
	}
	if next == nil {
		n := o.pending.Len()
		o.pending = plog.NewLogRecordSlice()
		return 0, dropped + n, nil
	}
	ld := plog.NewLogs()
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName(o.scope)
	o.pending.CopyTo(sl.LogRecords())
	n := o.pending.Len()
	if err := next.ConsumeLogs(ctx, ld); err != nil {
		if !consumererror.IsPermanent(err) {
			return 0, dropped, err
		}
		o.pending = plog.NewLogRecordSlice()
		return 0, dropped + n, err
	}
	o.pending = plog.NewLogRecordSlice()
	return n, dropped, nil
}
