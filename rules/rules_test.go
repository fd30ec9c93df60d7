// Package rules_test runs Prometheus' own promtool, in the version that the
// product's PromQL engine has, over the shipped rules and their unit tests.
package rules_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
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

// promtool builds the promtool that internal/tools/go.mod pins. Without service
// discovery, which neither command uses, most of its dependencies stay away.
func promtool(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "promtool")
	cmd := exec.Command("go", "build", "-C", filepath.Join("..", "internal", "tools"),
		"-tags", "remove_all_sd", "-o", bin, "github.com/prometheus/prometheus/cmd/promtool")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "building promtool: %s", out)
	return bin
}

func TestPromtool(t *testing.T) {
	rules, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, rules)
	unit, err := filepath.Glob(filepath.Join("tests", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, unit)

	bin := promtool(t)
	t.Run("check", func(t *testing.T) {
		out, err := exec.Command(bin, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, rules...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
	for _, file := range unit {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cmd := exec.Command(bin, "test", "rules", filepath.Base(file))
			cmd.Dir = filepath.Dir(file)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
	t.Run("a wrong expectation fails", func(t *testing.T) {
		// The same file with one threshold moved must not pass, else "test
		// rules" would not have looked at it.
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
		cmd := exec.Command(bin, "test", "rules", "high-error-rate.yaml")
		cmd.Dir = filepath.Join(dir, "tests")
		out, err := cmd.CombinedOutput()
		require.Error(t, err, "%s", out)
		require.Contains(t, string(out), "High Error Rate")
	})
}

// Every alert has a unit-test file of its own, in which it is expected to fire
// and to be silent without data; a rule without tests cannot be added unseen.
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
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Contains(t, string(text), "exp_alerts:", "%s never fires in %s", rule.Alert, file)
			assert.Contains(t, string(text), "input_series: []", "%s is not tested without data in %s", rule.Alert, file)
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
