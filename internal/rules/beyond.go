package rules

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// beyond is what a short rule can have and Prometheus' rules have not. The zero
// value changes nothing.
type beyond struct {
	stay     string // the expression by which a firing alert goes on; empty = the rule's own
	noData   NoData
	watch    watch // of NoDataAlert
	flaps    Flaps[uint64]
	minCount bool
}

func (t *Threshold) beyond(opt Options) beyond {
	b := beyond{noData: t.NoData, minCount: t.MinCount > 0}
	b.flaps = Flaps[uint64]{Flapping: t.Flapping, Max: opt.AlertsPerRule}
	if t.RecoverAt != nil && *t.RecoverAt != t.Threshold {
		b.stay = t.expr(*t.RecoverAt)
	}
	if t.NoData == NoDataAlert {
		// The left side gives nothing once nothing came for a whole window: what was
		// never there cannot be missed before one has passed.
		b.watch = watch{expected: t.expectedGroups(), grace: t.Window, max: opt.AlertsPerRule}
	}
	return b
}

// goOn adds to what was found the alerts that go on although the rule's own
// expression does not give them, and those that missing data makes. kept are
// active alerts that this evaluation says nothing of.
func (r *alerting) goOn(ctx context.Context, found map[uint64]*Alert, e evaluation) (kept map[uint64]bool, err error) {
	b := &r.beyond
	if b.stay != "" && r.missesSome(found) {
		vec, err := e.query(ctx, b.stay, e.queryAt())
		if err != nil {
			return nil, err
		}
		staying, err := r.alertsOf(ctx, vec, e)
		if err != nil {
			return nil, err
		}
		for h, a := range staying {
			if was := r.active[h]; was != nil && was.State == Firing && found[h] == nil {
				found[h] = a
			}
		}
	}
	switch {
	case b.noData == NoDataKeepLast && r.missesSome(found):
		p, _, err := r.leftSide(ctx, e)
		if err != nil {
			return nil, err
		}
		kept = map[uint64]bool{}
		for h, a := range r.active {
			if _, there := p[a.source.Hash()]; !there && found[h] == nil {
				kept[h] = true
			}
		}
	case b.noData == NoDataAlert:
		p, there, err := r.leftSide(ctx, e)
		if err != nil {
			return nil, err
		}
		missing, refused := b.watch.look(there, p, e.at)
		e.result.Refused += refused
		if e.at.Before(r.believe.nothing) {
			missing = nil // after a restart sources need their time
		}
		lb := labels.NewBuilder(labels.EmptyLabels())
		for _, ls := range missing {
			h, a := r.alertOf(promql.Sample{Metric: ls, F: math.NaN()}, lb, e)
			if a.NoData = true; found[h] == nil {
				found[h] = a
			}
		}
	}
	return kept, nil
}

// missesSome tells whether an active alert was not found.
func (r *alerting) missesSome(found map[uint64]*Alert) bool {
	for h := range r.active {
		if found[h] == nil {
			return true
		}
	}
	return false
}

// notes are what is to be told of alerts beside their changes of state, once the
// evaluation is through with them.
type notes []struct {
	alert *Alert
	what  Note
}

func (n *notes) add(a *Alert, what Note) {
	*n = append(*n, struct {
		alert *Alert
		what  Note
	}{a, what})
}

// noData sets whether an alert is without data, and notes when it begins to be.
func (n *notes) noData(a *Alert, without bool) {
	if without && !a.NoData {
		n.add(a, NoteNoData)
	}
	a.NoData = without
}

// changedTooOften notes that an alert begins or ends.
func (r *alerting) changedTooOften(h uint64, e evaluation) bool {
	tooOften, watched := r.beyond.flaps.Change(h, e.at)
	if !watched {
		e.result.Unwatched++
	}
	return tooOften
}

// flapsOn tells whether an alert that flaps is held on. While it is, what counts
// is its condition: neither `for` nor `keep_firing_for` quiet it down.
func (r *alerting) flapsOn(h uint64, a *Alert, holds bool, at time.Time) bool {
	if holds == a.Over {
		a.Over = !holds
		r.beyond.flaps.Change(h, at)
	}
	a.Flapping = !r.beyond.flaps.Quiet(h, at)
	return a.Flapping
}
