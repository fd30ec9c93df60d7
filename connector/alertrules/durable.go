package alertrules

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// durable keeps the state in a storage. An event and the change that it tells of
// are written together, before the event is handed on: a collector that is killed
// before has seen nothing, and one that is killed after tells it again, under the
// same ids. It is safe for concurrent use.
type durable struct {
	kv     keyValues
	tel    *metadata.TelemetryBuilder
	clock  func() time.Time
	outbox *outbox

	mu     sync.Mutex
	behind bool            // something could not be written: the next evaluation writes all
	groups map[string]bool // keys
	events map[string]bool
}

// change is what has changed, and is written together.
type change struct {
	all          bool // all there is, not only what has changed
	groups       []rules.GroupState
	events       []keptEvents
	degradations []*degraded
	degraded     bool // degradations have changed
	ended        plog.LogRecordSlice
	endedAnew    bool     // ended has changed
	gone         []string // keys
}

// commit writes a change with the events that tell of it, which go into the
// outbox whether they could be written or not: an alert that a full disk keeps
// back would be worse than one that is told twice.
func (d *durable) commit(ctx context.Context, records plog.LogRecordSlice, c change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ops []*storage.Operation
	set := func(key string, payload func([]byte) []byte) {
		ops = append(ops, storage.SetOperation(key, seal(key, payload)))
	}
	if c.all {
		clear(d.groups)
		clear(d.events)
	}
	for i := range c.groups {
		key := keyOfGroup(c.groups[i].File, c.groups[i].Name)
		set(key, c.groups[i].Append)
		d.groups[key] = true
	}
	for i := range c.events {
		key := keyOfEvents(&c.events[i].cfg)
		set(key, c.events[i].append)
		d.events[key] = true
	}
	if c.degraded || c.all {
		set(keyDegradations, func(b []byte) []byte { return appendDegraded(b, c.degradations) })
	}
	if c.endedAnew {
		set(keyEnded, func(b []byte) []byte { return appendRecords(b, c.ended) })
	}
	for _, key := range c.gone {
		ops = append(ops, storage.DeleteOperation(key))
	}
	own := d.outbox.letter(records)
	letters, gone, first, next := d.outbox.unwritten()
	if !c.all {
		// One that could not be written with its state waits until all is written.
		letters = nil
	}
	if own.records.Len() > 0 {
		letters = append(letters, own)
		first = min(first, own.number)
	}
	for _, l := range letters {
		set(keyOfLetter(l.number), func(b []byte) []byte { return appendRecords(b, l.records) })
	}
	for _, number := range gone {
		ops = append(ops, storage.DeleteOperation(keyOfLetter(number)))
	}
	h := head{heard: d.clock(), groups: slices.Sorted(maps.Keys(d.groups)), events: slices.Sorted(maps.Keys(d.events)), first: first, next: next}
	set(keyHead, h.append)

	err := d.kv.batch(ctx, ops)
	d.kv.tell(err, d.clock())
	own.stored = err == nil
	if own.records.Len() > 0 {
		d.outbox.post(own)
	}
	if err != nil {
		d.behind = true
		d.tel.AlertRulesSaveErrors.Add(ctx, 1)
		return
	}
	if c.all {
		d.behind = false
	}
	d.outbox.written(letters, gone)
	d.tel.AlertRulesSaves.Add(ctx, 1)
}

// isBehind tells that the next change must be everything.
func (d *durable) isBehind() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.behind
}

// keep remembers events and the change that they tell of.
func (e *engine) keep(ctx context.Context, records plog.LogRecordSlice, c change) {
	if e.durable == nil {
		e.outbox.add(records)
		return
	}
	// What has happened is kept also when who caused it does not wait.
	e.durable.commit(context.WithoutCancel(ctx), records, c)
}

// keepAll remembers events with all there is, and forgets old keys that are not
// among it.
func (e *engine) keepAll(ctx context.Context, records plog.LogRecordSlice, old []string) {
	if e.durable == nil {
		e.outbox.add(records)
		return
	}
	e.events.whole(func(events []keptEvents) {
		c := change{all: true, groups: e.eval.states(), events: events}
		if e.degradations != nil {
			c.degradations = e.degradations.told()
		}
		c.ended, c.endedAnew = e.ended.state(e.cfg, true)
		now := map[string]bool{}
		for i := range c.groups {
			now[keyOfGroup(c.groups[i].File, c.groups[i].Name)] = true
		}
		for i := range events {
			now[keyOfEvents(&events[i].cfg)] = true
		}
		for _, key := range old {
			if !now[key] {
				c.gone = append(c.gone, key)
			}
		}
		e.keep(ctx, records, c)
	})
}

// deliver offers the events that wait, and forgets those that were taken.
func (e *engine) deliver(ctx context.Context, next consumer.Logs) {
	e.flush(ctx, next)
	switch {
	case e.durable == nil:
		e.outbox.forget()
	case e.outbox.anyGone():
		e.durable.commit(context.WithoutCancel(ctx), plog.NewLogRecordSlice(), change{})
	}
}
