package alertrules

import (
	"time"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/episodes"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// changed copies the state of the rules that have changed since the last call.
// Its caller holds the lock.
func (er *eventRules) changed() []keptEvents {
	var list []keptEvents
	for _, r := range er.rules {
		if r.changed {
			list = append(list, keptEvents{cfg: r.cfg, episodes: r.tracker.Keep()})
			r.changed = false
		}
	}
	return list
}

// whole calls f with the state of all rules, before it can change again.
func (er *eventRules) whole(f func([]keptEvents)) {
	er.mu.Lock()
	defer er.mu.Unlock()
	for _, r := range er.rules {
		r.changed = true
	}
	f(er.changed())
}

// restore goes on with what was kept; deaf is for how long nobody listened. It
// returns how many alerts go on and the ends of those whose rule is there no
// longer.
func (er *eventRules) restore(kept []keptEvents, deaf time.Duration, now time.Time) (alerts int, ended []alertEvent) {
	er.mu.Lock()
	defer er.mu.Unlock()
	byKey := map[string]*eventRule{}
	for _, r := range er.rules {
		byKey[keyOfEvents(&r.cfg)] = r
	}
	for i := range kept {
		k := &kept[i]
		if r := byKey[keyOfEvents(&k.cfg)]; r != nil {
			r.tracker.Restore(k.episodes, deaf)
			alerts += len(k.episodes.Episodes)
			continue
		}
		gone := newEventRule(&k.cfg, 0)
		gone.tracker.Restore(k.episodes, 0)
		gone.tracker.Each(func(ep episodes.Episode) {
			ended = append(ended, gone.event(ep, KindResolved, now, rules.ReasonRuleRemoved))
		})
	}
	return alerts, ended
}
