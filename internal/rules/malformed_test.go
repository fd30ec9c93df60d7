package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What does not even decode is told as well as what does not parse.
func TestMalformedFilesAreReportedRuleByRule(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"keys and types", `
groups:
- name: one
  interval: often
  rules:
  - {alert: Fine, expr: up == 0}
  - {alert: Duration, expr: up, for: 5 minutes}
  - {alert: Key, expr: up, owner: x, labels: [a]}
  - {alert: Expr, expr: 'nofunc(up)'}
  - {record: 'a b{}', expr: up}
  - text
- name: one
  ruels: []
- name: two
  rules:
  - {record: r, expr: {}}
grops: []
`, `bad.yaml: 2:1: unknown key "grops", allowed are groups
bad.yaml: 3:3: group "one": not a valid duration string: "often"
bad.yaml: 7:5: group "one", rule 2, "Duration": unknown unit " minutes" in duration "5 minutes"
bad.yaml: 8:5: group "one", rule 3, "Key": unknown key "owner", allowed are alert, record, expr, for, keep_firing_for, labels, annotations
bad.yaml: 8:5: group "one", rule 3, "Key": a value (seq) has the wrong type
bad.yaml: 9:5: group "one", rule 4, "Expr": could not parse expression: 1:1: parse error: unknown function with name "nofunc"
bad.yaml: 10:5: group "one", rule 5, "a b{}": braces present in the recording rule name; should it be in expr?: a b{}
bad.yaml: 11:5: group "one", rule 6, "": must be a mapping with the keys alert, record, expr, for, keep_firing_for, labels, annotations
bad.yaml: 12:3: group "one": the name is repeated in the same file
bad.yaml: 12:3: group "one": unknown key "ruels", allowed are name, interval, query_offset, limit, labels, rules
bad.yaml: 16:5: group "two", rule 1, "r": a value (map) has the wrong type`},
		{
			"aliases", "groups:\n- {name: a, rules: [&r {alert: A, expr: up, labels: &l {x: y}}, {alert: B, expr: up, labels: {<<: *l}}, {alert: C, expr: up, owner: x}]}\n- {name: b, rules: [*r]}\n",
			`bad.yaml: 2:105: group "a", rule 3, "C": unknown key "owner", allowed are alert, record, expr, for, keep_firing_for, labels, annotations`,
		},
		{"no YAML", "groups: [", "bad.yaml: yaml: line 1: did not find expected node content"},
		{"a list", "- a", "bad.yaml: 1:1: must be a mapping with the keys groups"},
		{"groups of text", "groups: text", `bad.yaml: 1:1: "text" (str) has the wrong type`},
		{"a group of text", "groups: [text]", `bad.yaml: 1:10: group "": must be a mapping with the keys name, interval, query_offset, limit, labels, rules`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load("bad.yaml", []byte(c.file), Options{})
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestUnknownKeysMayBeIgnored(t *testing.T) {
	const file = "groups: [{name: g, owner: x, rules: [{alert: A, owner: x, expr: up}%s]}]"
	_, err := Load("f", []byte(strings.Replace(file, "%s", "", 1)), Options{IgnoreUnknownFields: true})
	assert.NoError(t, err)
	_, err = Load("f", []byte(strings.Replace(file, "%s", ", {alert: B, expr: [], owner: x}, {alert: C, expr: '('}", 1)), Options{IgnoreUnknownFields: true})
	assert.ErrorContains(t, err, `rule 2, "B"`)
	assert.ErrorContains(t, err, `rule 3, "C"`)
	assert.NotContains(t, err.Error(), "owner")
}

// Whatever the file holds, there is an error or there are rules, and no panic.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("groups: [{name: g, rules: [{alert: A, expr: up, for: 1m}]}]"))
	f.Add([]byte("groups: [{name: g, rules: [{alert: A, expr: {}, owner: x}, &a [*a]]}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		gs, err := Load("f", content, Options{Interval: time.Minute})
		if err != nil && err.Error() == "" {
			t.Fatal("an error that says nothing")
		}
		for _, g := range gs {
			g.Selectors()
			g.Reach(t0, time.Minute)
		}
		LinkSources(gs, time.Minute)
	})
}
