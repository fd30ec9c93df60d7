package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/util/junitxml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/promtooltest"
)

var ownTests = filepath.Join("..", "..", "internal", "rules", "ruletest", "testdata")

// duplicates are listed by the engine in the order of promtool's storage, which
// loads series in random order.
var duplicates = regexp.MustCompile(`\[\{.*\}\];many-to-many`)

// comparableText leaves out empty lines, of which promtool writes some to the other
// stream, names types alike and leaves out what is in random order.
func comparableText(s string) string {
	var lines []string
	s = duplicates.ReplaceAllString(strings.ReplaceAll(s, "main.unitTestFile", "ruletest.file"), "[...];many-to-many")
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// Every file of promtool's own tests, and ours, gives the exit code that it gives
// in promtool, and the same text unless ours tells more.
func TestRulesAsPromtool(t *testing.T) {
	bin, upstream := promtooltest.Build(t), promtooltest.Testdata(t)
	var files []string
	for _, dir := range []string{upstream, ownTests} {
		for _, ext := range []string{"*.yml", "*.yaml"} {
			found, err := filepath.Glob(filepath.Join(dir, ext))
			require.NoError(t, err)
			files = append(files, found...)
		}
	}
	var passed []string
	failed := 0
	compare := func(t *testing.T, file string, args ...string) (code int) {
		t.Helper()
		args = append(args, file)
		theirs := exec.CommandContext(t.Context(), bin, args...)
		var stdout, stderr bytes.Buffer
		theirs.Stdout, theirs.Stderr = &stdout, &stderr
		err := theirs.Run()
		if err != nil {
			require.ErrorAs(t, err, new(*exec.ExitError))
		}
		ours := append([]string{args[1], args[0]}, args[2:]...) // rules test, not test rules
		code, out, errs := foundationctl(t, ours...)
		assert.Equal(t, theirs.ProcessState.ExitCode(), code, "%s%s", out, errs)
		assert.Equal(t, comparableText(stdout.String()), comparableText(out))
		if tellsMore := strings.Contains(errs, "unknown key") ||
			strings.Contains(errs, "must be a mapping") || strings.Contains(errs, "input_series["); !tellsMore {
			assert.Equal(t, comparableText(stderr.String()), comparableText(errs))
		}
		return code
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if compare(t, file, "test", "rules") == exitOK {
				passed = append(passed, filepath.Base(file))
			} else {
				failed++
			}
			compare(t, file, "check", "rules")
			compare(t, file, "check", "rules", "--lint-fatal")
			compare(t, file, "check", "rules", "--ignore-unknown-fields", "--lint=none")
		})
	}
	// If none passed, or none failed, agreeing would say nothing.
	assert.ElementsMatch(t, []string{
		"at-modifier-test.yml", "config_with_rule_files.yml", "long-period.yml", "negative-offset-test.yml", "no-test-group-interval.yml",
		"prometheus-config.good.yml", "prometheus-config.lint.yml", "start-time-test.yml", "unittest.yml", "pass.yaml",
	}, passed)
	assert.Greater(t, failed, 30)

	t.Run("flags", func(t *testing.T) {
		run := filepath.Join(upstream, "rules_run.yml")
		assert.Equal(t, exitOK, compare(t, run, "test", "rules", "--run", "correct"))
		assert.Equal(t, exitFail, compare(t, run, "test", "rules", "--run=wrong"))
		assert.Equal(t, exitFail, compare(t, run, "test", "rules", "--run", "correct", "--run", "wrong"))
		assert.Equal(t, exitOK, compare(t, run, "test", "rules", "--run", "neither"))
		assert.Equal(t, exitOK, compare(t, filepath.Join(upstream, "rules_run_fuzzy.yml"), "test", "rules", "--run", "correct"))
		assert.Equal(t, exitFail, compare(t, filepath.Join(upstream, "rules_run_fuzzy.yml"), "test", "rules", "--run", "wrong"))
		assert.Equal(t, exitOK, compare(t, filepath.Join(upstream, "rules_run_extrafields.yml"), "test", "rules", "--ignore-unknown-fields"))
	})
}

func TestRulesCommandLine(t *testing.T) {
	pass, fail := filepath.Join(ownTests, "pass.yaml"), filepath.Join(ownTests, "fail.yaml")
	for _, tc := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"rules", exitUsage, "", "Usage: foundationctl rules"},
		{"rules --help", exitOK, "check      validate rule files", ""},
		{"rules frobnicate", exitUsage, "", `unknown command "frobnicate"`},
		{"rules test", exitUsage, "", "needs at least one unit-test file"},
		{"rules test --help", exitOK, "-ignore-unknown-fields", ""},
		{"rules test --frobnicate x", exitUsage, "", "flag provided but not defined: -frobnicate"},
		{"rules test --run ( x", exitUsage, "", "missing closing )"},
		{"rules test none.yaml", exitFail, "", "none.yaml: no such file"},
		{"rules test " + pass + " " + pass, exitOK, "  SUCCESS\n\n  SUCCESS\n", ""},
		{"rules test " + fail + " " + pass, exitFail, "  SUCCESS\n", "  FAILED:\n"},
		{"rules test " + fail + " --diff --run many", exitFail, "", "\x1b[0;31m-     summary: \"none\"\x1b[0m"},
		{"rules test --debug " + pass, exitOK, "", "DEBUG: Dump of all data (input_series and rules) at 7m0s:"},
		{"rules check --lint x", exitUsage, "", "must be all, duplicate-rules or none"},
		{"rules check none.yaml", exitFail, "Checking none.yaml", "none.yaml: no such file"},
		{"rules check --help", exitOK, "-lint-fatal", ""},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := foundationctl(t, strings.Fields(tc.args)...)
			assert.Equal(t, tc.code, code)
			assert.Contains(t, stdout, tc.stdout)
			assert.Contains(t, stderr, tc.stderr)
			if tc.stderr == "" {
				assert.Empty(t, stderr)
			}
		})
	}
}

// A file is shown whole: each bad rule, with its place.
func TestRulesCheckTellsAllAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
groups:
- name: shop
  rules:
  - {alert: Fine, expr: up == 0}
  - {alert: Typo, expr: 'up ==='}
  - {alert: Late, expr: up == 0, for: 5 minutes}
`), 0o600))
	code, stdout, stderr := foundationctl(t, "rules", "check", file)
	assert.Equal(t, exitFail, code)
	assert.NotContains(t, stdout, "SUCCESS")
	assert.Contains(t, stderr, file+`: 6:5: group "shop", rule 2, "Typo": could not parse expression`)
	assert.Contains(t, stderr, file+`: 7:5: group "shop", rule 3, "Late": unknown unit`)
}

func TestRulesTestWritesJUnit(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.xml")
	code, _, _ := foundationctl(t, "rules", "test", "--junit", out,
		filepath.Join(ownTests, "pass.yaml"), filepath.Join(ownTests, "fail.yaml"), "none.yaml")
	assert.Equal(t, exitFail, code)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	var got junitxml.JUnitXML
	require.NoError(t, xml.Unmarshal(text, &got))
	require.Len(t, got.Suites, 3)
	assert.Equal(t, 3, got.Suites[0].TestCount)
	assert.Zero(t, got.Suites[0].FailureCount)
	assert.Equal(t, 4, got.Suites[1].TestCount)
	assert.Positive(t, got.Suites[1].FailureCount)
	assert.Equal(t, 1, got.Suites[2].ErrorCount)
	assert.Equal(t, "unnamed#3", got.Suites[1].Cases[3].Name)

	code, _, stderr := foundationctl(t, "rules", "test", "--junit", filepath.Join(out, "no"), filepath.Join(ownTests, "pass.yaml"))
	assert.Equal(t, exitFail, code)
	assert.Contains(t, stderr, "not a directory")
}
