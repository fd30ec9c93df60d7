package rules

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/timestamp"
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

// Rule tells of an alerting rule what its alerts share.
type Rule struct {
	Name     string
	Severity string // the label severity as written; may be a template
	Operand  Operand
}

// State of an active alert.
type State int

const (
	Pending State = iota // true, but not yet for as long as the rule's `for`
	Firing
	Resolved // an alert in a Change only: resolved alerts are not active
)

func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Firing:
		return "firing"
	case Resolved:
		return "resolved"
	}
	return "State(" + strconv.Itoa(int(s)) + ")"
}

// Alert is one label set for which a rule's expression holds.
type Alert struct {
	State           State
	Labels          labels.Labels
	Annotations     labels.Labels
	Value           float64 // at the last evaluation at which it held
	ActiveAt        time.Time
	FiredAt         time.Time
	KeepFiringSince time.Time

	source      labels.Labels // the element's own labels without the name
	unconfirmed bool          // from before a restart, and not seen since
}

// Severity is the alert's label severity.
func (a *Alert) Severity() string { return a.Labels.Get(severityLabel) }

// ID identifies the alert over all its episodes: a hash of its labels that is
// the same in every replica and release.
func (a *Alert) ID() string { return id(labels.StableHash(a.Labels)) }

// EpisodeID identifies the time from firing to resolving.
func (a *Alert) EpisodeID() string { return EpisodeID(a.ID(), a.FiredAt) }

// Reasons of a Change to Resolved.
const (
	ReasonCleared = "condition_cleared" // the left side is there and its comparison fails
	ReasonNoData  = "no_data"           // the left side gives nothing any more
	ReasonLimit   = "limit_exceeded"    // the group's limit ended all alerts of the rule
	ReasonMet     = "condition_met"     // of a Change to Firing

	ReasonRuleChanged = "rule_changed" // it does not hold by what its rule says since a reload
	ReasonRuleRemoved = "rule_removed" // its rule is there no longer, or has another name or other labels
)

// Change is an alert's transition at an evaluation.
type Change struct {
	Rule   Rule
	Alert  Alert // with its new State
	At     time.Time
	Reason string // of Firing and Resolved
}

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

	// Of a rule that goes on after a restart or a reload.
	believe belief
	unseen  time.Time // when it should have been evaluated next
	changed bool
}

func newAlerting(r rulefmt.Rule, expr parser.Expr, ruleLabels map[string]string, opt Options) (*alerting, error) {
	a := &alerting{
		info:       Rule{Name: r.Alert, Severity: ruleLabels[severityLabel], Operand: operandOf(expr)},
		query:      expr.String(),
		hold:       time.Duration(r.For),
		keepFiring: time.Duration(r.KeepFiringFor),
		static:     labels.FromMap(ruleLabels),
		maxActive:  opt.AlertsPerRule,
		expand:     newExpander(r.Alert, opt.ExternalLabels),
		active:     map[uint64]*Alert{},
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
	vec, err := e.query(ctx, r.query, e.queryAt())
	if err != nil {
		return nil, nil, err
	}
	found, err := r.alertsOf(ctx, vec, e)
	if err != nil {
		return nil, nil, err
	}
	held, err := r.held(ctx, found, e)
	if err != nil {
		return nil, nil, err
	}
	var cleared []*Alert
	for h, a := range r.active {
		if now, holds := found[h]; holds {
			a.Value, a.Annotations, a.KeepFiringSince = now.Value, now.Annotations, time.Time{}
			a.confirm(e.at, r.unseen)
		} else if held[h] {
			continue
		} else if !r.keeps(a, e.at) {
			delete(r.active, h)
			if a.State == Firing {
				cleared = append(cleared, a)
			}
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
	}

	var out promql.Vector
	var changes []Change
	for h, a := range r.active {
		was, isNew := a.State, a.ActiveAt.Equal(e.at)
		if a.State == Pending && !held[h] && e.at.Sub(a.ActiveAt) >= r.hold {
			a.State, a.FiredAt = Firing, e.at
		} else if a.State == Pending && isNew {
			changes = append(changes, Change{Rule: r.info, Alert: *a, At: e.at, Reason: ReasonMet})
		}
		if was != a.State {
			changes = append(changes, Change{Rule: r.info, Alert: *a, At: e.at, Reason: ReasonMet})
		}
		out = append(out, r.sample(a, e.queryAt()), r.forState(a, e.queryAt()))
	}
	changes = append(changes, r.resolve(ctx, cleared, e)...)

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
	slices.SortFunc(changes, func(a, b Change) int { return labels.Compare(a.Alert.Labels, b.Alert.Labels) })
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
	found := make(map[uint64]*Alert, len(vec))
	lb := labels.NewBuilder(labels.EmptyLabels())
	for _, s := range vec {
		if s.H == nil && math.IsNaN(s.F) {
			continue
		}
		x := r.expand.on(ctx, s, e)
		lb.Reset(s.Metric)
		lb.Del(model.MetricNameLabel)
		source := lb.Labels()
		for _, l := range r.labels {
			lb.Set(l.name, x.expand(l))
		}
		lb.Set(labels.AlertName, r.info.Name)
		ls := lb.Labels()
		h := ls.Hash()
		if _, dup := found[h]; dup {
			return nil, errDuplicateAlert
		}
		annotations := labels.NewScratchBuilder(len(r.annotations))
		for _, a := range r.annotations {
			annotations.Add(a.name, x.expand(a))
		}
		found[h] = &Alert{Labels: ls, Annotations: annotations.Labels(), ActiveAt: e.at, Value: s.F, source: source}
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
	var left promql.Vector
	known := false
	if r.info.Operand.Known {
		var err error
		left, err = e.query(ctx, r.info.Operand.Left, e.queryAt())
		known = err == nil
	}
	lb := labels.NewBuilder(labels.EmptyLabels())
	values := make(map[uint64]float64, len(left))
	for _, s := range left {
		if s.H != nil || math.IsNaN(s.F) {
			continue
		}
		lb.Reset(s.Metric)
		lb.Del(model.MetricNameLabel)
		values[lb.Labels().Hash()] = s.F
	}
	for _, a := range cleared {
		reason := ReasonCleared
		if v, ok := values[a.source.Hash()]; ok {
			a.Value = v
		} else if known {
			reason = ReasonNoData
		}
		if r.changed && a.unconfirmed {
			reason = ReasonRuleChanged
		}
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

func (r *alerting) sample(a *Alert, at time.Time) promql.Sample {
	lb := r.stateLabels(a, alertsMetric)
	lb.Set(stateLabel, a.State.String())
	return promql.Sample{Metric: lb.Labels(), T: timestamp.FromTime(at), F: 1}
}

func (r *alerting) forState(a *Alert, at time.Time) promql.Sample {
	return promql.Sample{Metric: r.stateLabels(a, forStateMetric).Labels(), T: timestamp.FromTime(at), F: float64(a.ActiveAt.Unix())}
}

// stateLabels are the labels of ALERTS and ALERTS_FOR_STATE. The rule's labels
// lie below the alert's because a label that a template expanded to nothing is
// missing there, and upstream writes it as it stands in the rule.
func (r *alerting) stateLabels(a *Alert, metric string) *labels.Builder {
	lb := labels.NewBuilder(r.static)
	a.Labels.Range(func(l labels.Label) { lb.Set(l.Name, l.Value) })
	lb.Set(model.MetricNameLabel, metric)
	lb.Set(labels.AlertName, r.info.Name)
	return lb
}
