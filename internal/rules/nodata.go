package rules

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// NoData is what becomes of an alert whose left side gives nothing.
type NoData int

const (
	NoDataOK       NoData = iota // it resolves, as in Prometheus
	NoDataAlert                  // it fires
	NoDataKeepLast               // it stays as it is
)

var noDataNames = []string{"ok", "alert", "keep_last"}

func (n NoData) String() string {
	if n < 0 || int(n) >= len(noDataNames) {
		return fmt.Sprintf("NoData(%d)", int(n))
	}
	return noDataNames[n]
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *NoData) UnmarshalText(text []byte) error {
	for i, name := range noDataNames {
		if name == string(text) {
			*n = NoData(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no way to treat missing data, allowed are %s", text, strings.Join(noDataNames, ", "))
}

// goneAfter is how long a group is missed that comes no more: what was switched
// off for good would otherwise alert for ever.
const goneAfter = 24 * time.Hour

// present are the groups that the left side gives, by the hash of their labels
// without the name, with their values. NaN is no value.
type present map[uint64]float64

func (r *alerting) leftSide(ctx context.Context, e evaluation) (present, promql.Vector, error) {
	left, err := e.query(ctx, r.info.Operand.Left, e.queryAt())
	if err != nil {
		return nil, nil, err
	}
	p := make(present, len(left))
	lb := labels.NewBuilder(labels.EmptyLabels())
	kept := left[:0]
	for _, s := range left {
		if s.H != nil || math.IsNaN(s.F) {
			continue
		}
		lb.Reset(s.Metric)
		lb.Del(model.MetricNameLabel)
		s.Metric = lb.Labels()
		p[s.Metric.Hash()] = s.F
		kept = append(kept, s)
	}
	return p, kept, nil
}

// watch is the memory of `no_data: alert`: the groups that gave something, and
// when they did last.
type watch struct {
	expected []labels.Labels // groups that must be there, whether or not they ever were
	grace    time.Duration   // how long after began they may be missing
	began    time.Time
	seen     map[uint64]*group
	max      int
}

type group struct {
	labels labels.Labels
	last   time.Time
}

// look notes what is there and returns the groups that are missing.
func (w *watch) look(there promql.Vector, p present, at time.Time) (missing []labels.Labels, refused int) {
	if w.began.IsZero() {
		w.began = at
	}
	if w.seen == nil {
		w.seen = map[uint64]*group{}
	}
	for _, s := range there {
		h := s.Metric.Hash()
		g, known := w.seen[h]
		if !known {
			if w.max > 0 && len(w.seen) >= w.max {
				refused++
				continue
			}
			g = &group{labels: s.Metric}
			w.seen[h] = g
		}
		g.last = at
	}
	isExpected := map[uint64]bool{}
	for _, ls := range w.expected {
		h := ls.Hash()
		isExpected[h] = true
		if _, ok := p[h]; !ok && (w.seen[h] != nil || at.Sub(w.began) >= w.grace) {
			missing = append(missing, ls)
		}
	}
	for h, g := range w.seen {
		if _, ok := p[h]; ok || isExpected[h] {
			continue
		}
		if at.Sub(g.last) >= goneAfter {
			delete(w.seen, h)
			continue
		}
		missing = append(missing, g.labels)
	}
	return missing, refused
}

// expectedGroups are the groups that a rule has whatever comes in: the one of a
// rule that does not group, and the one whose labels all stand under where.
func (t *Threshold) expectedGroups() []labels.Labels {
	fixed := map[string]string{}
	for _, name := range t.GroupBy {
		v := t.Where[name]
		if v == "" {
			return nil
		}
		fixed[name] = v
	}
	return []labels.Labels{labels.FromMap(fixed)}
}
