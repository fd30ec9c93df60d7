package alertrules

import "github.com/foundation-os/otelcol-foundation/internal/rules"

// changed completes a change by what differs from what is kept.
func (v *evaluator) changed(c change) change {
	switch {
	case v.e.durable == nil || c.all:
		return c
	case c.degraded:
		c.degradations = v.e.degradations.told()
	}
	// Not with the event that tells of the end: what is told again can be missed
	// once more.
	c.ended, c.endedAnew = v.e.ended.state(v.e.cfg, false)
	for i, g := range v.groups {
		if f := g.Fingerprint(); f != v.written[i] {
			v.written[i] = f
			c.groups = append(c.groups, g.State())
		}
	}
	return c
}

// states copies the state of all groups.
func (v *evaluator) states() []rules.GroupState {
	all := make([]rules.GroupState, len(v.groups))
	v.written = make([]uint64, len(v.groups))
	for i, g := range v.groups {
		all[i], v.written[i] = g.State(), g.Fingerprint()
	}
	return all
}

// wasActive remembers the alerts of an engine before this one, so that the
// metrics end those that are active no longer.
func (v *evaluator) wasActive(groups []rules.GroupState) {
	v.lastActive = map[string]rules.Alert{}
	for i := range groups {
		for j := range groups[i].Rules {
			for _, a := range groups[i].Rules[j].Alerts {
				v.lastActive[a.ID()+a.State.String()] = a
			}
		}
	}
}

// catchUp makes evaluations due that fell into a reload.
func (v *evaluator) catchUp() {
	for i, g := range v.groups {
		if next := g.Last().Add(g.Interval); !g.Last().IsZero() && next.Before(v.schedules[i].next) {
			v.schedules[i].next = next
		}
	}
}
