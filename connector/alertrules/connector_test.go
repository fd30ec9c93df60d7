package alertrules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const highRate = `
evaluation_interval: 30s
external_labels: {dc: east}
rules:
  - name: High Error Rate
    metric: foundation.error_rate
    aggregate: avg
    window: 1m
    group_by: [service.name]
    op: gt
    threshold: 0.05
    for: 30s
    severity: error
    annotations: {summary: '{{ humanizePercentage $value }} of {{ index $labels "service.name" }} in {{ $externalLabels.dc }}'}
`

func TestThresholdRuleFiresAndResolves(t *testing.T) {
	r := newRig(t, highRate)
	feed := func(v float64) {
		r.send(gauge(r.clock.now(), "foundation.error_rate", point{v: v}))
		r.step(30 * time.Second)
	}
	r.step(30 * time.Second)
	assert.Empty(t, r.short(), "silent without data")
	feed(0.01)
	assert.Empty(t, r.short(), "silent below")
	feed(0.25)
	assert.Empty(t, r.short(), "pending")
	feed(0.25)
	got := r.records()
	require.Len(t, got, 1)
	lr := got[0]
	assert.Equal(t, "foundation_os.alert.triggered", lr.EventName())
	assert.Equal(t, plog.SeverityNumberError, lr.SeverityNumber())
	assert.Equal(t, t0.Add(2*time.Minute), lr.Timestamp().AsTime())
	assert.Equal(t, plog.NewLogRecord().Body(), lr.Body(), "no body")
	raw := lr.Attributes().AsRaw()
	id, episode := raw["alert.id"], raw["alert.episode.id"]
	assert.Len(t, id, 16)
	assert.Len(t, episode, 16)
	delete(raw, "alert.id")
	delete(raw, "alert.episode.id")
	assert.Equal(t, map[string]any{
		"alert.rule.name": "High Error Rate", "alert.state": "firing", "alert.severity": "error",
		"alert.metric.name": "foundation.error_rate", "alert.operator": "gt", "alert.threshold": 0.05, "alert.value": 0.25,
		"alert.starts_at": "2026-01-02T12:02:00Z", "alert.reason": "condition_met",
		"alert.label.alertname": "High Error Rate", "alert.label.service.name": "shop", "alert.label.severity": "error", "alert.label.dc": "east",
		"alert.annotation.summary": "25% of shop in east",
	}, raw)

	feed(0.01)
	feed(0.01)
	feed(0.01)
	got = r.records()
	require.Len(t, got, 1)
	lr = got[0]
	assert.Equal(t, "foundation_os.alert.resolved", lr.EventName())
	raw = lr.Attributes().AsRaw()
	assert.Equal(t, id, raw["alert.id"])
	assert.Equal(t, episode, raw["alert.episode.id"])
	assert.Equal(t, 0.01, raw["alert.value"], "the left side, evaluated at the end")
	assert.Equal(t, "condition_cleared", raw["alert.reason"])
	assert.Equal(t, "2026-01-02T12:02:00Z", raw["alert.starts_at"])
	assert.Equal(t, lr.Timestamp().AsTime().Format(time.RFC3339), raw["alert.ends_at"])
}

// The collector hands every instance its own copy of a batch: counted twice, a
// delta would double.
func TestOnlyOneInstanceIngests(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 10s
rules:
  - {name: Many, metric: jobs, aggregate: increase, window: 1m, op: gt, threshold: 0}
`)
	for i := range 3 {
		at := t0.Add(time.Duration(i+1) * 10 * time.Second)
		r.clock.t = at
		r.send(sum(at.Add(-10*time.Second), at, pmetric.AggregationTemporalityDelta, "jobs", point{v: 5}))
	}
	v, err := r.e.store.Query(t.Context(), `{__name__="jobs"}`, r.clock.now())
	require.NoError(t, err)
	require.Len(t, v, 1)
	assert.Equal(t, 15.0, v[0].F)
	assert.True(t, r.ml.(*metricsInstance).ingests)
	assert.False(t, r.mm.(*metricsInstance).ingests)
	r.step(10 * time.Second)
	assert.Len(t, r.short(), 1, "and one engine evaluates: one event")
}

// A severity may come from telemetry.
func TestTransitionsAreBounded(t *testing.T) {
	var tr transitions
	for i := range maxTransitions + 5 {
		tr.add(tally{"R", "firing", fmt.Sprint(i)})
	}
	got := tr.copy()
	assert.Len(t, got, maxTransitions+1)
	assert.Equal(t, int64(5), got[tally{"R", "firing", ""}], "none is lost")
}

func ruleFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const chained = `
groups:
- name: alerts
  rules:
  - alert: Signal Dispatch Failures
    expr: '{"signal.success"} < 0.9 and on () sum(increase({"dispatches"}[1m])) >= 3'
    for: 10s
    keep_firing_for: 10s
    labels: {severity: critical}
    annotations: {summary: 'at {{ $value }}'}
  - alert: Escalated
    expr: ALERTS{alertname="Signal Dispatch Failures", alertstate="firing"} == 1
- name: kpis
  rules:
  - record: signal.success
    expr: sum by (adapter) (increase({"dispatches", outcome="success"}[1m])) / sum by (adapter) (increase({"dispatches"}[1m]))
`

func TestRuleFileThroughTheConnector(t *testing.T) {
	r := newRig(t, "evaluation_interval: 10s\nrule_files: ['"+ruleFile(t, chained)+"']\n")
	ok, bad := 0.0, 0.0
	at := t0
	feed := func(o, b float64) {
		ok, bad = ok+o, bad+b
		at = r.clock.add(10 * time.Second)
		points := []point{{v: ok, attrs: map[string]any{"adapter": "http", "outcome": "success"}}}
		if bad > 0 {
			points = append(points, point{v: bad, attrs: map[string]any{"adapter": "http", "outcome": "failure"}})
		}
		r.send(sum(t0, at, pmetric.AggregationTemporalityCumulative, "dispatches", points...))
		r.e.tick(t.Context())
	}
	r.step(10 * time.Second)
	assert.Empty(t, r.short())
	for range 6 {
		feed(10, 0)
	}
	assert.Empty(t, r.short(), "silent while well")
	// The first failures come in a series that was not there before.
	feed(5, 5)
	feed(5, 5)
	feed(5, 5)
	got := r.records()
	require.NotEmpty(t, got)
	for _, lr := range got {
		assert.Equal(t, "foundation_os.alert.triggered", lr.EventName())
	}
	first := got[0].Attributes().AsRaw()
	assert.Equal(t, "Signal Dispatch Failures", first["alert.rule.name"])
	assert.Equal(t, "signal.success", first["alert.metric.name"])
	assert.Equal(t, "lt", first["alert.operator"])
	assert.Equal(t, 0.9, first["alert.threshold"])
	assert.Equal(t, plog.SeverityNumberFatal, got[0].SeverityNumber())
	assert.Less(t, first["alert.value"], 0.9)
	names := []any{}
	for _, lr := range got {
		n, _ := lr.Attributes().Get("alert.rule.name")
		names = append(names, n.AsString())
	}
	assert.Contains(t, names, "Escalated", "groups and rules chain through ALERTS")

	assert.Contains(t, r.points("ALERTS"), "map[adapter:http alertname:Signal Dispatch Failures alertstate:firing severity:critical] 1")
	feed(5, 5)
	recorded := r.points("signal.success")
	require.Len(t, recorded, 1)
	feed(5, 5)
	active := r.points("alert.active")
	assert.Contains(t, active, "map[alert.rule.name:Signal Dispatch Failures severity:critical state:firing] 1")
	assert.Contains(t, active, "map[alert.rule.name:Signal Dispatch Failures severity:critical state:pending] 0")

	for range 9 {
		feed(10, 0)
	}
	assert.Contains(t, r.points("ALERTS"), "map[adapter:http alertname:Signal Dispatch Failures alertstate:firing severity:critical] gone")
	resolved := r.short()
	assert.Len(t, resolved, 2)
	assert.True(t, slices.ContainsFunc(resolved, func(s string) bool {
		return s[:len("foundation_os.alert.resolved Signal")] == "foundation_os.alert.resolved Signal"
	}), resolved)
	feed(10, 0)
	assert.Contains(t, r.points("alert.transitions"), "map[alert.rule.name:Signal Dispatch Failures severity:critical state:firing] 1")
}

// The same data gives the same alerts, whatever its temporality.
func TestDeltaAndCumulativeGiveTheSameAlerts(t *testing.T) {
	const cfg = `
evaluation_interval: 10s
rules:
  - {name: Burst, metric: errors, aggregate: increase, window: 1m, group_by: [kind], op: gt, threshold: 8}
  - {name: Rate, metric: errors, aggregate: rate, window: 30s, op: gte, threshold: 0.4, for: 10s, keep_firing_for: 20s}
  - {name: Slow, metric: latency, aggregate: p95, window: 1m, op: gt, threshold: 0.5, min_count: 5}
  - {name: Slow Native, metric: latency.exp, aggregate: p99, window: 1m, op: gt, threshold: 3, min_count: 5}
`
	run := func(temporality pmetric.AggregationTemporality) []string {
		r := newRig(t, cfg)
		cumulative := temporality == pmetric.AggregationTemporalityCumulative
		total := map[string]float64{}
		var fast, slow uint64
		var all []string
		for i := range 40 {
			from := r.clock.now()
			at := r.clock.add(10 * time.Second)
			start := from
			if cumulative {
				start = t0
			}
			var points []point
			for k, n := range map[string]float64{"a": float64(i % 4), "b": float64((i / 10 % 2) * 3)} {
				if n == 0 && total[k] == 0 {
					continue // the series has not begun
				}
				total[k] += n
				if cumulative {
					n = total[k]
				}
				points = append(points, point{v: n, attrs: map[string]any{"kind": k}})
			}
			r.send(sum(start, at, temporality, "errors", points...))
			f, s := uint64(9), uint64(i/10%2*4)
			fast, slow = fast+f, slow+s
			if cumulative {
				f, s = fast, slow
			}
			r.send(latency(start, at, temporality, f, s))
			r.e.tick(t.Context())
			for _, line := range r.short() {
				all = append(all, at.Format("15:04:05 ")+line)
			}
		}
		r.stop()
		return all
	}
	delta, cumulative := run(pmetric.AggregationTemporalityDelta), run(pmetric.AggregationTemporalityCumulative)
	assert.Equal(t, cumulative, delta)
	for _, rule := range []string{"Burst", "Rate", "Slow", "Slow Native"} {
		for _, state := range []string{"triggered", "resolved"} {
			assert.True(t, slices.ContainsFunc(delta, func(s string) bool {
				return len(s) > 9 && s[9:min(len(s), 9+len("foundation_os.alert."+state+" "+rule))] == "foundation_os.alert."+state+" "+rule
			}), "%s %s in %v", rule, state, delta)
		}
	}
}

// latency holds an explicit and an exponential histogram of the same values:
// fast ones at about 0.1, slow ones at about 4.
func latency(start, at time.Time, temporality pmetric.AggregationTemporality, fast, slow uint64) pmetric.Metrics {
	md, m := batch("latency")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(temporality)
	dp := h.DataPoints().AppendEmpty()
	dp.SetStartTimestamp(ts(start))
	dp.SetTimestamp(ts(at))
	dp.ExplicitBounds().FromRaw([]float64{0.1, 1, 10})
	dp.BucketCounts().FromRaw([]uint64{fast, 0, slow, 0})
	dp.SetCount(fast + slow)
	dp.SetSum(0.1*float64(fast) + 4*float64(slow))
	x := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	x.SetName("latency.exp")
	e := x.SetEmptyExponentialHistogram()
	e.SetAggregationTemporality(temporality)
	xp := e.DataPoints().AppendEmpty()
	xp.SetStartTimestamp(ts(start))
	xp.SetTimestamp(ts(at))
	xp.SetScale(0)
	xp.Positive().SetOffset(-4) // (1/16, 1/8]
	xp.Positive().BucketCounts().FromRaw([]uint64{fast, 0, 0, 0, 0, slow})
	xp.SetCount(fast + slow)
	xp.SetSum(dp.Sum())
	return md
}
