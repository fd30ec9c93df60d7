package intake

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// index finds selectors by the name of a series.
type index struct {
	byName map[string][][]*labels.Matcher
	other  []splitSelector // names matched by an expression, or not at all
}

type splitSelector struct{ name, rest []*labels.Matcher }

func newIndex(all [][]*labels.Matcher) index {
	ix := index{byName: map[string][][]*labels.Matcher{}}
	for _, ms := range all {
		equal := ""
		var s splitSelector
		for _, m := range ms {
			switch {
			case m.Name != model.MetricNameLabel:
				s.rest = append(s.rest, m)
			case m.Type == labels.MatchEqual && equal == "":
				equal = m.Value
			default:
				s.name = append(s.name, m)
			}
		}
		if equal == "" {
			ix.other = append(ix.other, s)
			continue
		}
		// Several matchers on the name: all of them must hold.
		if anyMatches([][]*labels.Matcher{s.name}, labels.FromStrings(model.MetricNameLabel, equal)) {
			ix.byName[equal] = append(ix.byName[equal], s.rest)
		}
	}
	return ix
}

// of is called once for each name, and not for each point.
func (ix *index) of(name string) *selectors {
	found := ix.byName[name]
	found = found[:len(found):len(found)]
	ls := labels.FromStrings(model.MetricNameLabel, name)
	for _, s := range ix.other {
		if anyMatches([][]*labels.Matcher{s.name}, ls) {
			found = append(found, s.rest)
		}
	}
	return newSelectors(found)
}
