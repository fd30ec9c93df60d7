package alertrules

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// exemplar adds one whose trace id begins with n; n = 0 leads to no trace.
func exemplar(to pmetric.ExemplarSlice, at time.Time, v float64, n byte) {
	e := to.AppendEmpty()
	e.SetTimestamp(ts(at))
	e.SetDoubleValue(v)
	if n > 0 {
		e.SetTraceID(pcommon.TraceID{n})
		e.SetSpanID(pcommon.SpanID{n})
	}
}

func metricAt(md pmetric.Metrics, i int) pmetric.Metric {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(i)
}

// traces takes the rule and the first byte of trace and span of each event.
func (r *rig) traces() []string {
	var all []string
	for _, lr := range r.all() {
		name, _ := lr.Attributes().Get("alert.rule.name")
		trace, span := lr.TraceID(), lr.SpanID()
		all = append(all, fmt.Sprint(name.Str(), " ", hex.EncodeToString(trace[:1]), hex.EncodeToString(span[:1])))
	}
	return all
}

func TestAlertsNameTheTraceOfTheWorstExemplar(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 10s
resend_interval: 0s
rules:
  - {name: Slow, metric: latency, aggregate: p95, window: 1m, group_by: [service.name], op: gt, threshold: 0.5}
  - {name: Slow Native, metric: latency.exp, aggregate: p99, window: 1m, op: gt, threshold: 3}
  - {name: Low, metric: score, aggregate: avg, window: 1m, op: lt, threshold: 0.5}
  - {name: None, metric: latency, aggregate: count, window: 1m, op: gte, threshold: 0}
rule_files: ['`+ruleFile(t, `
groups:
- name: g
  rules:
  - {record: score.mean, expr: 'avg by (pool) ({"score"})'}
  - {alert: Recorded, expr: '{"score.mean"} < 0.5', labels: {team: x}}
`)+`']
`)
	send := func(offset time.Duration, first byte, worst float64) {
		at := r.clock.now().Add(offset)
		md := latency(at.Add(-10*time.Second), at, pmetric.AggregationTemporalityDelta, 1, 9)
		h := metricAt(md, 0).Histogram().DataPoints().At(0).Exemplars()
		exemplar(h, at, 0.1, first)
		exemplar(h, at, worst, first+1)
		exemplar(h, at, 1000, 0)
		exemplar(metricAt(md, 1).ExponentialHistogram().DataPoints().At(0).Exemplars(), at, worst, first+2)
		g := gauge(at, "score", point{v: 0.3, attrs: map[string]any{"pool": "a"}}, point{v: 0.1, attrs: map[string]any{"pool": "b"}})
		exemplar(metricAt(g, 0).Gauge().DataPoints().At(0).Exemplars(), at, 0.3, first+3)
		exemplar(metricAt(g, 0).Gauge().DataPoints().At(1).Exemplars(), at, 0.1, first+4)
		unreferenced := gauge(at, "unreferenced", point{v: 1})
		exemplar(metricAt(unreferenced, 0).Gauge().DataPoints().At(0).Exemplars(), at, 1e9, 99)
		r.send(md)
		r.send(g)
		r.send(unreferenced)
	}
	send(-2*time.Minute, 10, 100) // worse, but before the window
	send(-10*time.Second, 20, 4)
	send(0, 30, 3)
	r.step(10 * time.Second)
	assert.ElementsMatch(t, []string{
		"Slow 1515", "Slow Native 1616", "Low 2222", "Recorded 2121", "Recorded 2222",
	}, r.traces(), "20+1, 20+2, and of equal ones the newest: 30+4 and so on")
}

func TestExemplarsAreBoundedAndMayBeBad(t *testing.T) {
	r := newRig(t, "limits: {series: 1}\nrules: [{name: R, metric: m, aggregate: max, window: 1m, group_by: [i], op: gt, threshold: 1}]")
	md := gauge(t0, "m", point{v: 2, attrs: map[string]any{"i": 1}})
	for i, at := range []time.Time{t0.AddDate(100, 0, 0), t0.AddDate(-1, 0, 0), {}} {
		exemplar(metricAt(md, 0).Gauge().DataPoints().At(0).Exemplars(), at, 5, byte(i+1))
	}
	x := metricAt(md, 0).Gauge().DataPoints().At(0).Exemplars()
	x.At(2).SetTimestamp(0) // the point's own
	r.send(md)
	r.step(30 * time.Second)
	assert.Equal(t, []string{"R 0303"}, r.traces())
	require.Zero(t, r.counter("otelcol_alert_rules_refused", "reason", "exemplar_limit"))
}
