package rules

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One report names everything that is wrong, with file, group and rule.
func TestAllBadRulesAreToldWithTheirPlace(t *testing.T) {
	_, err := Load("f.yaml", []byte(`
groups:
- name: good
  rules: [{alert: Fine, expr: up == 0}]
- name: bad
  interval: soon
  owner: me
  rules:
  - {alert: Late, expr: up == 0, for: 5 minutes}
  - {alert: Typo, expr: up == 0, labls: {severity: page}}
  - {alert: Syntax, expr: 'up =='}
  - {alert: Function, expr: 'nope(up)'}
  - {record: series, expr: up, for: 5m}
  - {alert: Template, expr: up, annotations: {summary: '{{ .Value | nope }}'}}
  - {alert: Shape, expr: up, labels: [a, b]}
  - {alert: Twice, expr: up, expr: down}
  - just text
  - {alert: Fine2, expr: up}
- name: bad
  rules: none
`), Options{})
	require.Error(t, err)
	assert.Equal(t, []string{
		`f.yaml: 6:13: group "bad": interval: not a valid duration string: "soon"`,
		`f.yaml: 7:3: group "bad": field "owner" is not known, allowed are name, interval, query_offset, limit, rules, labels`,
		`f.yaml: 9:39: group "bad", rule 1, "Late": for: unknown unit " minutes" in duration "5 minutes"`,
		`f.yaml: 10:34: group "bad", rule 2, "Typo": field "labls" is not known, allowed are record, alert, expr, for, keep_firing_for, labels, annotations`,
		`f.yaml: 11:27: group "bad", rule 3, "Syntax": could not parse expression: 1:6: parse error: unexpected end of input`,
		`f.yaml: 12:29: group "bad", rule 4, "Function": could not parse expression: 1:1: parse error: unknown function with name "nope"`,
		`f.yaml: 13:14: group "bad", rule 5, "series": invalid field 'for' in recording rule`,
		`f.yaml: group "bad", rule 6, "Template": annotation "summary": template: __alert_Template:1: function "nope" not defined`,
		`f.yaml: 15:38: group "bad", rule 7, "Shape": labels: cannot unmarshal !!seq into map[string]string`,
		`f.yaml: 16:30: group "bad", rule 8, "Twice": field "expr" is there twice`,
		`f.yaml: 17:5: group "bad", rule 9, "": must be a mapping with the fields record, alert, expr, for, keep_firing_for, labels, annotations`,
		`f.yaml: 19:3: group "bad": the name is repeated in the same file`,
		`f.yaml: 20:10: group "bad": rules must be a list`,
	}, strings.Split(err.Error(), "\n"))

	_, err = Load("f.yaml", []byte("groups: ["), Options{})
	require.ErrorContains(t, err, "f.yaml: yaml: line 1")
	_, err = Load("f.yaml", []byte("- a"), Options{})
	require.ErrorContains(t, err, "f.yaml: 1:1: must be a mapping with the fields groups")
	_, err = Load("f.yaml", []byte("groups: [{name: g, x: 1, rules: [{alert: A, y: 2, expr: up}]}]"), Options{IgnoreUnknownFields: true})
	require.NoError(t, err)
}

// Anchors and merges are YAML that Prometheus accepts.
func TestPlacesBehindAnchors(t *testing.T) {
	const file = `
groups:
- &g
  name: a
  rules: &rules
  - &r {alert: A, expr: up}
  - {<<: *r, alert: B}
- <<: *g
  name: b
  rules: *rules
`
	gs, err := Load("f.yaml", []byte(file), Options{})
	require.NoError(t, err)
	require.Len(t, gs, 2)
	_, err = Load("f.yaml", []byte(strings.Replace(file, "alert: B", "alert: B, fro: 1m", 1)), Options{})
	require.ErrorContains(t, err, `f.yaml: 7:24: group "a", rule 2, "B": field "fro" is not known`)
	assert.NotContains(t, err.Error(), "f.yaml: 6:")
}

func FuzzLoad(f *testing.F) {
	f.Add("groups: [{name: g, rules: [{alert: A, expr: up, for: x}]}]")
	f.Add("groups: [{name: g, rules: [{<<: {alert: A}, expr: up, a: &x [*x]}]}]")
	f.Fuzz(func(_ *testing.T, file string) {
		_, _ = Load("f", []byte(file), Options{}) // must not panic
	})
}
