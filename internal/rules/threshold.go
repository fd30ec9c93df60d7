package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

// Threshold is the short form of an alerting rule: one metric, one aggregate
// over a window, one comparison. It compiles to PromQL, so that there is one
// evaluation path.
type Threshold struct {
	Name          string
	Metric        string
	Where         map[string]string // labels that must be equal
	Aggregate     Aggregate
	Window        time.Duration
	GroupBy       []string
	Op            Op
	Threshold     float64
	RecoverAt     *float64 // nil = Threshold
	NoData        NoData
	Flapping      Flapping
	MinCount      int
	For           time.Duration
	KeepFiringFor time.Duration
	Labels        map[string]string // the alert's, severity among them
	Annotations   map[string]string
}

// Aggregate folds the samples of a window.
type Aggregate int

const (
	AggUnset Aggregate = iota
	AggAvg
	AggMin
	AggMax
	AggSum
	AggCount
	AggLast
	AggRate
	AggIncrease
	AggP50
	AggP90
	AggP95
	AggP99
)

const aggregatesAllowed = "avg, min, max, sum, count, last, rate, increase, p50, p90, p95, p99"

func (a Aggregate) String() string {
	names := strings.Split(aggregatesAllowed, ", ")
	if a <= AggUnset || int(a) > len(names) {
		return ""
	}
	return names[a-1]
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Aggregate) UnmarshalText(text []byte) error {
	i := slices.Index(strings.Split(aggregatesAllowed, ", "), string(text))
	if i < 0 {
		return fmt.Errorf("%q is no aggregate, allowed are %s", text, aggregatesAllowed)
	}
	*a = Aggregate(i + 1)
	return nil
}

// quantile is the rank of the pNN aggregates.
func (a Aggregate) quantile() (float64, bool) {
	switch a {
	case AggP50:
		return 0.5, true
	case AggP90:
		return 0.9, true
	case AggP95:
		return 0.95, true
	case AggP99:
		return 0.99, true
	}
	return 0, false
}

// Validate reports everything that is wrong, each beginning with the field.
func (t *Threshold) Validate() error {
	var errs []error
	if t.Name == "" {
		errs = append(errs, errors.New("name: is empty, must name the alert"))
	}
	if t.Metric == "" {
		errs = append(errs, errors.New("metric: is empty, must name a metric"))
	}
	if t.Op == OpUnset {
		errs = append(errs, fmt.Errorf("op: is missing, must be one of %s", opsAllowed))
	}
	if t.Aggregate == AggUnset {
		errs = append(errs, fmt.Errorf("aggregate: is missing, must be one of %s", aggregatesAllowed))
	}
	if t.Threshold != t.Threshold {
		errs = append(errs, errors.New("threshold: is NaN, must be a number"))
	}
	if t.Window < time.Millisecond {
		errs = append(errs, fmt.Errorf("window: %s is too short, must be at least 1ms", t.Window))
	}
	for _, k := range slices.Sorted(maps.Keys(t.Where)) {
		switch k {
		case "":
			errs = append(errs, errors.New("where: holds an empty name, must hold names of labels"))
		case model.MetricNameLabel:
			errs = append(errs, fmt.Errorf("where: %q is the metric's name, must stand under metric", k))
		}
	}
	for i, g := range t.GroupBy {
		_, own := t.Labels[g]
		switch {
		case g == "":
			errs = append(errs, fmt.Errorf("group_by[%d]: is empty, must name a label", i))
		case own || g == model.AlertNameLabel:
			errs = append(errs, fmt.Errorf("group_by[%d]: %q is the rule's own label, must be another", i, g))
		}
	}
	errs = append(errs, t.validateRecoverAt())
	if err := t.Flapping.Validate(); err != nil {
		errs = append(errs, prefixed("flapping.", err))
	}
	if t.MinCount < 0 {
		errs = append(errs, fmt.Errorf("min_count: %d is negative, must be 0 (off) or more", t.MinCount))
	}
	if t.For < 0 {
		errs = append(errs, fmt.Errorf("for: %s is negative, must be 0s or more", t.For))
	}
	if t.KeepFiringFor < 0 {
		errs = append(errs, fmt.Errorf("keep_firing_for: %s is negative, must be 0s or more", t.KeepFiringFor))
	}
	return errors.Join(errs...)
}

func (t *Threshold) validateRecoverAt() error {
	if t.RecoverAt == nil {
		return nil
	}
	at, wrong := *t.RecoverAt, ""
	switch t.Op {
	case OpGT, OpGTE:
		if !(at <= t.Threshold) {
			wrong = "less"
		}
	case OpLT, OpLTE:
		if !(at >= t.Threshold) {
			wrong = "more"
		}
	case OpEQ, OpNEQ:
		return fmt.Errorf("recover_at: %s has no side to recover on, op must be one of gt, gte, lt, lte", t.Op)
	}
	if wrong == "" {
		return nil
	}
	return fmt.Errorf("recover_at: %v is on the wrong side of the threshold, must be %v or %s with %s", at, t.Threshold, wrong, t.Op)
}

// Expr is the rule as PromQL.
func (t *Threshold) Expr() string { return t.expr(t.Threshold) }

// expr is the rule with some threshold.
func (t *Threshold) expr(threshold float64) string {
	m, w := t.selector(""), "["+model.Duration(t.Window).String()+"]"
	by := t.by()
	over := func(outer, f string) string { return outer + by + "(" + f + "(" + m + w + "))" }
	samples := over("sum", "count_over_time")
	enough := samples
	var value string
	switch t.Aggregate {
	case AggAvg:
		value = over("sum", "sum_over_time") + " / " + samples
	case AggMin:
		value = over("min", "min_over_time")
	case AggMax:
		value = over("max", "max_over_time")
	case AggSum:
		value = over("sum", "sum_over_time")
	case AggCount:
		value = samples
	case AggLast:
		value = over("avg", "last_over_time")
	case AggRate:
		value = over("sum", "rate")
	case AggIncrease:
		value = over("sum", "increase")
	default:
		// What kind of metric it is shows only in the data: the three forms
		// exclude each other, since each gives nothing for the other kinds.
		q, _ := t.Aggregate.quantile()
		rank := strconv.FormatFloat(q, 'g', -1, 64)
		value = "(histogram_quantile(" + rank + ", sum" + t.by("le") + "(rate(" + t.selector("_bucket") + w + ")))" +
			" or histogram_quantile(" + rank + ", sum" + by + "(rate(" + m + w + ")))" +
			" or max" + by + "(quantile_over_time(" + rank + ", " + m + w + ")))"
		enough = "(sum" + by + "(increase(" + t.selector("_count") + w + "))" +
			" or histogram_count(" + over("sum", "increase") + ")" +
			" or " + samples + ")"
	}
	_, token := t.Op.row()
	expr := value + " " + token.String() + " " + strconv.FormatFloat(threshold, 'g', -1, 64)
	if t.MinCount > 0 {
		expr += " and " + enough + " >= " + strconv.Itoa(t.MinCount)
	}
	return expr
}

// selector writes every name quoted, which is legal for all UTF-8 names.
func (t *Threshold) selector(suffix string) string {
	parts := []string{strconv.Quote(t.Metric + suffix)}
	for _, k := range slices.Sorted(maps.Keys(t.Where)) {
		parts = append(parts, strconv.Quote(k)+"="+strconv.Quote(t.Where[k]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (t *Threshold) by(first ...string) string {
	names := slices.Concat(first, t.GroupBy)
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return " by (" + strings.Join(quoted, ", ") + ") "
}

// Compile makes one group of short rules, in their order. Each error begins
// with the rule's path below the list's: rules[2] ("Name").op.
func Compile(name, file, list string, ts []Threshold, opt Options) (*Group, error) {
	g := &Group{Name: name, File: file, Interval: opt.Interval}
	p := NewParser()
	var errs []error
	for i := range ts {
		t := &ts[i]
		if err := t.Validate(); err != nil {
			errs = append(errs, prefixed(fmt.Sprintf("%s[%d] (%q).", list, i, t.Name), err))
			continue
		}
		r := rulefmt.Rule{
			Alert:         t.Name,
			Expr:          t.Expr(),
			For:           model.Duration(t.For),
			KeepFiringFor: model.Duration(t.KeepFiringFor),
			Labels:        t.Labels,
			Annotations:   t.Annotations,
		}
		before := len(errs)
		for _, e := range r.Validate(rulefmt.RuleNode{}, model.UTF8Validation, p) {
			errs = append(errs, fmt.Errorf("%s[%d] (%q): %w", list, i, t.Name, e.Unwrap()))
		}
		if len(errs) > before {
			continue
		}
		if err := g.add(r, nil, opt, p); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d] (%q): %w", list, i, t.Name, err))
			continue
		}
		a := g.rules[len(g.rules)-1].(*alerting)
		// The metric is known here even where the expression begins with another
		// form of its name.
		a.info.Operand.Metric = t.Metric
		a.beyond = t.beyond(opt)
	}
	return g, errors.Join(errs...)
}

// prefixed puts a prefix before each of joined errors.
func prefixed(prefix string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s%w", prefix, err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, fmt.Errorf("%s%w", prefix, e))
	}
	return errors.Join(errs...)
}
