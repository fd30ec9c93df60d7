// Package rules_test checks the shipped rules and runs their unit tests.
package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/foundation-os/otelcol-foundation/internal/promtooltest"
	"github.com/foundation-os/otelcol-foundation/internal/rules/ruletest"
)

// ruleFile is what these tests read of a rule file.
type ruleFile struct {
	Groups []struct {
		Name     string
		Interval string
		Rules    []struct {
			Alert       string
			Record      string
			Expr        string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

// Two run the shipped rules' unit tests: promtool, since the files are for
// everybody's Prometheus, and what the collector's own engine says.
type tester struct {
	name string
	run  func(t *testing.T, path string) error
}

func testers(bin string) []tester {
	return []tester{
		{"promtool", func(t *testing.T, path string) error {
			cmd := exec.CommandContext(t.Context(), bin, "test", "rules", filepath.Base(path))
			cmd.Dir = filepath.Dir(path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		}},
		{"foundationctl", func(t *testing.T, path string) error {
			cases, err := ruletest.File(t.Context(), path, ruletest.Options{Log: t.Output()})
			if err == nil && len(cases) == 0 {
				return errors.New("no tests")
			}
			for _, c := range cases {
				err = errors.Join(append(c.Failures, err)...)
			}
			return err
		}},
	}
}

func TestShippedRules(t *testing.T) {
	rules, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, rules)
	unit, err := filepath.Glob(filepath.Join("tests", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, unit)

	bin := promtooltest.Build(t)
	t.Run("check", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), bin, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, rules...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
	// The same files with one threshold moved must not pass, else nobody would
	// have looked at it.
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "tests"), 0o700))
	for _, file := range append(rules, unit...) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if file == "foundation-alerts.yaml" {
			moved := bytes.Replace(text, []byte(`{"foundation.error_rate"} > 0.05`), []byte(`{"foundation.error_rate"} > 0.07`), 1)
			require.NotEqual(t, text, moved)
			text = moved
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	}
	for _, by := range testers(bin) {
		for _, file := range unit {
			t.Run(filepath.Base(file)+" by "+by.name, func(t *testing.T) {
				require.NoError(t, by.run(t, file))
			})
		}
		t.Run("a wrong expectation fails by "+by.name, func(t *testing.T) {
			require.ErrorContains(t, by.run(t, filepath.Join(dir, "tests", "high-error-rate.yaml")), "alertname: High Error Rate")
		})
	}
}

// unitTests is what these tests read of a unit-test file.
type unitTests struct {
	Tests []struct {
		InputSeries   []any `yaml:"input_series"`
		AlertRuleTest []struct {
			Alertname string
			EvalTime  model.Duration `yaml:"eval_time"`
			ExpAlerts []any          `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// cases tells what a file expects of an alert: firing, silence in spite of data,
// an end, silence without data.
func cases(t *testing.T, file, alert string) (fires, silent, resolves, noData bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var f unitTests
	require.NoError(t, yaml.Unmarshal(text, &f))
	for _, test := range f.Tests {
		first, last := model.Duration(math.MaxInt64), model.Duration(-1) // times of firing and of silence
		for _, a := range test.AlertRuleTest {
			if a.Alertname != alert {
				continue
			}
			if len(a.ExpAlerts) > 0 {
				first = min(first, a.EvalTime)
			} else {
				last = max(last, a.EvalTime)
			}
		}
		fired, quiet := first < math.MaxInt64, last >= 0
		fires = fires || fired
		resolves = resolves || fired && last > first
		silent = silent || quiet && !fired && len(test.InputSeries) > 0
		noData = noData || quiet && !fired && len(test.InputSeries) == 0
	}
	return fires, silent, resolves, noData
}

// Every alert has a unit-test file of its own, in which it fires, is silent,
// resolves, and says nothing without data; a rule without tests cannot be added
// unseen.
func TestEveryAlertIsTested(t *testing.T) {
	want := map[string]string{
		"High Error Rate":                       "warning",
		"Agent Coordination Failure":            "warning",
		"Signal Dispatch Failures":              "error",
		"Optimization Convergence Issues":       "warning",
		"Multi-Agent Coordination Inefficiency": "warning",
		"Performance Degradation":               "warning",
	}
	got := map[string]string{}
	for _, group := range read(t, "foundation-alerts.yaml").Groups {
		assert.Empty(t, group.Interval, "group %s: evaluation_interval decides", group.Name)
		for _, rule := range group.Rules {
			got[rule.Alert] = rule.Labels["severity"]
			assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			assert.NotEmpty(t, rule.Annotations["description"], rule.Alert)

			file := filepath.Join("tests", strings.ReplaceAll(strings.ToLower(rule.Alert), " ", "-")+".yaml")
			fires, silent, resolves, noData := cases(t, file, rule.Alert)
			assert.True(t, fires, "%s never fires in %s", rule.Alert, file)
			assert.True(t, silent, "%s is not tested with data that is good, in %s", rule.Alert, file)
			assert.True(t, resolves, "%s never resolves in %s", rule.Alert, file)
			assert.True(t, noData, "%s is not tested without data in %s", rule.Alert, file)
		}
	}
	assert.Equal(t, want, got)
}

// A KPI that an alert reads must be recorded; a renamed one would silence it.
func TestAlertsReadWhatIsRecorded(t *testing.T) {
	recorded := map[string]bool{
		// not recorded: metrics of foundation_metrics and degradation
		"dspex.coordination.efficiency": true,
		"degradation.state":             true,
	}
	for _, group := range read(t, "foundation-kpis.yaml").Groups {
		assert.Empty(t, group.Interval, "group %s: evaluation_interval decides", group.Name)
		for _, rule := range group.Rules {
			recorded[rule.Record] = true
		}
	}
	selector := regexp.MustCompile(`\{"([^"]+)"`)
	for _, group := range read(t, "foundation-alerts.yaml").Groups {
		for _, rule := range group.Rules {
			found := selector.FindAllStringSubmatch(rule.Expr, -1)
			assert.NotEmpty(t, found, rule.Alert)
			for _, m := range found {
				assert.True(t, recorded[m[1]], "%s reads %s, which nothing records", rule.Alert, m[1])
			}
		}
	}
}

func read(t *testing.T, file string) ruleFile {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var f ruleFile
	require.NoError(t, yaml.Unmarshal(text, &f))
	require.NotEmpty(t, f.Groups)
	return f
}
