package rules

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Recovery says how the time before is missing when groups go on.
type Recovery struct {
	// At is when they go on.
	At time.Time
	// Blind is for how long before At no samples were taken in.
	Blind time.Duration
	// Samples tells that the samples from before are there.
	Samples bool
	// Patience is for how long after At missing data proves nothing, since
	// sources may not have sent yet. 0 when none of them can have noticed.
	Patience time.Duration
}

// Resumed is what became of the states that Resume was given.
type Resumed struct {
	Alerts int // that go on
	// Ended are the ends of firing alerts whose rule is there no longer.
	Ended []Change
	// Stale are series of groups that are there no longer.
	Stale []labels.Labels
}

// Resume lets groups go on where the states were left. A rule is the same one
// when file, group, name and labels are; where several are alike, their order
// counts. What else was changed in it counts from the next evaluation on.
func Resume(groups []*Group, left []GroupState, rec Recovery) Resumed {
	type key struct{ file, name string }
	byKey := map[key]*Group{}
	for _, g := range groups {
		byKey[key{g.File, g.Name}] = g
	}
	ranges := rangesOf(groups, rec.At)
	var res Resumed
	for i := range left {
		g := byKey[key{left[i].File, left[i].Name}]
		if g == nil {
			for j := range left[i].Rules {
				res.Stale = append(res.Stale, left[i].Rules[j].series()...)
				res.end(&left[i].Rules[j], rec.At)
			}
			continue
		}
		g.resume(&left[i], rec, ranges, &res)
	}
	return res
}

func (g *Group) resume(left *GroupState, rec Recovery, ranges map[rule]time.Duration, res *Resumed) {
	g.last = left.Last
	taken := make([]bool, len(g.rules))
	var gone []*RuleState
next:
	for i := range left.Rules {
		from := &left.Rules[i]
		for j, r := range g.rules {
			own := g.identity(j)
			if taken[j] || !own.same(from) {
				continue
			}
			taken[j] = true
			g.previous[j] = map[string]labels.Labels{}
			for _, ls := range from.series() {
				g.previous[j][string(ls.Bytes(nil))] = ls
			}
			if ar, ok := r.(*alerting); ok {
				if !left.Last.IsZero() {
					ar.unseen, ar.interval = left.Last.Add(g.Interval), g.Interval
				}
				ar.resume(from, rec, own.Text != from.Text, ranges[r])
				res.Alerts += len(from.Alerts)
			}
			continue next
		}
		gone = append(gone, from)
		res.end(from, rec.At)
	}
	for i := range left.Rules {
		// Of rules that are alike all series end when one of them is gone, as
		// upstream has it; what another gives on is written again.
		if slices.ContainsFunc(gone, left.Rules[i].same) {
			g.stale = append(g.stale, left.Rules[i].series()...)
		}
	}
}

func (r *alerting) resume(from *RuleState, rec Recovery, changed bool, window time.Duration) {
	r.changed = changed
	r.beyond.resume(from)
	r.believe = belief{}
	if rec.Patience > 0 {
		r.believe.nothing = rec.At.Add(rec.Patience)
	}
	// A gap of a tenth of what the rule looks at changes no verdict much.
	if window > 0 && (!rec.Samples || rec.Blind > window/10) {
		r.believe.failing = rec.At.Add(window)
	}
	for _, a := range from.Alerts {
		a.unconfirmed, a.series = true, alertSeries{} // made of the old rule's labels
		r.active[a.Labels.Hash()] = &a
	}
}

func (res *Resumed) end(s *RuleState, at time.Time) {
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.State == Firing {
			res.Ended = append(res.Ended, ended(s.Info, a, at, ReasonRuleRemoved))
		}
	}
}

// series are those that the rule wrote at its last evaluation.
func (s *RuleState) series() []labels.Labels {
	var all []labels.Labels
	if s.previous != nil || s.records {
		for _, ls := range s.previous {
			all = append(all, ls)
		}
		return all
	}
	r := alerting{info: s.Info, static: s.Labels}
	for i := range s.Alerts {
		state, forState := r.samples(&s.Alerts[i], time.Time{})
		all = append(all, state.Metric, forState.Metric)
	}
	return all
}
