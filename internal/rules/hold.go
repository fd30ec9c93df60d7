package rules

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// belief says from when on a rule that goes on after a restart believes what it
// sees. Until then alerts from before do not end: an alert must not resolve
// because its window is empty.
type belief struct {
	nothing time.Time // that there is no data
	failing time.Time // that the comparison fails
}

// held lists the alerts from before a restart that are not confirmed yet and
// must not end at this evaluation, by the hash of their labels.
func (r *alerting) held(ctx context.Context, found map[uint64]*Alert, e evaluation) (map[uint64]bool, error) {
	if !e.at.Before(r.believe.nothing) && !e.at.Before(r.believe.failing) {
		return nil, nil
	}
	held := map[uint64]bool{}
	for h, a := range r.active {
		if _, holds := found[h]; !holds && a.unconfirmed {
			held[h] = true
		}
	}
	if len(held) == 0 || e.at.Before(r.believe.failing) || !r.info.Operand.Known {
		return held, nil
	}
	there, _, err := r.leftSide(ctx, e)
	if err != nil {
		return nil, err
	}
	for h := range held {
		if _, is := there[r.active[h].source.Hash()]; is {
			delete(held, h)
		}
	}
	return held, nil
}

// wait lets pending alerts from before a restart wait for as long again as nobody
// looked: that time does not count for `for`. It acts once, at the first
// evaluation.
func (r *alerting) wait(at time.Time) {
	if r.unseen.IsZero() {
		return
	}
	missed := at.Sub(r.unseen)
	r.unseen = time.Time{}
	for _, a := range r.active {
		if a.State == Pending && missed > 0 {
			a.ActiveAt = a.ActiveAt.Add(missed)
		}
	}
}

// rangesOf is how far back each alerting rule's verdict reaches: its own ranges
// and offsets, and those of the rules that record what it selects.
func rangesOf(groups []*Group, at time.Time) map[rule]time.Duration {
	type recorder struct {
		r rule
		e parser.Expr
	}
	recordedBy := map[string][]recorder{}
	for _, g := range groups {
		for i, r := range g.rules {
			if rec, ok := r.(*recording); ok {
				recordedBy[rec.name] = append(recordedBy[rec.name], recorder{r, g.exprs[i]})
			}
		}
	}
	known := map[rule]time.Duration{}
	var rangeOf func(r rule, e parser.Expr) time.Duration
	rangeOf = func(r rule, e parser.Expr) time.Duration {
		if d, ok := known[r]; ok {
			return d
		}
		known[r] = 0 // rules that need each other
		var before time.Duration
		for _, name := range namesOf(e) {
			for _, rec := range recordedBy[name] {
				before = max(before, rangeOf(rec.r, rec.e))
			}
		}
		known[r] = min(ownRange(e, at)+before, maxReach)
		return known[r]
	}
	for _, g := range groups {
		for i, r := range g.rules {
			rangeOf(r, g.exprs[i])
		}
	}
	return known
}

func ownRange(e parser.Expr, at time.Time) time.Duration {
	from, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: e, Start: at, End: at})
	if from == 0 {
		return 0
	}
	return max(0, at.Sub(timestamp.Time(from)).Round(time.Second)) // a millisecond of a range is open
}
