package ruletest_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/rules/ruletest"
)

// files writes a test file and a rule file and runs the test file.
func runFiles(t *testing.T, test, ruleFile string) ([]ruletest.Case, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(ruleFile), 0o600))
	path := filepath.Join(dir, "test.yaml")
	require.NoError(t, os.WriteFile(path, []byte(test), 0o600))
	return ruletest.File(t.Context(), path, ruletest.Options{Log: io.Discard})
}

func failures(cases []ruletest.Case) string {
	var all strings.Builder
	for _, c := range cases {
		for _, err := range c.Failures {
			all.WriteString(err.Error() + "\n")
		}
	}
	return all.String()
}

func TestPassAndFail(t *testing.T) {
	cases, err := ruletest.File(t.Context(), filepath.Join("testdata", "pass.yaml"), ruletest.Options{Log: io.Discard})
	require.NoError(t, err)
	require.Len(t, cases, 3)
	assert.Empty(t, failures(cases))

	var log bytes.Buffer
	cases, err = ruletest.File(t.Context(), filepath.Join("testdata", "fail.yaml"), ruletest.Options{Log: &log})
	require.NoError(t, err)
	var got []int
	for _, c := range cases {
		got = append(got, len(c.Failures))
	}
	assert.Equal(t, []int{8, 6, 1, 1}, got)
	assert.Contains(t, log.String(), "WARNING: no file match pattern testdata/none-*.yaml")
}

// Each expectation of the passing file can fail: with another number it does.
func TestEachExpectationIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "rules.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yaml"), text, 0o600))
	text, err = os.ReadFile(filepath.Join("testdata", "pass.yaml"))
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	changed := 0
	for i, line := range lines {
		var wrong string
		switch {
		case strings.Contains(line, "value: "):
			wrong = strings.Replace(line, "value: ", "value: 7", 1)
		case strings.Contains(line, "exp_annotations: {summary: a at 1"):
			wrong = strings.Replace(line, "a at 1", "a at 9", 1)
		case strings.Contains(line, "exp_labels: {job"):
			wrong = strings.Replace(line, "{job: a", "{job: z", 1)
		case strings.Contains(line, "counter_reset_hint"):
			wrong = strings.Replace(line, "sum:6", "sum:7", 1)
		default:
			continue
		}
		require.NotEqual(t, line, wrong)
		changed++
		mutant := append(append(append([]string{}, lines[:i]...), wrong), lines[i+1:]...)
		path := filepath.Join(dir, "test.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(mutant, "\n")), 0o600))
		cases, err := ruletest.File(t.Context(), path, ruletest.Options{Log: io.Discard})
		require.NoError(t, err)
		assert.NotEmpty(t, failures(cases), "nobody minds %s", wrong)
	}
	assert.Greater(t, changed, 15)
}

// Where a test names no order, groups follow each other as in the connector: an
// alert sees what is recorded for its own time, whatever the files' order.
func TestGroupsInTheConnectorsOrder(t *testing.T) {
	const ruleFile = `
groups:
- {name: alerts, rules: [{alert: A, expr: kpi > 1}]}
- {name: kpis, rules: [{record: kpi, expr: base * 2}]}`
	const test = `
rule_files: [rules.yaml]
%s
tests:
- input_series: [{series: base, values: 1x9}]
  alert_rule_test: [{eval_time: 0, alertname: A, exp_alerts: [{}]}]`
	cases, err := runFiles(t, strings.Replace(test, "%s", "", 1), ruleFile)
	require.NoError(t, err)
	assert.Empty(t, failures(cases))
	cases, err = runFiles(t, strings.Replace(test, "%s", "group_eval_order: [alerts, kpis]", 1), ruleFile)
	require.NoError(t, err)
	assert.Contains(t, failures(cases), "alertname: A, time: 0s")
}

// A deliberate difference to Prometheus: NaN never fires.
func TestNaNNeverFires(t *testing.T) {
	cases, err := runFiles(t, `
rule_files: [rules.yaml]
tests:
- input_series: [{series: a, values: NaN}]
  alert_rule_test: [{eval_time: 0, alertname: A}]`, `groups: [{name: g, rules: [{alert: A, expr: a != 1}]}]`)
	require.NoError(t, err)
	assert.Empty(t, failures(cases))
}

func TestBadFiles(t *testing.T) {
	const rule = `groups: [{name: g, rules: [{record: r, expr: up}]}]`
	for name, tc := range map[string]struct{ test, rules, want string }{
		"unknown field":      {"test: []", rule, "field test not found"},
		"order repeated":     {"group_eval_order: [a, b, a]", rule, "group name repeated in evaluation order: a"},
		"start":              {"tests: [{start_timestamp: noon}]", rule, `line 1: start_timestamp: "noon" is no time, must be Unix seconds or RFC 3339`},
		"pattern":            {"rule_files: ['[']", rule, "syntax error in pattern"},
		"series":             {"tests: [{input_series: [{series: a, values: 1}, {series: 'b{', values: 1}]}]", rule, "input_series[1]: b{: "},
		"repetition":         {"tests: [{input_series: [{series: a, values: 1xx}]}]", rule, "input_series[0]: a: "},
		"external url":       {"tests: [{external_url: ':'}]", rule, "external_url: "},
		"rules, all of them": {"rule_files: [rules.yaml]\ntests: [{}]", "groups: [{name: g, rules: [{record: a, expr: '('}, {alert: b, expr: ')'}]}]", `rule 2, "b"`},
		"several alert tests": {
			"tests: [{alert_rule_test: [{eval_time: 1m}, {eval_time: 2m}]}]", rule, "eval_time 2m",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cases, err := runFiles(t, tc.test, tc.rules)
			got := failures(cases)
			if err != nil {
				got = err.Error()
			}
			assert.Contains(t, got, tc.want)
		})
	}
	cases, err := runFiles(t, "", rule)
	require.NoError(t, err)
	assert.Empty(t, cases)
}

func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	cases, err := ruletest.File(ctx, filepath.Join("testdata", "pass.yaml"), ruletest.Options{Log: io.Discard})
	require.NoError(t, err)
	assert.Contains(t, failures(cases), context.Canceled.Error())
}

// long finds what means many evaluations.
var long = regexp.MustCompile(`[0-9][dwy]|[0-9]{2}h|[0-9]{4}[ms]|x[0-9]{3}`)

func FuzzFile(f *testing.F) {
	for _, name := range []string{"pass.yaml", "fail.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 || long.MatchString(text) {
			return // years in steps of milliseconds are legal, and take long
		}
		path := filepath.Join(t.TempDir(), "test.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, _ = ruletest.File(t.Context(), path, ruletest.Options{Log: io.Discard}) // must not panic
	})
}
