package rules

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// Options are what a rule file leaves to the server that loads it.
type Options struct {
	// Interval of groups that name none.
	Interval time.Duration
	// ExternalLabels are what templates see as $externalLabels.
	ExternalLabels map[string]string
	// ExternalURL is what templates see as $externalURL; nil = there is no server
	// behind an alert to link to.
	ExternalURL *url.URL
	// IgnoreUnknownFields lets rule files have fields that Prometheus does not
	// know.
	IgnoreUnknownFields bool
	// AlertsPerRule bounds the active alerts of one rule; 0 = no bound. It
	// refuses what is new and keeps what is active, unlike a group's own limit,
	// which fails the rule as upstream does.
	AlertsPerRule int
}

// NewParser returns the parser with the options of a plain Prometheus server,
// so that a file that promtool accepts is accepted here.
func NewParser() parser.Parser {
	// Prometheus has this on and no switch for it any more.
	return parser.NewParser(parser.Options{ExperimentalDurationExpr: true})
}

// Load reads one Prometheus rule file. All that is wrong is reported at once,
// each with file, group and rule.
func Load(file string, content []byte, opt Options) ([]*Group, error) {
	p := NewParser()
	parsed, errs := rulefmt.Parse(content, opt.IgnoreUnknownFields, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	if parsed == nil {
		if better := malformed(content, !opt.IgnoreUnknownFields, p); len(better) > 0 {
			errs = better
		}
	}
	for i := range errs {
		errs[i] = fmt.Errorf("%s: %w", file, errs[i])
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var groups []*Group
	for _, rg := range parsed.Groups {
		g, err := newGroup(file, rg, opt, p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		groups = append(groups, g)
	}
	return groups, errors.Join(errs...)
}

func newGroup(file string, rg rulefmt.RuleGroup, opt Options, p parser.Parser) (*Group, error) {
	g := &Group{
		Name:     rg.Name,
		File:     file,
		Interval: time.Duration(rg.Interval),
		Limit:    rg.Limit,
	}
	if g.Interval <= 0 {
		g.Interval = opt.Interval
	}
	if rg.QueryOffset != nil {
		g.QueryOffset = time.Duration(*rg.QueryOffset)
	}
	var errs []error
	for i, r := range rg.Rules {
		if err := g.add(r, rg.Labels, opt, p); err != nil {
			errs = append(errs, fmt.Errorf("%s: group %q, rule %d, %q: %w", file, rg.Name, i+1, r.Alert+r.Record, err))
		}
	}
	return g, errors.Join(errs...)
}

// add compiles one rule into the group; a rule's own labels win over the
// group's.
func (g *Group) add(r rulefmt.Rule, groupLabels map[string]string, opt Options, p parser.Parser) error {
	expr, err := p.ParseExpr(r.Expr)
	if err != nil {
		return err
	}
	merged := maps.Clone(groupLabels)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, r.Labels)
	var compiled rule
	if r.Alert != "" {
		if compiled, err = newAlerting(r, expr, merged, opt); err != nil {
			return err
		}
	} else {
		compiled = &recording{name: r.Record, query: expr.String(), labels: labels.FromMap(merged)}
	}
	g.rules = append(g.rules, compiled)
	g.exprs = append(g.exprs, expr)
	g.previous = append(g.previous, nil)
	return nil
}

// sortedPairs returns a map's pairs in the order of their keys.
func sortedPairs(m map[string]string) []labels.Label {
	pairs := make([]labels.Label, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, labels.Label{Name: k, Value: m[k]})
	}
	return pairs
}
