package rules

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// QueryFunc answers an instant query with a vector (a scalar becomes one
// element without labels).
type QueryFunc func(ctx context.Context, expr string, at time.Time) (promql.Vector, error)

// Env is what an evaluation reads from and writes to.
type Env struct {
	Query      QueryFunc
	Appendable storage.AppendableV2
}

// Group is a set of rules that are evaluated together, one after the other, so
// that a rule sees what the rules before it recorded. It is not safe for
// concurrent use.
type Group struct {
	Name, File  string
	Interval    time.Duration
	QueryOffset time.Duration
	Limit       int

	rules    []rule
	exprs    []parser.Expr
	previous []map[string]labels.Labels // per rule: the series of its last good evaluation
	last     time.Time                  // the last evaluation
	stale    []labels.Labels            // of rules that are there no longer
}

// rule is an alerting or a recording rule.
type rule interface {
	ruleName() string
	// eval returns the samples to write and, for alerts, what changed.
	eval(ctx context.Context, e evaluation) (promql.Vector, []Change, error)
}

// evaluation is the one moment that a rule is evaluated for.
type evaluation struct {
	at     time.Time // the evaluation time, which alerts carry
	offset time.Duration
	query  QueryFunc
	limit  int
	result *Result
}

func (e evaluation) queryAt() time.Time { return e.at.Add(-e.offset) }

// Failure is a rule that could not be evaluated or written.
type Failure struct {
	Rule string
	Err  error
}

// Result is what one evaluation of a group brought.
type Result struct {
	Changes   []Change
	Recorded  []promql.Sample // recorded series, with their names
	Stale     []labels.Labels // recorded series that are there no longer
	Failures  []Failure
	Evaluated int // rules
	Refused   int // alerts beyond Options.AlertsPerRule
	Unwatched int // changes of alerts for whose flap detection there was no room
}

// Eval evaluates all rules at one time. A rule that fails, even by panicking,
// keeps its state and does not hinder the others.
func (g *Group) Eval(ctx context.Context, at time.Time, env Env) Result {
	var res Result
	for i, r := range g.rules {
		if ctx.Err() != nil {
			break
		}
		res.Evaluated++
		if err := g.evalRule(ctx, i, r, at, env, &res); err != nil {
			res.Failures = append(res.Failures, Failure{Rule: r.ruleName(), Err: err})
		}
	}
	g.last = at
	if MarkStale(ctx, g.stale, at.Add(-g.QueryOffset), env.Appendable) == nil {
		g.stale = nil
	}
	return res
}

// MarkStale ends series whose rule is there no longer. That a series is refused
// is expected: another rule may give it now.
func MarkStale(ctx context.Context, gone []labels.Labels, at time.Time, to storage.AppendableV2) error {
	if len(gone) == 0 {
		return nil
	}
	app := to.AppenderV2(ctx)
	for _, ls := range gone {
		_, _ = app.Append(0, ls, 0, timestamp.FromTime(at), math.Float64frombits(value.StaleNaN), nil, nil, storage.AppendV2Options{RejectOutOfOrder: true})
	}
	return app.Commit()
}

func (g *Group) evalRule(ctx context.Context, i int, r rule, at time.Time, env Env, res *Result) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	e := evaluation{at: at, offset: g.QueryOffset, query: env.Query, limit: g.Limit, result: res}
	vec, changes, err := r.eval(ctx, e)
	// An exceeded limit is an error and ends alerts all the same.
	res.Changes = append(res.Changes, changes...)
	if err != nil {
		return err
	}
	return g.write(ctx, i, vec, e.queryAt(), env.Appendable, res)
}

// write appends a rule's samples, and stale markers for the series that it gave
// last time and gives no longer.
func (g *Group) write(ctx context.Context, i int, vec promql.Vector, at time.Time, to storage.AppendableV2, res *Result) error {
	if len(vec) == 0 && len(g.previous[i]) == 0 {
		return nil
	}
	_, records := g.rules[i].(*recording)
	app := to.AppenderV2(ctx)
	done := false
	defer func() {
		if !done {
			_ = app.Rollback() // a panic: the store waits for whoever appends
		}
	}()
	inOrder := storage.AppendV2Options{RejectOutOfOrder: true}
	returned := make(map[string]labels.Labels, len(vec))
	var errs []error
	var buf [1024]byte
	for _, s := range vec {
		var err error
		if s.H != nil {
			_, err = app.Append(0, s.Metric, 0, s.T, 0, nil, s.H, storage.AppendV2Options{})
		} else {
			_, err = app.Append(0, s.Metric, 0, s.T, s.F, nil, nil, inOrder)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("result %s: %w", s.Metric, err))
			continue
		}
		returned[string(s.Metric.Bytes(buf[:]))] = s.Metric
		if records {
			res.Recorded = append(res.Recorded, s)
		}
	}
	for key, ls := range g.previous[i] {
		if _, still := returned[key]; still {
			continue
		}
		// Refusals are expected here: another rule may give this series now.
		_, _ = app.Append(0, ls, 0, timestamp.FromTime(at), math.Float64frombits(value.StaleNaN), nil, nil, inOrder)
		if records {
			res.Stale = append(res.Stale, ls)
		}
	}
	done = true
	if err := app.Commit(); err != nil {
		return errors.Join(append(errs, err)...)
	}
	g.previous[i] = returned
	return errors.Join(errs...)
}

// Alerts calls f for each active alert (pending, firing) of each rule.
func (g *Group) Alerts(f func(r Rule, a Alert)) {
	for _, r := range g.rules {
		if ar, ok := r.(*alerting); ok {
			for _, a := range ar.active {
				f(ar.info, *a)
			}
		}
	}
}

// AlertRules lists the group's alerting rules.
func (g *Group) AlertRules() []Rule {
	var all []Rule
	for _, r := range g.rules {
		if ar, ok := r.(*alerting); ok {
			all = append(all, ar.info)
		}
	}
	return all
}

// TooManySamples tells whether a rule failed because its query would load more
// samples than one may.
func (f Failure) TooManySamples() bool {
	var tooMany promql.ErrTooManySamples
	return errors.As(f.Err, &tooMany)
}
