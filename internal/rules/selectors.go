package rules

import (
	"regexp"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Selectors lists the matchers of every series selector in the group's
// expressions and in the queries of its templates.
func (g *Group) Selectors() [][]*labels.Matcher {
	var all [][]*labels.Matcher
	for _, e := range g.exprs {
		all = append(all, selectorsOf(e)...)
	}
	p := NewParser()
	for _, r := range g.rules {
		ar, ok := r.(*alerting)
		if !ok {
			continue
		}
		for _, t := range append(ar.labels[:len(ar.labels):len(ar.labels)], ar.annotations...) {
			all = append(all, t.selectors(p)...)
		}
	}
	return all
}

func selectorsOf(e parser.Expr) [][]*labels.Matcher {
	var all [][]*labels.Matcher
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if vs, ok := n.(*parser.VectorSelector); ok {
			all = append(all, vs.LabelMatchers)
		}
		return nil
	})
	return all
}

// maxReach bounds Reach where a rule names an absolute time.
const maxReach = 90 * 24 * time.Hour

// Reach is how far into the past the group looks from an evaluation: longest
// range, offset and look-back, and the query offset.
func (g *Group) Reach(at time.Time, lookback time.Duration) time.Duration {
	longest := lookback
	p := NewParser()
	for _, e := range g.exprs {
		// Computed durations, as in x[2 * 5m], have their values only in an
		// expression that is made ready for its time; that changes it, so a copy.
		e, err := p.ParseExpr(e.String())
		if err == nil {
			e, err = promql.PreprocessExpr(e, at, at, 0)
		}
		if err != nil {
			continue // no query either, so it reaches nothing
		}
		from, _ := promql.FindMinMaxTime(&parser.EvalStmt{Expr: e, Start: at, End: at, LookbackDelta: lookback})
		if from != 0 {
			longest = max(longest, at.Sub(timestamp.Time(from)))
		}
	}
	return min(longest+g.QueryOffset, maxReach)
}

// selectors guesses what a template queries: every string in it that parses as
// an expression, with printf's verbs filled in. Only the metric names count,
// since labels are usually what is filled in.
func (t text) selectors(p parser.Parser) [][]*labels.Matcher {
	if t.tmpl == nil {
		return nil
	}
	var all [][]*labels.Matcher
	verb := regexp.MustCompile(`%[-+ #0]*[0-9.]*[a-zA-Z]`)
	for _, s := range stringsOf(t.tmpl) {
		e, err := p.ParseExpr(verb.ReplaceAllStringFunc(s, func(v string) string {
			if v[len(v)-1] == 'q' {
				return `""`
			}
			return "1"
		}))
		if err != nil {
			continue
		}
		for _, ms := range selectorsOf(e) {
			for _, m := range ms {
				if m.Name == model.MetricNameLabel {
					all = append(all, []*labels.Matcher{m})
				}
			}
		}
	}
	return all
}

// stringsOf collects the string constants of a template and of those that it
// defines.
func stringsOf(t *template.Template) []string {
	var all []string
	for _, one := range t.Templates() {
		if one.Tree == nil {
			continue
		}
		inspectTemplate(one.Root, func(n parse.Node) {
			if s, ok := n.(*parse.StringNode); ok {
				all = append(all, s.Text)
			}
		})
	}
	return all
}
