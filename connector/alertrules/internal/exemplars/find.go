package exemplars

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Query asks for the worst exemplars of some series.
type Query struct {
	Selectors [][]*labels.Matcher // any one may select the series
	From, To  int64               // Unix milliseconds, To included
	Lowest    bool                // the lowest is the worst, else the highest
}

// Found is the answer: the worst exemplar of each series, from which those of a
// rule's many alerts are read. The zero value holds none. It is not safe for
// concurrent use.
type Found struct {
	lowest bool
	series []candidate
	byName map[string]*grouping
}

type candidate struct {
	labels labels.Labels
	worst  Exemplar
}

// grouping is the candidates as alerts with some label names see them.
type grouping struct {
	whole   map[string]Exemplar // of the series that have all these labels, by their values
	partial []candidate         // of those that do not
}

// Find looks through the series once.
func (s *Store) Find(q Query) *Found {
	f := &Found{lowest: q.Lowest, byName: map[string]*grouping{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, all := range s.byName {
		selectors := named(q.Selectors, name)
		if len(selectors) == 0 {
			continue
		}
		for _, sr := range all {
			if !selected(sr.labels, selectors) {
				continue
			}
			c, found := candidate{labels: sr.labels}, false
			for _, e := range sr.kept {
				if e.At > q.From && e.At <= q.To && (!found || worse(e, c.worst, q.Lowest)) {
					c.worst, found = e, true
				}
			}
			if found {
				f.series = append(f.series, c)
			}
		}
	}
	return f
}

// Worst returns the worst exemplar of the series that have no other value for a
// label of the group: what rules derive may have lost labels, and what they sum
// up has fewer. Of equal exemplars the newest is the worst.
func (f *Found) Worst(group labels.Labels) (worst Exemplar, found bool) {
	if len(f.series) == 0 {
		return worst, false
	}
	var names []string
	group.Range(func(l labels.Label) { names = append(names, l.Name) })
	g := f.grouped(names)
	worst, found = g.whole[string(group.BytesWithLabels(nil, names...))]
	for _, c := range g.partial {
		if agrees(c.labels, group) && (!found || worse(c.worst, worst, f.lowest)) {
			worst, found = c.worst, true
		}
	}
	return worst, found
}

// grouped sorts the candidates by their values of some labels, once for each set
// of names: usually all alerts of a rule have the same.
func (f *Found) grouped(names []string) *grouping {
	key := strings.Join(names, "\xff")
	if g := f.byName[key]; g != nil {
		return g
	}
	g := &grouping{whole: map[string]Exemplar{}}
	f.byName[key] = g
	for _, c := range f.series {
		if slices.ContainsFunc(names, func(n string) bool { return !c.labels.Has(n) }) {
			g.partial = append(g.partial, c)
			continue
		}
		values := string(c.labels.BytesWithLabels(nil, names...))
		if w, ok := g.whole[values]; !ok || worse(c.worst, w, f.lowest) {
			g.whole[values] = c.worst
		}
	}
	return g
}

func worse(a, b Exemplar, lowest bool) bool {
	switch {
	case a.Value != b.Value:
		return (a.Value < b.Value) == lowest
	case a.At != b.At:
		return a.At > b.At
	}
	return slices.Compare(a.Trace[:], b.Trace[:]) < 0 // some order that all replicas have
}

// named are the selectors that may mean the metric.
func named(selectors [][]*labels.Matcher, name string) [][]*labels.Matcher {
	var all [][]*labels.Matcher
	for _, ms := range selectors {
		for _, suffix := range []string{"", "_bucket", "_count", "_sum"} {
			if !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel && !m.Matches(name+suffix) }) {
				all = append(all, ms)
				break
			}
		}
	}
	return all
}

func selected(ls labels.Labels, selectors [][]*labels.Matcher) bool {
	return slices.ContainsFunc(selectors, func(ms []*labels.Matcher) bool {
		return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
			// A point's exemplars lie in all of its buckets.
			return m.Name != model.MetricNameLabel && m.Name != labels.BucketLabel && !m.Matches(ls.Get(m.Name))
		})
	})
}

func agrees(ls, group labels.Labels) bool {
	ok := true
	group.Range(func(l labels.Label) {
		if v := ls.Get(l.Name); v != "" && v != l.Value {
			ok = false
		}
	})
	return ok
}
