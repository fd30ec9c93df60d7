package rules

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Named is what a rule gives: an alert's or a series' name and the labels that
// the rule adds.
type Named struct {
	Name   string
	Labels labels.Labels
}

func (n Named) compare(o Named) int {
	if c := strings.Compare(n.Name, o.Name); c != 0 {
		return c
	}
	return labels.Compare(n.Labels, o.Labels)
}

// Duplicates counts the rules of groups and lists what more than one of them
// gives: each may write over the other's results.
func Duplicates(groups []*Group) (rules int, duplicates []Named) {
	var all []Named
	for _, g := range groups {
		for _, r := range g.rules {
			switch r := r.(type) {
			case *alerting:
				all = append(all, Named{r.info.Name, r.static})
			case *recording:
				all = append(all, Named{r.name, r.labels})
			}
		}
	}
	slices.SortFunc(all, Named.compare)
	for i := 1; i < len(all); i++ {
		if all[i].compare(all[i-1]) == 0 && (i < 2 || all[i].compare(all[i-2]) != 0) {
			duplicates = append(duplicates, all[i])
		}
	}
	return len(all), duplicates
}
