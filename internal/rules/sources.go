package rules

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Sources is what an alerting rule looks at, recording rules in between looked
// through.
type Sources struct {
	Selectors [][]*labels.Matcher
	Window    time.Duration // the longest range; without one, the look-back
	// Absent: the rule asks whether something is not there, so that finding
	// nothing is no sign of a mistake.
	Absent bool
}

// LinkSources tells every alerting rule what it looks at. Call it once for all
// groups that are evaluated together.
func LinkSources(groups []*Group, lookback time.Duration) {
	recorded := map[string][]parser.Expr{}
	for _, g := range groups {
		for i, r := range g.rules {
			if rec, ok := r.(*recording); ok {
				recorded[rec.name] = append(recorded[rec.name], g.exprs[i])
			}
		}
	}
	for _, g := range groups {
		for i, r := range g.rules {
			if a, ok := r.(*alerting); ok {
				a.info.Sources = sourcesOf(g.exprs[i], recorded, lookback)
			}
		}
	}
}

func sourcesOf(e parser.Expr, recorded map[string][]parser.Expr, lookback time.Duration) *Sources {
	s := &Sources{}
	seen := map[string]bool{}
	var walk func(e parser.Expr)
	walk = func(e parser.Expr) {
		parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
			switch n := n.(type) {
			case *parser.MatrixSelector:
				s.Window = max(s.Window, n.Range)
			case *parser.SubqueryExpr:
				s.Window = max(s.Window, n.Range)
			case *parser.Call:
				s.Absent = s.Absent || n.Func.Name == "absent" || n.Func.Name == "absent_over_time"
			case *parser.VectorSelector:
				s.Selectors = append(s.Selectors, n.LabelMatchers)
				for _, m := range n.LabelMatchers {
					if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && !seen[m.Value] {
						seen[m.Value] = true
						for _, from := range recorded[m.Value] {
							walk(from)
						}
					}
				}
			}
			return nil
		})
	}
	walk(e)
	if s.Window == 0 {
		s.Window = lookback
	}
	return s
}
