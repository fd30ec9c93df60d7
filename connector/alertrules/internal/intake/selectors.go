package intake

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// selectors is what rules ask of the series of one name: any one may match. nil
// = no rule asks.
//
// Rules by the thousand that ask for one name differ by the value of a label,
// so the selectors that name one are found by it; a point then costs the same
// however many there are. The others are tried one after the other.
type selectors struct {
	all     bool   // some rule asks for the name alone
	label   string // that most selectors name with a value, each another
	byValue map[string][][]*labels.Matcher
	others  [][]*labels.Matcher
}

// newSelectors takes lists of matchers without those on the name.
func newSelectors(lists [][]*labels.Matcher) *selectors {
	if len(lists) == 0 {
		return nil
	}
	s := &selectors{byValue: map[string][][]*labels.Matcher{}}
	lists = distinct(lists)
	s.label = mostTelling(lists)
	for _, ms := range lists {
		s.all = s.all || len(ms) == 0
		if i := slices.IndexFunc(ms, func(m *labels.Matcher) bool { return isValue(m) && m.Name == s.label }); i >= 0 {
			rest := slices.Delete(slices.Clone(ms), i, i+1)
			s.byValue[ms[i].Value] = append(s.byValue[ms[i].Value], rest)
		} else {
			s.others = append(s.others, ms)
		}
	}
	return s
}

// match tells whether some rule selects the series.
func (s *selectors) match(ls labels.Labels) bool {
	if s == nil {
		return false
	}
	if s.all || anyMatches(s.others, ls) {
		return true
	}
	return len(s.byValue) > 0 && anyMatches(s.byValue[ls.Get(s.label)], ls)
}

func anyMatches(lists [][]*labels.Matcher, ls labels.Labels) bool {
	return slices.ContainsFunc(lists, func(ms []*labels.Matcher) bool {
		return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(ls.Get(m.Name)) })
	})
}

// isValue tells whether a matcher asks for one value. The empty one stands for a
// missing label too.
func isValue(m *labels.Matcher) bool { return m.Type == labels.MatchEqual && m.Value != "" }

// mostTelling is the label that is named with the most different values.
func mostTelling(lists [][]*labels.Matcher) (best string) {
	values := map[string]map[string]bool{}
	for _, ms := range lists {
		for _, m := range ms {
			if !isValue(m) {
				continue
			}
			if values[m.Name] == nil {
				values[m.Name] = map[string]bool{}
			}
			values[m.Name][m.Value] = true
			if len(values[m.Name]) > len(values[best]) {
				best = m.Name
			}
		}
	}
	return best
}

// distinct leaves out lists that are there already, in another order too.
func distinct(lists [][]*labels.Matcher) [][]*labels.Matcher {
	seen := map[string]bool{}
	var out [][]*labels.Matcher
	for _, ms := range lists {
		texts := make([]string, len(ms))
		for i, m := range ms {
			texts[i] = m.String()
		}
		slices.Sort(texts)
		if key := strings.Join(texts, "\x00"); !seen[key] {
			seen[key] = true
			out = append(out, ms)
		}
	}
	return out
}
