package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	alertsMetric   = "ALERTS"
	forStateMetric = "ALERTS_FOR_STATE"
	stateLabel     = "alertstate"
	severityLabel  = "severity"
)

var errDuplicateAlert = errors.New("vector contains metrics with the same labelset after applying alert labels")

type alerting struct {
	info        Rule
	query       string
	hold        time.Duration
	keepFiring  time.Duration
	labels      []text
	annotations []text
	static      labels.Labels // rule labels as written, for ALERTS
	maxActive   int
	expand      *expander
	active      map[uint64]*Alert

	memory memory

	// Of a rule that goes on after a restart or a reload.
	believe  belief
	unseen   time.Time // when it should have been evaluated next
	interval time.Duration
	changed  bool
	beyond   beyond
}

func newAlerting(r rulefmt.Rule, expr parser.Expr, ruleLabels map[string]string, opt Options) (*alerting, error) {
	a := &alerting{
		info:       Rule{Name: r.Alert, Severity: ruleLabels[severityLabel], Operand: operandOf(expr)},
		query:      expr.String(),
		hold:       time.Duration(r.For),
		keepFiring: time.Duration(r.KeepFiringFor),
		static:     labels.FromMap(ruleLabels),
		maxActive:  opt.AlertsPerRule,
		expand:     newExpander(r.Alert, opt),
		active:     map[uint64]*Alert{},
		memory:     memory{max: opt.AlertsPerRule},
	}
	var err error
	if a.labels, err = a.expand.parse("label", ruleLabels); err != nil {
		return nil, err
	}
	a.annotations, err = a.expand.parse("annotation", r.Annotations)
	return a, err
}

func (r *alerting) ruleName() string { return r.info.Name }

func (r *alerting) eval(ctx context.Context, e evaluation) (promql.Vector, []Change, error) {
	r.wait(e.at)
	vec, err := e.query(ctx, r.query, e.queryAt())
	if err != nil {
		return nil, nil, err
	}
	r.memory.turn()
	found, err := r.alertsOf(ctx, vec, e)
	if err != nil {
		return nil, nil, err
	}
	kept, err := r.goOn(ctx, found, e)
	if err != nil {
		return nil, nil, err
	}
	held, err := r.held(ctx, found, e)
	if err != nil {
		return nil, nil, err
	}
	var cleared []*Alert
	var notes notes
	for h, a := range r.active {
		now, holds := found[h]
		if held[h] {
			if a.State == Pending {
				a.ActiveAt = a.ActiveAt.Add(r.interval) // nobody saw it hold
			}
			continue
		}
		if kept[h] {
			notes.noData(a, true)
			continue
		}
		if holds {
			a.unconfirmed = false
			notes.noData(a, now.NoData)
			a.KeepFiringSince = time.Time{}
			if !now.NoData { // what was seen last says more than NaN
				a.Value, a.Annotations = now.Value, now.Annotations
			}
		}
		if a.Flapping {
			if r.flapsOn(h, a, holds, e.at) || holds {
				continue
			}
		} else if holds {
			continue
		} else if r.keeps(a, e.at) {
			a.NoData = false
			continue
		} else if a.State == Firing && r.changedTooOften(h, e) {
			a.Flapping, a.Over = true, true
			notes.add(a, NoteFlapping)
			continue
		}
		delete(r.active, h)
		if a.State == Firing {
			cleared = append(cleared, a)
		}
	}
	for h, a := range found {
		if _, known := r.active[h]; known {
			continue
		}
		if r.maxActive > 0 && len(r.active) >= r.maxActive {
			e.result.Refused++
			continue
		}
		r.active[h] = a
		if a.NoData {
			notes.add(a, NoteNoData)
		}
	}

	out := make(promql.Vector, 0, 2*len(r.active))
	var changes []Change
	for h, a := range r.active {
		was, isNew := a.State, a.ActiveAt.Equal(e.at)
		if a.State == Pending && a.ActiveAt.After(e.at) {
			a.ActiveAt = e.at // the clock was set back: it need not wait for the old time
		}
		if a.State == Pending && e.at.Sub(a.ActiveAt) >= r.hold && !kept[h] && !held[h] {
			a.State, a.FiredAt = Firing, e.at
		} else if a.State == Pending && isNew {
			changes = append(changes, Change{Rule: r.info, Alert: *a, At: e.at, Reason: a.Reason()})
		}
		if was != a.State {
			changes = append(changes, Change{Rule: r.info, Alert: *a, At: e.at, Reason: a.Reason()})
			if r.changedTooOften(h, e) {
				a.Flapping = true
				notes.add(a, NoteFlapping)
			}
		}
		if a.State == Firing && e.at.Sub(a.ActiveAt) < r.hold && !e.at.Before(a.FiredAt) {
			// Its `for` was made longer: as upstream, it has to wait again. Not when the
			// clock was set back, which says nothing of the alert.
			changes = append(changes, ended(r.info, a, e.at, ReasonRuleChanged))
			a.State, a.FiredAt, a.KeepFiringSince = Pending, time.Time{}, time.Time{}
		}
		state, forState := r.samples(a, e.queryAt())
		out = append(out, state, forState)
	}
	for _, n := range notes {
		changes = append(changes, Change{Rule: r.info, Alert: *n.alert, At: e.at, Reason: n.alert.Reason(), Note: n.what})
	}
	changes = append(changes, r.resolve(ctx, cleared, e)...)
	r.beyond.flaps.Forget(e.at)

	if standing := len(r.active); e.limit > 0 && standing > e.limit {
		changes = dropStarted(changes)
		for _, a := range r.active {
			if a.State == Firing && a.FiredAt.Before(e.at) {
				changes = append(changes, ended(r.info, a, e.at, ReasonLimit))
			}
		}
		clear(r.active)
		err = fmt.Errorf("exceeded limit of %d with %d alerts", e.limit, standing)
		out = nil
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(labels.Compare(a.Alert.Labels, b.Alert.Labels), cmp.Compare(a.Note, b.Note))
	})
	return out, changes, err
}

// keeps tells whether a firing alert that holds no longer goes on firing.
func (r *alerting) keeps(a *Alert, at time.Time) bool {
	if a.State != Firing || r.keepFiring <= 0 {
		return false
	}
	if a.KeepFiringSince.IsZero() {
		a.KeepFiringSince = at
	}
	return at.Sub(a.KeepFiringSince) < r.keepFiring
}

// alertsOf makes an alert of each element of the result. NaN never fires: an
// element that is NaN counts as absent, where upstream would fire on `!=` and
// on expressions without a comparison.
func (r *alerting) alertsOf(ctx context.Context, vec promql.Vector, e evaluation) (map[uint64]*Alert, error) {
	r.expand.begin(ctx, e)
	found := make(map[uint64]*Alert, len(vec))
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, s := range vec {
		if s.H == nil && math.IsNaN(s.F) {
			continue
		}
		h, a := r.alertOf(s, lb, e)
		if _, dup := found[h]; dup {
			return nil, errDuplicateAlert
		}
		found[h] = a
	}
	return found, nil
}

// resolve makes the changes of alerts that fire no longer. A comparison gives
// nothing once it fails, so the value at the end is that of its left side.
func (r *alerting) resolve(ctx context.Context, cleared []*Alert, e evaluation) []Change {
	if len(cleared) == 0 {
		return nil
	}
	changes := make([]Change, 0, len(cleared))
	var values present
	known := false
	if r.info.Operand.Known {
		var err error
		values, _, err = r.leftSide(ctx, e)
		known = err == nil
	}
	for _, a := range cleared {
		reason := ReasonCleared
		if v, ok := values[a.source.Hash()]; ok {
			a.Value = v
			if r.beyond.minCount && r.info.Operand.holds(v) {
				reason = ReasonTooFew
			}
		} else if known {
			reason = ReasonNoData
			if a.NoData {
				reason = ReasonGone
			}
		}
		if r.changed && a.unconfirmed {
			reason = ReasonRuleChanged
		}
		a.NoData, a.Flapping, a.Over = false, false, false
		changes = append(changes, ended(r.info, a, e.at, reason))
	}
	return changes
}

func ended(r Rule, a *Alert, at time.Time, reason string) Change {
	c := Change{Rule: r, Alert: *a, At: at, Reason: reason}
	c.Alert.State = Resolved
	return c
}

// dropStarted keeps the ends only: what a limit ends at once never started.
func dropStarted(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool { return c.Alert.State != Resolved })
}
