package ruletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// sample is one element of an expression's result.
type sample struct {
	labels    labels.Labels
	value     float64
	histogram string // in the notation of test files; empty = a number
}

func (s sample) String() string {
	if s.histogram != "" {
		return s.labels.String() + " " + s.histogram
	}
	return s.labels.String() + " " + strconv.FormatFloat(s.value, 'E', -1, 64)
}

// checkExprs compares the results of expressions with those expected, after the
// last evaluation.
func (r *runner) checkExprs(ctx context.Context) []error {
	var errs []error
	for _, t := range r.test.PromqlExprTests {
		if err := r.checkExpr(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("    expr: %q, time: %s,%w", t.Expr, t.EvalTime, err))
		}
	}
	return errs
}

func (r *runner) checkExpr(ctx context.Context, t exprTest) error {
	vec, err := r.store.Query(ctx, t.Expr, r.test.begin().Add(time.Duration(t.EvalTime)))
	if err != nil {
		return fmt.Errorf(" err: %w", err)
	}
	var got, want []sample
	for _, s := range vec {
		g := sample{labels: s.Metric, value: s.F}
		if s.H != nil {
			g.histogram = s.H.TestExpression()
		}
		got = append(got, g)
	}
	for _, e := range t.ExpSamples {
		s, err := r.expected(e)
		if err != nil {
			return fmt.Errorf(" err: labels %q: %w", e.Labels, err)
		}
		want = append(want, s)
	}
	byLabels := func(a, b sample) int {
		return cmp.Or(labels.Compare(a.labels, b.labels), strings.Compare(a.histogram, b.histogram))
	}
	slices.SortStableFunc(got, byLabels)
	slices.SortStableFunc(want, byLabels)
	if slices.EqualFunc(want, got, r.same) {
		return nil
	}
	return fmt.Errorf("\n        exp: %s\n        got: %s", join(want), join(got))
}

func (r *runner) expected(e expectedSample) (sample, error) {
	ls, err := r.parser.ParseMetric(e.Labels)
	if err != nil || e.Histogram == "" {
		return sample{labels: ls, value: e.Value}, err
	}
	_, values, err := r.parser.ParseSeriesDesc("{} " + e.Histogram)
	switch {
	case err != nil:
		return sample{}, err
	case len(values) != 1:
		return sample{}, fmt.Errorf("expected 1 value, got %d", len(values))
	case values[0].Histogram == nil:
		return sample{}, errors.New("expected histogram, got " + values[0].String())
	}
	return sample{labels: ls, histogram: values[0].Histogram.TestExpression()}, nil
}

// same tells whether two samples are equal; with fuzzy_compare also if their
// values are neighbours. NaN is like nothing, as in promtool.
func (r *runner) same(a, b sample) bool {
	if !labels.Equal(a.labels, b.labels) || a.histogram != b.histogram {
		return false
	}
	if a.histogram != "" || a.value == b.value {
		return true
	}
	return r.file.FuzzyCompare && (math.Nextafter(a.value, math.Inf(-1)) == b.value || math.Nextafter(a.value, math.Inf(1)) == b.value)
}

func join(ss []sample) string {
	if len(ss) == 0 {
		return "nil"
	}
	each := make([]string, len(ss))
	for i, s := range ss {
		each[i] = s.String()
	}
	return strings.Join(each, ", ")
}
