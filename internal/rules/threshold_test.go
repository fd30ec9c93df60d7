package rules

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files from what came out")

// The golden file is what users read to see what their rule means.
func TestCompiledExpressions(t *testing.T) {
	var got strings.Builder
	show := func(what, expr string) {
		e, err := NewParser().ParseExpr(expr)
		require.NoError(t, err, "%s: %s", what, expr)
		fmt.Fprintf(&got, "# %s\n%s\n", what, e.Pretty(0))
	}
	write := func(what string, th Threshold) {
		require.NoError(t, th.Validate(), what)
		show(what, th.Expr())
	}
	for a := AggAvg; a <= AggP99; a++ {
		write(a.String(), Threshold{Name: "x", Metric: "m.x", Aggregate: a, Window: time.Hour, Op: OpGT, Threshold: 0.5})
	}
	for op := OpGT; op <= OpNEQ; op++ {
		write(op.String(), Threshold{Name: "x", Metric: "m", Aggregate: AggSum, Window: 90 * time.Second, Op: op, Threshold: -1})
	}
	full := Threshold{
		Name: "x", Metric: "foundation_jido.coordination.success_rate", Where: map[string]string{"deployment.environment.name": "production", "b": `"\`},
		Aggregate: AggAvg, Window: time.Hour, GroupBy: []string{"service.name", "job"}, Op: OpLT, Threshold: 0.8, MinCount: 5,
	}
	write("avg with everything", full)
	full.Aggregate = AggP95
	write("p95 with everything", full)
	full.Aggregate, full.GroupBy = AggIncrease, nil
	write("increase with a minimum, not grouped", full)
	recoverAt := 0.3
	recovering := Threshold{
		Name: "x", Metric: "m", Aggregate: AggMax, Window: time.Minute, Op: OpGTE, Threshold: 0.5, MinCount: 2, RecoverAt: &recoverAt,
	}
	write("recover_at 0.3", recovering)
	show("recover_at 0.3, of an alert that fires", recovering.beyond(Options{}).stay)

	const path = "testdata/compiled.promql"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

func TestThresholdsAreValidatedTogether(t *testing.T) {
	_, err := Compile("rules", "", "rules", []Threshold{
		{Name: "Good", Metric: "m", Aggregate: AggAvg, Window: time.Minute, Op: OpGT},
		{MinCount: -1, For: -1, KeepFiringFor: -1},
		{Name: "Template", Metric: "m", Aggregate: AggAvg, Window: time.Minute, Op: OpGT, Annotations: map[string]string{"s": "{{ nofunc }}"}},
	}, Options{Interval: time.Minute})
	require.Error(t, err)
	for _, want := range []string{
		`rules[1] ("").name: is empty`, `rules[1] ("").metric: is empty`, `rules[1] ("").op: is missing, must be one of gt, gte, lt, lte, eq, neq`,
		`rules[1] ("").aggregate: is missing, must be one of avg, min`, `rules[1] ("").window: 0s is too short`, `rules[1] ("").min_count: -1`,
		`rules[1] ("").for: -1ns`, `rules[1] ("").keep_firing_for: -1ns`, `rules[2] ("Template"): annotation "s"`, `"nofunc" not defined`,
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "rules[0]")
}

func TestEnumsReadWhatTheyWrite(t *testing.T) {
	for op := OpGT; op <= OpNEQ; op++ {
		var back Op
		require.NoError(t, back.UnmarshalText([]byte(op.String())))
		assert.Equal(t, op, back)
	}
	for a := AggAvg; a <= AggP99; a++ {
		var back Aggregate
		require.NoError(t, back.UnmarshalText([]byte(a.String())))
		assert.Equal(t, a, back)
	}
	assert.ErrorContains(t, new(Op).UnmarshalText([]byte(">")), "gt, gte, lt, lte, eq, neq")
	assert.ErrorContains(t, new(Aggregate).UnmarshalText([]byte("mean")), "avg, min")
	assert.ErrorContains(t, new(Op).UnmarshalText(nil), "allowed")
	assert.ErrorContains(t, new(Aggregate).UnmarshalText(nil), "allowed")
}

func TestLeftmostComparison(t *testing.T) {
	for _, c := range []struct{ expr, left, metric, op, threshold string }{
		{`a > 5`, `a`, "a", "gt", "5"},
		{`5 < a`, `a`, "a", "gt", "5"},
		{`5 == a`, `a`, "a", "eq", "5"},
		{`a <= -0.5`, `a`, "a", "lte", "-0.5"},
		{`(a{x="y"} / b >= (3)) and c > 1`, `a{x="y"} / b`, "a", "gte", "3"},
		{`a > b and c < 1`, `c`, "c", "lt", "1"},
		{`a unless b != 2`, `b`, "b", "neq", "2"},
		{`sum(rate({"x.y"}[5m])) > bool 1 == 1`, `sum(rate({__name__="x.y"}[5m])) > bool 1`, "x.y", "eq", "1"},
		{`{__name__=~"a.*"} > 5`, `{__name__=~"a.*"}`, "", "gt", "5"},
	} {
		e, err := NewParser().ParseExpr(c.expr)
		require.NoError(t, err)
		o := operandOf(e)
		assert.Equal(t, []any{true, c.left, c.metric, c.op, c.threshold}, []any{o.Known, o.Left, o.Metric, o.Op.String(), fmt.Sprint(o.Threshold)}, c.expr)
	}
	for _, expr := range []string{`a`, `absent(a)`, `a > b`, `sum(a > 5)`, `(a > 5) * 2`, `vector(1)`} {
		e, err := NewParser().ParseExpr(expr)
		require.NoError(t, err)
		assert.False(t, operandOf(e).Known, expr)
	}
}
