package rules

import (
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Rule tells of an alerting rule what its alerts share.
type Rule struct {
	Name     string
	Severity string // the label severity as written; may be a template
	Operand  Operand
	Sources  *Sources // nil before LinkSources
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
	Value           float64 // at the last evaluation at which it held; NaN without data
	ActiveAt        time.Time
	FiredAt         time.Time
	KeepFiringSince time.Time

	// Beyond Prometheus; always false for rules from files.
	NoData   bool // active although its left side gives nothing
	Flapping bool // held firing because it changed too often
	Over     bool // of one that flaps: its condition does not hold now

	source      labels.Labels // the element's own labels without the name
	unconfirmed bool          // from before a restart, and not seen since
	series      alertSeries
}

// Source are the labels of the element that the alert was made of, without its
// name and without what the rule adds.
func (a *Alert) Source() labels.Labels { return a.source }

// Reason is why the alert is active.
func (a *Alert) Reason() string {
	if a.NoData {
		return ReasonNoData
	}
	return ReasonMet
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
	ReasonTooFew  = "too_few_samples"   // the comparison holds, but of fewer samples than MinCount
	ReasonGone    = "gone"              // nothing came for so long that nothing is expected any more
	ReasonLimit   = "limit_exceeded"    // the group's limit ended all alerts of the rule
	ReasonMet     = "condition_met"     // of a Change to Firing

	ReasonRuleChanged = "rule_changed" // it does not hold by what its rule says since a reload
	ReasonRuleRemoved = "rule_removed" // its rule is there no longer, or has another name or other labels
)

// Note is what a Change tells that is no change of state.
type Note int

const (
	NoteNone     Note = iota
	NoteNoData        // the alert's left side began to give nothing
	NoteFlapping      // the alert is held firing from now on
)

// Change is an alert's transition at an evaluation.
type Change struct {
	Rule   Rule
	Alert  Alert // with its new State
	At     time.Time
	Reason string
	Note   Note // not NoteNone: the state is as it was
}
