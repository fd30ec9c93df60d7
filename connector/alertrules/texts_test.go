package alertrules

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A template can cut a character in two. What reads events or metrics may refuse
// a whole batch because of a text that is not UTF-8.
func TestTextsOfTemplatesCanBeSentOn(t *testing.T) {
	cfg := mustParse(t, "rules: [{name: Cut, metric: m, aggregate: last, window: 1m, group_by: [i], op: gt, threshold: 5, annotations: {s: '{{ slice $labels.i 0 1 }}'}}]")
	cfg.RuleFiles = []string{ruleFile(t, `groups: [{name: g, rules: [{alert: CutLabel, expr: m > 5, labels: {severity: "{{ slice $labels.i 0 1 }}"}}]}]`)}
	r := newRigOf(t, cfg)
	r.send(gauge(t0, "m", point{v: 9, attrs: map[string]any{"i": "é"}}))
	r.step(30 * time.Second)
	valid := func(at pcommon.Map) {
		for k, v := range at.All() {
			assert.True(t, utf8.ValidString(v.AsString()), "%s: %q", k, v.AsString())
		}
	}
	got := r.records()
	require.Len(t, got, 2)
	for _, lr := range got {
		valid(lr.Attributes())
		assert.True(t, utf8.ValidString(lr.SeverityText()))
	}
	for _, md := range r.metrics.AllMetrics() {
		for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
			points := m.Gauge().DataPoints
			if m.Type() == pmetric.MetricTypeSum {
				points = m.Sum().DataPoints
			}
			for _, p := range points().All() {
				valid(p.Attributes())
			}
		}
	}
}
