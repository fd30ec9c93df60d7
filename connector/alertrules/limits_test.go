package alertrules

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// ownGauge is the value of an own gauge; -1 before it has one.
func (r *rig) ownGauge(name string) int64 {
	r.t.Helper()
	m, err := r.tel.GetMetric(name)
	if err != nil {
		return -1
	}
	return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
}

func TestRulesThatSelectNothingAreCounted(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 30s
rules:
  - {name: Here, metric: m, aggregate: max, window: 10m, op: gt, threshold: 1}
  - {name: Misspelt, metric: n, aggregate: max, window: 10m, op: gt, threshold: 1}
rule_files: ['`+ruleFile(t, `
groups:
- name: g
  rules:
  - {record: kpi, expr: 'm / 0 * 0 > 0'}
  - {alert: Of A KPI That Says Nothing, expr: 'kpi > 1'}
  - {alert: Absent, expr: 'absent(never)'}
  - {alert: Always, expr: 'vector(1)'}
  - {alert: Chained, expr: 'ALERTS{alertname="x"}'}
  - {alert: No Such Label, expr: 'm{no="such"} > 1'}
`)+`']
`)
	const name = "otelcol_alert_rules_rules_without_series"
	r.step(30 * time.Second)
	assert.Equal(t, int64(-1), r.ownGauge(name), "nothing is missed in the first minute")
	r.send(gauge(r.clock.now(), "m", point{v: 0}))
	r.step(30 * time.Second)
	assert.Equal(t, int64(2), r.ownGauge(name))
	assert.Equal(t, []string{"Misspelt", "No Such Label"}, r.e.eval.survey.without)
	r.send(gauge(r.clock.now(), "n", point{v: 0}))
	r.step(time.Minute)
	assert.Equal(t, int64(1), r.ownGauge(name))
}

func TestQueriesAreBounded(t *testing.T) {
	r := newRig(t, `
limits: {samples_per_query: 20}
rules: [{name: Wide, metric: m, aggregate: max, window: 10m, op: gt, threshold: 1}, {name: Narrow, metric: n, aggregate: max, window: 10m, op: gt, threshold: 1}]
`)
	var points []point
	for i := range 30 {
		points = append(points, point{v: 2, attrs: map[string]any{"i": i}})
	}
	r.send(gauge(t0, "m", points...))
	r.send(gauge(t0, "n", points[:1]...))
	r.step(30 * time.Second)
	assert.Equal(t, []string{"foundation_os.alert.triggered Narrow 2 condition_met"}, r.short(), "the others go on")
	assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_refused", "reason", "sample_limit"))
	assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_evaluation_failures", "", ""))
}

func TestAlertsOfARuleAreBounded(t *testing.T) {
	r := newRig(t, "limits: {alerts_per_rule: 2}\nrules: [{name: R, metric: m, aggregate: max, window: 10m, group_by: [i], op: gt, threshold: 1}]")
	var points []point
	for i := range 5 {
		points = append(points, point{v: 2, attrs: map[string]any{"i": i}})
	}
	r.send(gauge(t0, "m", points...))
	r.step(30 * time.Second)
	assert.Len(t, r.short(), 2)
	assert.Equal(t, int64(3), r.counter("otelcol_alert_rules_refused", "reason", "alert_limit"))
}

// What counts as a sample depends on what the metric is: of a histogram it is a
// measurement, not an export.
func TestMinCount(t *testing.T) {
	const cfg = `
evaluation_interval: 10s
resend_interval: 0s
rules:
  - {name: Gauge, metric: g, aggregate: avg, window: 1m, op: gt, threshold: 1, min_count: 3}
  - {name: Gauge Quantile, metric: g, aggregate: p50, window: 1m, op: gt, threshold: 1, min_count: 3}
  - {name: Histogram, metric: latency, aggregate: p95, window: 1m, op: gt, threshold: 1, min_count: 5}
  - {name: Native, metric: latency.exp, aggregate: p95, window: 1m, op: gt, threshold: 1, min_count: 5}
`
	for _, temporality := range []pmetric.AggregationTemporality{pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative} {
		r := newRig(t, cfg)
		send := func(v float64, slow uint64) {
			start, at := r.clock.now(), r.clock.add(10*time.Second)
			if temporality == pmetric.AggregationTemporalityCumulative {
				start = t0
			}
			r.send(gauge(at, "g", point{v: v}))
			r.send(latency(start, at, temporality, 0, slow))
			r.e.tick(t.Context())
		}
		send(2, 4)
		send(2, 4)
		if temporality == pmetric.AggregationTemporalityDelta {
			require.NotEmpty(t, r.short(), "4 and 4 measurements")
		} else {
			require.Empty(t, r.short(), "still the same 4 measurements")
			send(2, 9)
			assert.Len(t, r.short(), 4)
		}
		r.stop()
	}
	t.Run("below it an alert is over, and says why", func(t *testing.T) {
		r := newRig(t, cfg)
		for range 3 {
			r.send(gauge(r.clock.now(), "g", point{v: 2}))
			r.step(10 * time.Second)
		}
		assert.Equal(t, []string{"foundation_os.alert.triggered Gauge 2 condition_met", "foundation_os.alert.triggered Gauge Quantile 2 condition_met"}, r.short())
		for range 2 {
			r.step(10 * time.Second)
		}
		assert.Empty(t, r.short())
		r.step(10 * time.Second)
		assert.Equal(t, []string{"foundation_os.alert.resolved Gauge 2 too_few_samples", "foundation_os.alert.resolved Gauge Quantile 2 too_few_samples"}, r.short())
	})
}
