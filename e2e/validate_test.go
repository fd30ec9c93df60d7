package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// validate runs the binary's own `validate` on the shipped configuration and what
// is laid over it.
func validate(t *testing.T, env []string, configs ...string) (string, error) {
	t.Helper()
	args := []string{"validate"}
	for _, c := range configs {
		args = append(args, "--config", c)
	}
	env = append([]string{"FOUNDATION_DATA_DIR=" + t.TempDir()}, env...)
	return run(t, "..", env, binary(t, "otelcol-foundation"), args...)
}

func TestShippedConfigurationsValidate(t *testing.T) {
	t.Parallel()
	out, err := validate(t, nil, shipped)
	require.NoError(t, err, out)
	out, err = validate(t, nil, shipped, "examples/demo/overlay.yaml")
	require.NoError(t, err, out)
	out, err = validate(t, nil, shipped, "examples/alertmanager/overlay.yaml")
	require.NoError(t, err, out)
}

// Every optional back-end of the shipped configuration, switched on as its first
// lines say: a # that stands before configuration has no space behind it.
func TestOptionalBackendsValidate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", shipped))
	require.NoError(t, err)
	off := regexp.MustCompile(`(?m)^( *)#([^ #\n].*)$`)
	require.Greater(t, len(off.FindAllIndex(text, -1)), 40, "the optional lines are recognised")
	on := off.ReplaceAllString(string(text), "$1$2")
	for _, backend := range []string{"otlp_grpc", "datadog_foundation", "prometheus_remote_write", "googlecloud", "azure_monitor", "alertmanager"} {
		assert.Equal(t, 1, strings.Count(on, "\n  "+backend+":\n"), "%s has a block", backend)
		lines := 2
		if backend == "alertmanager" {
			lines = 1 // it takes alert events only
		}
		assert.GreaterOrEqual(t, strings.Count(on, "\n        - "+backend+"\n"), lines, "%s has lines in the pipelines", backend)
	}
	file := filepath.Join(t.TempDir(), "on.yaml")
	require.NoError(t, os.WriteFile(file, []byte(on), 0o600))
	out, err := validate(t, []string{
		"DD_API_KEY=0123456789abcdef0123456789abcdef", "GOOGLE_CLOUD_PROJECT=p",
		"APPLICATIONINSIGHTS_CONNECTION_STRING=InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1/",
	}, file)
	require.NoError(t, err, out)
}

// A wrong configuration does not start: `validate` fails, says where, and what is
// allowed.
func TestWrongConfigurationsFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml string
		want []string
	}{
		"unknown key": {
			`processors: {adaptive_sampler: {default_ratio: 1}}`,
			[]string{"adaptive_sampler", "default_ratio"},
		},
		"unknown key in a component of others": {
			`receivers: {otlp: {protocol: {}}}`,
			[]string{"otlp", "protocol"},
		},
		"rate above 1": {
			`processors: {adaptive_sampler: {default_rate: 1.5}}`,
			[]string{"adaptive_sampler", "default_rate", "1.5", "0", "1"},
		},
		"rate of a name below 0": {
			`processors: {adaptive_sampler: {rates: {foundation.process_registry.lookup: -0.1}}}`,
			[]string{"adaptive_sampler", "rates", "foundation.process_registry.lookup", "-0.1"},
		},
		"a mode that does not exist": {
			`processors: {adaptive_sampler: {mode: item}}`,
			[]string{"adaptive_sampler", "mode", "item", "trace", "span"},
		},
		"another mode that does not exist yet": {
			`processors: {degradation: {mode: seasonal}}`,
			[]string{"degradation", "mode", "seasonal", "guarded", "strict"},
		},
		"window that is no multiple of the pane": {
			`processors: {degradation: {window: 7s, pane: 2s}}`,
			[]string{"degradation", "window", "7s", "2s"},
		},
		"rule without op": {
			`connectors: {alert_rules: {rules: [{name: Slow, metric: m, aggregate: avg, window: 5m, threshold: 1}]}}`,
			[]string{"alert_rules", "rules[0]", "op", "gt", "lte"},
		},
		"rule with an unknown op": {
			`connectors: {alert_rules: {rules: [{name: Slow, metric: m, aggregate: avg, window: 5m, op: above, threshold: 1}]}}`,
			[]string{"alert_rules", "rules[0]", "op", "above", "gt"},
		},
		"two rules of one name": {
			`connectors: {alert_rules: {rules: [{name: Circuit Breaker Open, metric: m, aggregate: avg, window: 5m, op: gt, threshold: 1}]}}`,
			[]string{"alert_rules", "Circuit Breaker Open", "unique"},
		},
		"bad condition of an event": {
			`connectors: {alert_rules: {events: [{name: E, condition: 'log.attributes["a"] = 1', expire_after: 1h}]}}`,
			[]string{"alert_rules", "events[0]", "condition"},
		},
		"rule files that do not exist": {
			`connectors: {alert_rules: {rule_files: [nowhere/*.yaml]}}`,
			[]string{"alert_rules", "rule_files[0]", "nowhere"},
		},
		"name of a layer attribute that is empty": {
			`processors: {layer_enricher: {layers: {rules: [{layer: "", name_prefix: ["x."]}]}}}`,
			[]string{"layer_enricher", "layer", "empty"},
		},
		"flush interval of 0": {
			`connectors: {foundation_metrics: {flush_interval: 0s}}`,
			[]string{"foundation_metrics", "flush_interval"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := validate(t, nil, shipped, "yaml:"+c.yaml)
			require.Error(t, err, out)
			for _, w := range c.want {
				assert.Contains(t, out, w)
			}
			assert.NotContains(t, out, "panic")
		})
	}
}

// All bad rules of all files at once, each with its file, group and name.
func TestBadRuleFilesFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "foundation-mine.yaml"), []byte(`
groups:
  - name: mine
    rules:
      - alert: Broken Expression
        expr: 'sum(rate(x[5m]) > 1'
      - alert: Unknown Function
        expr: 'average(x) > 1'
      - alert: Fine
        expr: 'x > 1'
`), 0o600))
	out, err := validate(t, []string{"FOUNDATION_RULES_DIR=" + dir}, shipped)
	require.Error(t, err, out)
	for _, w := range []string{"alert_rules", "foundation-mine.yaml", "mine", "Broken Expression", "Unknown Function", "average"} {
		assert.Contains(t, out, w)
	}
}
