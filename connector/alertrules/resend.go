package alertrules

import (
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

const (
	// resendEnded is for how long an end is told again, as Prometheus does: who
	// missed it once would wait for ever.
	resendEnded = 15 * time.Minute
	// maxEnded bounds the ends that are told again.
	maxEnded = 10_000
)

// ended remembers the alerts that ended of late. It is safe for concurrent use.
type ended struct {
	mu      sync.Mutex
	byID    map[string]end
	changed bool // since it was kept last
}

type end struct {
	event alertEvent
	told  time.Time
	// record is what was told, of an end from before a restart, instead of event.
	record *plog.LogRecord
}

// again writes a re-send of an end.
func (d *end) again(lr plog.LogRecord, at, now time.Time, cfg *Config) {
	if d.record == nil {
		ev := d.event
		ev.kind, ev.at = KindActive, at
		ev.write(lr, cfg.EventPrefix, cfg.ExternalLabels, now)
		return
	}
	d.record.CopyTo(lr)
	lr.SetEventName(cfg.EventPrefix + "." + KindActive.String())
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
}

// note remembers an end, and forgets it when the alert begins again: told after
// that, the old end would end the new episode. It returns false when there is
// no room.
func (d *ended) note(e *alertEvent, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.kind {
	case KindTriggered:
		delete(d.byID, e.id)
		d.changed = true
	case KindResolved:
		if _, known := d.byID[e.id]; !known && len(d.byID) >= maxEnded {
			return false
		}
		if d.byID == nil {
			d.byID = map[string]end{}
		}
		d.byID[e.id] = end{event: *e, told: now}
		d.changed = true
	}
	return true
}

// resends are the ends that are to be told again at the time now, in the order of
// their ids.
func (d *ended) resends(now time.Time) []end {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.byID, func(_ string, e end) bool { return now.Sub(e.told) > resendEnded })
	var all []end
	for _, id := range slices.Sorted(maps.Keys(d.byID)) {
		if e := d.byID[id]; !e.told.Equal(now) { // else it is told this very moment
			all = append(all, e)
		}
	}
	return all
}

// state writes the ends as they were told, when they have changed since the last
// call or if all are asked for.
func (d *ended) state(cfg *Config, all bool) (records plog.LogRecordSlice, changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	records = plog.NewLogRecordSlice()
	if !d.changed && !all {
		return records, false
	}
	d.changed = false
	for _, e := range d.byID {
		e.again(records.AppendEmpty(), e.told, e.told, cfg)
	}
	return records, true
}

// restore goes on with ends that an engine before this one told. It leaves out
// those of alerts that fire: a begin is kept at once, and that it makes an end
// forgotten is kept with the next evaluation.
func (d *ended) restore(records plog.LogRecordSlice, fires map[string]bool, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil {
		d.byID = map[string]end{}
	}
	for _, lr := range records.All() {
		id, ok := lr.Attributes().Get(semconv.AttributeAlertID)
		told := lr.ObservedTimestamp().AsTime()
		if !ok || fires[id.AsString()] || now.Sub(told) > resendEnded || len(d.byID) >= maxEnded {
			continue
		}
		d.byID[id.AsString()] = end{told: told, record: &lr}
	}
}

// firing are the ids of the alerts that fire.
func (e *engine) firing() map[string]bool {
	ids := map[string]bool{}
	for _, g := range e.eval.groups {
		g.Alerts(func(_ rules.Rule, a rules.Alert) {
			if a.State == rules.Firing {
				ids[a.ID()] = true
			}
		})
	}
	e.events.active(time.Time{}, func(active []alertEvent) {
		for i := range active {
			ids[active[i].id] = true
		}
	})
	return ids
}

// resends tells whether anything is told again.
func (c *Config) resends() bool { return c.ResendInterval > 0 && slices.Contains(c.Emit, KindActive) }

// resend tells of all that fires and of what ended of late, if it is time. The
// event rules stand still meanwhile, so that no alert is said to fire after its
// end was told.
func (e *engine) resend(t, now time.Time) {
	s := e.eval.resend
	if s == nil {
		return
	}
	at, _, ok := s.due(t)
	if !ok {
		return
	}
	var events []alertEvent
	traces := shower{from: e.exemplars}
	for _, g := range e.eval.groups {
		g.Alerts(func(r rules.Rule, a rules.Alert) {
			if a.State == rules.Firing && a.FiredAt.Before(at) {
				event := eventOfAlert(r, a, at)
				traces.show(&event, r, a)
				events = append(events, event)
			}
		})
	}
	slices.SortStableFunc(events, func(a, b alertEvent) int { return a.compare(&b) })
	records := plog.NewLogRecordSlice()
	write := func(events []alertEvent) {
		records.EnsureCapacity(records.Len() + len(events))
		for i := range events {
			events[i].write(records.AppendEmpty(), e.cfg.EventPrefix, e.cfg.ExternalLabels, now)
		}
	}
	write(events)
	e.events.active(at, func(active []alertEvent) {
		write(active)
		for _, end := range e.ended.resends(now) {
			end.again(records.AppendEmpty(), at, now, e.cfg)
		}
		e.outbox.resend(records)
	})
}
