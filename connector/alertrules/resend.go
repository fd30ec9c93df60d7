package alertrules

import (
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
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
	mu   sync.Mutex
	byID map[string]end
}

type end struct {
	event alertEvent
	told  time.Time
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
	case KindResolved:
		if _, known := d.byID[e.id]; !known && len(d.byID) >= maxEnded {
			return false
		}
		if d.byID == nil {
			d.byID = map[string]end{}
		}
		d.byID[e.id] = end{*e, now}
	}
	return true
}

// resends are the ends that are to be told again at the time at, in the order of
// their ids.
func (d *ended) resends(at, now time.Time) []alertEvent {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.byID, func(_ string, e end) bool { return now.Sub(e.told) > resendEnded })
	var all []alertEvent
	for _, id := range slices.Sorted(maps.Keys(d.byID)) {
		e := d.byID[id]
		if e.told.Equal(now) {
			continue // told this very moment
		}
		e.event.kind, e.event.at = KindActive, at
		all = append(all, e.event)
	}
	return all
}

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
	for _, g := range e.eval.groups {
		g.Alerts(func(r rules.Rule, a rules.Alert) {
			if a.State == rules.Firing && a.FiredAt.Before(at) {
				event := eventOfAlert(r, a, at)
				event.show(e.exemplars, r, a)
				events = append(events, event)
			}
		})
	}
	e.events.active(at, func(active []alertEvent) {
		events = append(events, active...)
		slices.SortStableFunc(events, func(a, b alertEvent) int { return a.compare(&b) })
		events = append(events, e.ended.resends(at, now)...)
		records := plog.NewLogRecordSlice()
		records.EnsureCapacity(len(events))
		for i := range events {
			events[i].write(records.AppendEmpty(), e.cfg.EventPrefix, e.cfg.ExternalLabels, now)
		}
		e.outbox.resend(records)
	})
}
