package ruletest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// maxSamples bounds what one query may load: the connector's default.
const maxSamples = 50_000_000

// Options of a run.
type Options struct {
	// Run selects tests by their names; nil = all.
	Run *regexp.Regexp
	// Diff shows what is wrong with alerts line by line, in colour.
	Diff bool
	// Debug writes the time that each test takes and all its samples to Log.
	Debug bool
	// IgnoreUnknownFields of rule files.
	IgnoreUnknownFields bool
	// Log gets warnings and what Debug asks for.
	Log io.Writer
}

// Case is what became of one test of a file.
type Case struct {
	Name     string
	Failures []error
}

// File runs the tests of one file, in order. The error is of the file itself;
// then no test ran.
func File(ctx context.Context, path string, opt Options) ([]Case, error) {
	f, err := read(path, func(pattern string) { fmt.Fprintln(opt.Log, "  WARNING: no file match pattern", pattern) })
	if err != nil {
		return nil, err
	}
	var cases []Case
	for i := range f.Tests {
		t := &f.Tests[i]
		if opt.Run != nil && !opt.Run.MatchString(t.Name) {
			continue
		}
		c := Case{Name: t.Name}
		if c.Name == "" {
			c.Name = fmt.Sprintf("unnamed#%d", i)
		}
		began := time.Now()
		if opt.Debug {
			fmt.Fprintf(opt.Log, "DEBUG: Starting test %s\n", c.Name)
		}
		c.Failures = run(ctx, f, t, opt)
		if opt.Debug {
			fmt.Fprintf(opt.Log, "DEBUG: Test %s finished, took %v\n", c.Name, time.Since(began))
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// runner is one test at work.
type runner struct {
	file   *file
	test   *test
	opt    Options
	parser parser.Parser
	groups []*rules.Group
	input  *input
	store  *store.Store
}

func run(ctx context.Context, f *file, t *test, opt Options) []error {
	r := &runner{file: f, test: t, opt: opt, parser: rules.NewParser()}
	var err error
	if r.input, err = newInput(t, r.parser); err != nil {
		return []error{err}
	}
	if err := r.checkAlertTests(); err != nil {
		return []error{err}
	}
	if r.groups, err = r.load(); err != nil {
		return []error{err}
	}
	every := time.Duration(f.EvaluationInterval)
	reach := store.Lookback
	for _, g := range r.groups {
		reach = max(reach, g.Reach(t.begin().Add(t.end()), store.Lookback))
	}
	r.store, err = store.Open(store.Options{Reach: reach, Interval: every, MaxSamples: maxSamples, Parser: r.parser})
	if err != nil {
		return []error{err}
	}
	errs, ok := r.evaluate(ctx, every)
	if ok {
		errs = append(errs, r.checkExprs(ctx)...)
		if opt.Debug {
			errs = append(errs, r.dump(ctx)...)
		}
	}
	if err := r.store.Close(); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// load loads the rule files: first the order in which the connector evaluates
// groups, then the one that the test asks for. A group that it does not name
// counts as the first one named, as in promtool.
func (r *runner) load() ([]*rules.Group, error) {
	external, err := url.Parse(r.test.ExternalURL)
	if err != nil {
		return nil, fmt.Errorf("external_url: %w", err)
	}
	opt := rules.Options{
		Interval:            time.Duration(r.test.Interval),
		ExternalLabels:      r.test.ExternalLabels.Map(),
		ExternalURL:         external,
		IgnoreUnknownFields: r.opt.IgnoreUnknownFields,
	}
	var all []*rules.Group
	var errs []error
	for _, f := range r.file.RuleFiles {
		content, err := os.ReadFile(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		groups, err := rules.Load(f, content, opt)
		errs = append(errs, err)
		all = append(all, groups...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	place := func(g *rules.Group) int { return max(slices.Index(r.file.GroupEvalOrder, g.Name), 0) }
	all = rules.InOrder(all)
	slices.SortStableFunc(all, func(a, b *rules.Group) int { return place(a) - place(b) })
	return all, nil
}

// evaluate moves the clock to the last expectation. It is not ok when rules
// could not be evaluated: then nothing else is worth to be looked at.
func (r *runner) evaluate(ctx context.Context, every time.Duration) (errs []error, ok bool) {
	begin := r.test.begin()
	end := begin.Add(r.test.end())
	alerts := r.alertTests()
	for at := begin; !at.After(end); at = at.Add(every) {
		if err := r.input.appendUntil(ctx, at, r.store); err != nil {
			return append(errs, err), false
		}
		failed := false
		for _, g := range r.groups {
			res := g.Eval(ctx, at, rules.Env{Query: r.store.Query, Appendable: r.store})
			for _, f := range res.Failures {
				failed = true
				errs = append(errs, fmt.Errorf("    rule: %s, time: %s, err: %w", f.Rule, at.Sub(time.Unix(0, 0)), f.Err))
			}
		}
		if err := ctx.Err(); err != nil {
			return append(errs, err), false
		}
		if failed {
			return errs, false
		}
		// An expectation between two evaluations looks at the first of them.
		for len(alerts) > 0 && time.Duration(alerts[0].EvalTime) < at.Add(every).Sub(begin) {
			errs = append(errs, r.checkAlerts(alerts[0])...)
			alerts = alerts[1:]
		}
	}
	return errs, true
}
