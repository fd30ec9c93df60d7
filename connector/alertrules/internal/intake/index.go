package intake

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// selectors is what rules ask of the series of one name: any one may match. nil
// = no rule asks.
type selectors [][]*labels.Matcher

// match tells whether some rule selects the series.
func (s selectors) match(ls labels.Labels) bool {
next:
	for _, ms := range s {
		for _, m := range ms {
			if !m.Matches(ls.Get(m.Name)) {
				continue next
			}
		}
		return true
	}
	return false
}

// index finds selectors by the name of a series.
type index struct {
	byName map[string]selectors
	other  []splitSelector // names matched by an expression, or not at all
}

type splitSelector struct{ name, rest []*labels.Matcher }

func newIndex(all [][]*labels.Matcher) index {
	ix := index{byName: map[string]selectors{}}
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
		if (selectors{s.name}).match(labels.FromStrings(model.MetricNameLabel, equal)) {
			ix.byName[equal] = append(ix.byName[equal], s.rest)
		}
	}
	return ix
}

func (ix *index) of(name string) selectors {
	found := ix.byName[name]
	found = found[:len(found):len(found)]
	ls := labels.FromStrings(model.MetricNameLabel, name)
	for _, s := range ix.other {
		if (selectors{s.name}).match(ls) {
			found = append(found, s.rest)
		}
	}
	return found
}
