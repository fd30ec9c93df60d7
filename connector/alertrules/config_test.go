package alertrules

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	c, err := parse(t, "{}")
	require.NoError(t, err)
	assert.Equal(t, &Config{
		EvaluationInterval:        30 * time.Second,
		ResendInterval:            time.Minute,
		DegradationEvents:         true,
		TranslationStrategy:       NoTranslation,
		PromoteResourceAttributes: []string{"service.name", "deployment.environment.name"},
		EventPrefix:               "foundation_os.alert",
		Emit:                      []Kind{KindTriggered, KindResolved, KindActive},
		Limits:                    Limits{Series: 100000, AlertsPerRule: 1000, SamplesPerQuery: 50000000},
	}, c)
}

func TestEveryKeyIsRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(`groups: [{name: g, rules: [{record: r, expr: up}]}]`), 0o600))
	c, err := parse(t, `
evaluation_interval: 10s
eval_delay: 5s
resend_interval: 2m
storage: file_storage/a
directory: `+dir+`
degradation_events: false
translation_strategy: UnderscoreEscapingWithSuffixes
promote_resource_attributes: [a]
external_labels: {dc: x}
event_prefix: my.alert
emit: [pending, no_data, flapping]
limits: {series: 1, alerts_per_rule: 2, samples_per_query: 3}
rule_files: ['`+dir+`/*.yaml']
rules:
  - name: R
    metric: m
    where: {a.b: c}
    aggregate: p95
    window: 1h
    group_by: [g]
    op: lte
    threshold: 0.5
    recover_at: 0.7
    no_data: keep_last
    flapping: {transitions: 4, window: 30m}
    min_count: 5
    for: 2m
    keep_firing_for: 5m
    severity: critical
    annotations: {s: x}
events:
  - name: E
    signal: logs
    condition: log.attributes["x"] == 1
    resolve: log.attributes["x"] == 2
    group_by: [g]
    expire_after: 1h
    severity: info
    annotations: {s: x}
`)
	require.NoError(t, err)
	assert.Equal(t, 5*time.Second, c.EvalDelay)
	assert.Equal(t, "file_storage/a", c.Storage.String())
	assert.Equal(t, 2*time.Minute, c.ResendInterval)
	assert.Equal(t, []Kind{KindPending, KindNoData, KindFlapping}, c.Emit)
	assert.Equal(t, 0.7, *c.Rules[0].RecoverAt)
	assert.Equal(t, "keep_last", c.Rules[0].NoData.String())
	assert.Equal(t, Flapping{4, 30 * time.Minute}, c.Rules[0].Flapping)
	assert.Equal(t, UnderscoreEscapingWithSuffixes, c.TranslationStrategy)
	assert.Equal(t, SeverityCritical, c.Rules[0].Severity)
	assert.Equal(t, "lte", c.Rules[0].Op.String())
	assert.Equal(t, "p95", c.Rules[0].Aggregate.String())
	assert.Equal(t, map[string]string{"a.b": "c"}, c.Rules[0].Where)
	assert.Equal(t, SeverityInfo, c.Events[0].Severity)
	assert.Equal(t, time.Hour, c.Events[0].ExpireAfter)
}

func TestMistakesAreErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte(`
groups:
- name: kpis
  rules:
  - {record: fine, expr: up}
  - {alert: Broken, expr: 'nofunc(up) >'}
  - {alert: Unknown, expr: 'nofunc(up)'}
`), 0o600))
	rule := func(s string) string {
		return "rules: [{name: R, metric: m, aggregate: avg, window: 1m, op: gt" + s + "}]"
	}
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "storages: x", "storages"},
		{"unknown key of a rule", rule(", recovers_at: 1"), "recovers_at"},
		{"resend", "resend_interval: 10ms", "resend_interval: 10ms is too short, must be at least 1s, or 0s for never"},
		{"negative resend", "resend_interval: -1m", "resend_interval: -1m0s is too short, must be at least 1s, or 0s for never"},
		{"no events", "emit: []", "emit: is empty, must hold some of triggered, resolved, active, pending, no_data, flapping"},
		{"unknown event", "emit: [begun]", `"begun" is no alert event, allowed: triggered, resolved, active, pending, no_data, flapping`},
		{"recovery on the wrong side", rule(", threshold: 5, recover_at: 6"), `rules[0] ("R").recover_at: 6 is on the wrong side of the threshold, must be 5 or less with gt`},
		{"recovery of equality", "rules: [{name: R, metric: m, aggregate: avg, window: 1m, op: eq, recover_at: 1}]", `rules[0] ("R").recover_at: eq has no side to recover on, op must be one of gt, gte, lt, lte`},
		{"no data", rule(", no_data: fire"), `"fire" is no way to treat missing data, allowed are ok, alert, keep_last`},
		{"flapping once", rule(", flapping: {transitions: 1, window: 1m}"), `rules[0] ("R").flapping.transitions: 1 is too small, must be at least 2, one begin and one end`},
		{"flapping without a window", rule(", flapping: {transitions: 4}"), `rules[0] ("R").flapping.window: 0s is too short, must be longer than 0s`},
		{"interval", "evaluation_interval: 10ms", "evaluation_interval: 10ms is too short, must be at least 1s"},
		{"delay", "eval_delay: -1s", "eval_delay: -1s is negative"},
		{"prefix", "event_prefix: ''", "event_prefix: is empty"},
		{"promote", "promote_resource_attributes: ['']", "promote_resource_attributes: holds an empty name"},
		{"external", "external_labels: {'': x}", `external_labels: "" is no label name`},
		{"limits", "limits: {series: 0}", "limits: series: 0 is too small, must be at least 1"},
		{"alert limit", "limits: {alerts_per_rule: -1}", "alerts_per_rule: -1"},
		{"sample limit", "limits: {samples_per_query: 0}", "samples_per_query: 0"},
		{"strategy", "translation_strategy: Underscores", "NoTranslation, UnderscoreEscapingWithSuffixes, NoUTF8EscapingWithSuffixes"},
		{"no op", "rules: [{name: R, metric: m, aggregate: avg, window: 1m}]", `rules[0] ("R").op: is missing, must be one of gt, gte, lt, lte, eq, neq`},
		{"bad op", "rules: [{name: R, metric: m, aggregate: avg, window: 1m, op: '>'}]", "gt, gte, lt, lte, eq, neq"},
		{"bad aggregate", "rules: [{name: R, metric: m, aggregate: mean, window: 1m, op: gt}]", "avg, min, max, sum, count, last, rate, increase, p50, p90, p95, p99"},
		{"bad severity", rule(", severity: bad"), "warning, info, error, critical"},
		{"group by its own label", rule(", group_by: [a, severity]"), `rules[0] ("R").group_by[1]: "severity" is the rule's own label, must be another`},
		{"group by the name", rule(", group_by: [alertname]"), `rules[0] ("R").group_by[0]: "alertname" is the rule's own label`},
		{"group by nothing", rule(", group_by: ['']"), `rules[0] ("R").group_by[0]: is empty`},
		{"where nothing", rule(", where: {'': x}"), `rules[0] ("R").where: holds an empty name`},
		{"where another name", rule(", where: {__name__: x}"), `rules[0] ("R").where: "__name__" is the metric's name, must stand under metric`},
		{"bad template", rule(", annotations: {s: '{{ nofunc }}'}"), `"nofunc" not defined`},
		{"duplicate", "rules: [{name: R, metric: m, aggregate: avg, window: 1m, op: gt}]\nevents: [{name: R, condition: 'true', expire_after: 1m}]", `events[0].name: "R" is the name of rules[0] too`},
		{"signal", "events: [{name: E, signal: metrics, condition: 'true', expire_after: 1m}]", `"metrics" is no signal of event rules, allowed: logs, spans`},
		{"no condition on spans", "events: [{name: E, signal: spans, expire_after: 1m}]", `events[0] ("E").condition: is missing, must be an OTTL condition on the span context`},
		{"a log's path on spans", "events: [{name: E, signal: spans, condition: 'log.body == \"x\"', expire_after: 1m}]", `events[0] ("E").condition: `},
		{"event flapping once", "events: [{name: E, condition: 'true', expire_after: 1m, flapping: {transitions: 1}}]", `events[0] ("E").flapping.transitions: 1 is too small, must be at least 2, one begin and one end`},
		{"no name", "events: [{condition: 'true', expire_after: 1m}]", `events[0] ("").name: is empty`},
		{"no condition", "events: [{name: E, expire_after: 1m}]", `events[0] ("E").condition: is missing, must be an OTTL condition on the log context`},
		{"bad condition", "events: [{name: E, condition: 'log.nope == 1', expire_after: 1m}]", `events[0] ("E").condition: `},
		{"path without its context", "events: [{name: E, condition: 'attributes[\"x\"] == 1', expire_after: 1m}]", `events[0] ("E").condition: `},
		{"bad resolve", "events: [{name: E, condition: 'true', resolve: 'Nope()'}]", `events[0] ("E").resolve: `},
		{"never ends", "events: [{name: E, condition: 'true'}]", `events[0] ("E").resolve: is empty and expire_after is 0s`},
		{"event grouped by its own label", "events: [{name: E, condition: 'true', expire_after: 1m, group_by: [a, severity]}]", `events[0] ("E").group_by[1]: "severity" is the rule's own label, must be another`},
		{"event grouped by nothing", "events: [{name: E, condition: 'true', expire_after: 1m, group_by: ['']}]", `events[0] ("E").group_by[0]: is empty`},
		{"negative expiry", "events: [{name: E, condition: 'true', expire_after: -1s}]", "expire_after: -1s is negative"},
		{"no such file", "rule_files: ['" + dir + "/none-*.yaml']", "none-*.yaml\" matches no file"},
		{"bad pattern", "rule_files: ['[']", "no legal pattern"},
		{"bad PromQL", "rule_files: ['" + bad + "']", `group "kpis", rule 2, "Broken"`},
		{"unknown function", "rule_files: ['" + bad + "']", `group "kpis", rule 3, "Unknown": could not parse expression`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(t, c.yaml)
			assert.ErrorContains(t, err, c.want)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := parse(t, "evaluation_interval: 1ms\nrule_files: ['"+bad+"', nothing.yaml]\nrules: [{name: R}]\nevents: [{name: E}]\n")
		for _, want := range []string{"evaluation_interval", "Broken", "Unknown", "nothing.yaml", `rules[0] ("R").op`, `events[0] ("E").condition`} {
			assert.ErrorContains(t, err, want)
		}
	})
}

// Loaded twice, a file's alerts would be told twice.
func TestAFileThatTwoPatternsMatchIsLoadedOnce(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(`groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]`), 0o600))
	c := createDefaultConfig().(*Config)
	c.RuleFiles = []string{filepath.Join(dir, "*.yaml"), dir + "/a.yaml", dir + "/./a.yaml"}
	_, groups, err := c.readRuleFiles()
	require.NoError(t, err)
	assert.Len(t, groups, 1)
}

func TestEnumsReadWhatTheyWrite(t *testing.T) {
	for i := range severities {
		var s Severity
		require.NoError(t, s.UnmarshalText([]byte(Severity(i).String())))
		assert.Equal(t, Severity(i), s)
	}
	for i := range strategies {
		var s Strategy
		require.NoError(t, s.UnmarshalText([]byte(Strategy(i).String())))
		assert.Equal(t, Strategy(i), s)
	}
	for i := range kinds {
		var k Kind
		require.NoError(t, k.UnmarshalText([]byte(Kind(i).String())))
		assert.Equal(t, Kind(i), k)
	}
	assert.Equal(t, "unknown(9)", Severity(9).String())
}
