package rules

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// InOrder sorts groups so that one that records a series comes before those
// that select it by name: at one evaluation time a rule then sees what was
// recorded for that time, and not for the one before. Groups that need each
// other, and groups that have nothing to do with each other, keep their order.
func InOrder(groups []*Group) []*Group {
	recordedBy := map[string][]int{}
	for i, g := range groups {
		for _, r := range g.rules {
			if rec, ok := r.(*recording); ok {
				recordedBy[rec.name] = append(recordedBy[rec.name], i)
			}
		}
	}
	const (
		unseen = iota
		open
		placed
	)
	state := make([]int, len(groups))
	ordered := make([]*Group, 0, len(groups))
	var place func(i int)
	place = func(i int) {
		if state[i] != unseen {
			return
		}
		state[i] = open
		for _, e := range groups[i].exprs {
			for _, name := range namesOf(e) {
				for _, first := range recordedBy[name] {
					place(first)
				}
			}
		}
		state[i] = placed
		ordered = append(ordered, groups[i])
	}
	for i := range groups {
		place(i)
	}
	return ordered
}

func namesOf(e parser.Expr) []string {
	var names []string
	for _, ms := range selectorsOf(e) {
		for _, m := range ms {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				names = append(names, m.Value)
			}
		}
	}
	return names
}
