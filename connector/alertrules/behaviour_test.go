package alertrules

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func TestSeriesAreBounded(t *testing.T) {
	r := newRig(t, `
limits: {series: 3}
rules: [{name: R, metric: m, aggregate: sum, window: 1m, op: gt, threshold: 1}]
`)
	var points []point
	for i := range 10 {
		points = append(points, point{v: 1, attrs: map[string]any{"i": i}})
	}
	r.send(gauge(t0, "m", points...))
	r.send(gauge(t0, "unreferenced", points...))
	assert.Equal(t, int64(7), r.counter("otelcol_alert_rules_refused", "reason", "series_limit"))
	assert.Equal(t, 3, r.e.store.Series(), "what no rule selects is not kept")
}

func TestBadPointsAreCountedAndGoodOnesPass(t *testing.T) {
	r := newRig(t, `
rules:
  - {name: R, metric: m, aggregate: sum, window: 10m, op: gt, threshold: 1}
  - {name: X, metric: mx, aggregate: p99, window: 10m, op: gt, threshold: 1e300}
`)
	m := gauge(t0, "m", point{v: 2}, point{v: math.NaN(), attrs: map[string]any{"i": "nan"}}, point{v: math.Inf(1), attrs: map[string]any{"i": "inf"}},
		point{v: 1, attrs: map[string]any{"": "x", "bad\xff": "v\xfe", "__name__": "other", "n": []any{1, "a"}, "e": ""}})
	dps := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints()
	for i, at := range []time.Time{time.Unix(0, 0), t0.AddDate(100, 0, 0), t0.AddDate(-1, 0, 0)} {
		p := dps.AppendEmpty()
		p.SetDoubleValue(99)
		p.SetTimestamp(ts(at))
		p.Attributes().PutInt("t", int64(i))
	}
	dps.AppendEmpty().SetTimestamp(ts(t0)) // no value
	nameless := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	nameless.SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(ts(t0))
	m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty().SetName("m") // no type
	h := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	h.SetName("m")
	h.SetEmptyHistogram().DataPoints().AppendEmpty().SetTimestamp(ts(t0))
	x := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	x.SetName("mx")
	for _, scale := range []int32{-100, 100, 20, math.MaxInt32, math.MinInt32} {
		dp := xp(x, t0)
		dp.SetScale(scale)
		dp.Positive().SetOffset(math.MaxInt32)
		dp.Positive().BucketCounts().FromRaw([]uint64{1, 0, math.MaxUint64})
		dp.Attributes().PutInt("scale", int64(scale))
	}
	r.send(m)
	for reason, n := range map[string]int64{"bad_time": 3, "not_finite": 2} {
		assert.Equal(t, n, r.counter("otelcol_alert_rules_refused", "reason", reason), reason)
	}
	assert.GreaterOrEqual(t, r.counter("otelcol_alert_rules_refused", "reason", "invalid"), int64(3))
	r.step(30 * time.Second)
	got := r.records()
	require.Len(t, got, 1)
	assert.Equal(t, 3.0, got[0].Attributes().AsRaw()["alert.value"], "the two good ones")
}

func xp(m pmetric.Metric, at time.Time) pmetric.ExponentialHistogramDataPoint {
	if m.Type() != pmetric.MetricTypeExponentialHistogram {
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	}
	dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
	dp.SetTimestamp(ts(at))
	dp.SetCount(2)
	return dp
}

func TestNoRecordedValueEndsTheSeries(t *testing.T) {
	r := newRig(t, `
evaluation_interval: 10s
rule_files: ['`+ruleFile(t, "groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]")+`']
`)
	r.send(gauge(t0, "m", point{v: 2}))
	r.step(10 * time.Second)
	assert.Equal(t, []string{"foundation_os.alert.triggered A 2 condition_met"}, r.short())
	end := gauge(r.clock.now(), "m", point{v: 0})
	end.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	r.send(end)
	r.step(10 * time.Second)
	assert.Equal(t, []string{"foundation_os.alert.resolved A 2 no_data"}, r.short())
}

func TestTranslation(t *testing.T) {
	for strategy, want := range map[string]string{
		"NoTranslation":                  `{"http.errors", "error.type"="x", "service.name"="shop", job="shop", instance="i1"}`,
		"UnderscoreEscapingWithSuffixes": `http_errors_total{error_type="x", service_name="shop", job="shop", instance="i1"}`,
		"NoUTF8EscapingWithSuffixes":     `{"http.errors_total", "error.type"="x", "service.name"="shop", job="shop", instance="i1"}`,
	} {
		t.Run(strategy, func(t *testing.T) {
			r := newRig(t, "translation_strategy: "+strategy+"\nrule_files: ['"+ruleFile(t, "groups: [{name: g, rules: [{alert: A, expr: '"+want+" > 1'}]}]")+"']\n")
			r.send(sum(t0.Add(-time.Minute), t0, pmetric.AggregationTemporalityCumulative, "http.errors", point{v: 3, attrs: map[string]any{"error.type": "x"}}))
			r.step(30 * time.Second)
			assert.Equal(t, []string{"foundation_os.alert.triggered A 3 condition_met"}, r.short())
		})
	}
}

func TestEvalDelayLooksAtTheTimeItIsNamedFor(t *testing.T) {
	r := newRig(t, "evaluation_interval: 30s\neval_delay: 10s\nrule_files: ['"+ruleFile(t, "groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]")+"']\n")
	r.step(30 * time.Second)
	r.send(gauge(t0.Add(29*time.Second), "m", point{v: 2})) // late
	assert.Empty(t, r.short())
	r.step(10 * time.Second)
	got := r.records()
	require.Len(t, got, 1)
	assert.Equal(t, t0.Add(30*time.Second), got[0].Timestamp().AsTime())
}

func TestSilentSeriesOfDegradationRecover(t *testing.T) {
	r := newRig(t, "evaluation_interval: 30s")
	state := func(v float64) pmetric.Metrics {
		return gauge(r.clock.now(), "degradation.state", point{v: v, attrs: map[string]any{"degradation.metric.name": "m"}})
	}
	r.send(state(1))
	r.step(30 * time.Second)
	require.Len(t, r.records(), 1)
	for range 9 {
		r.step(30 * time.Second)
	}
	require.Len(t, r.records(), 1)
	r.send(state(1))
	r.send(state(0))
	r.step(30 * time.Second)
	got := r.records()
	require.Len(t, got, 2, "an episode shorter than an interval is told too")
	assert.Equal(t, "foundation_os.performance.degradation", got[0].EventName())
	assert.Equal(t, "foundation_os.performance.degradation.recovered", got[1].EventName())
}

// A value that ended is none: 0 would read as "as fast as can be".
func TestDegradationEventsLeaveOutValuesThatEnded(t *testing.T) {
	r := newRig(t, "evaluation_interval: 30s")
	series := point{v: 1, attrs: map[string]any{"degradation.metric.name": "m"}}
	md := gauge(r.clock.now(), "degradation.state", series)
	m := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName("degradation.current")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	series.write(p, r.clock.now())
	p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	r.send(md)
	r.step(30 * time.Second)
	got := r.records()
	require.Len(t, got, 1)
	list := got[0].Attributes().AsRaw()["degradations"].([]any)
	require.Len(t, list, 1)
	assert.NotContains(t, list[0], "current")
}

func TestExternalLabelsReplaceNothing(t *testing.T) {
	r := newRig(t, `
external_labels: {state: x, severity: x, alert.rule.name: x, alertstate: x, dc: east}
rule_files: ['`+ruleFile(t, "groups: [{name: g, rules: [{alert: A, expr: vector(1), labels: {severity: page}}]}]")+`']
`)
	r.step(30 * time.Second)
	assert.Contains(t, r.points("alert.active"), "map[alert.rule.name:A alertstate:x dc:east severity:page state:firing] 1")
	r.step(30 * time.Second)
	assert.Equal(t, []string{"map[alert.rule.name:A alertstate:x dc:east severity:page state:firing] 1"}, r.points("alert.transitions"))
	r.step(30 * time.Second)
	assert.Equal(t, []string{"map[alert.rule.name:x alertname:A alertstate:firing dc:east severity:page state:x] 1"}, r.points("ALERTS"))
}

func TestTemporaryDirectoryIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := newRig(t, "{}")
	entries, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	r.stop()
	entries, err = os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestDirectoryKeepsSamplesOverARestart(t *testing.T) {
	dir := t.TempDir()
	cfg := "directory: " + dir + "/wal\nrules: [{name: R, metric: m, aggregate: max, window: 10m, op: gt, threshold: 1}]\n"
	r := newRig(t, cfg)
	r.send(gauge(t0, "m", point{v: 5}))
	r.stop()
	r = newRig(t, cfg)
	r.step(30 * time.Second)
	assert.Equal(t, []string{"foundation_os.alert.triggered R 5 condition_met"}, r.short())
}

// Who sent the batch would send it again, to all that it has reached already.
func TestSamplesThatCannotBeWrittenAreNoErrorOfTheBatch(t *testing.T) {
	cfg := mustParse(t, "rules: [{name: High, metric: m, aggregate: last, window: 1m, group_by: [i], op: gt, threshold: 5}]")
	cfg.Directory = t.TempDir()
	r := newRigOf(t, cfg)
	r.send(gauge(t0, "m", point{v: 9}))
	require.NoError(t, r.e.store.Close()) // its files take nothing any more
	r.send(gauge(t0, "m", point{v: 9, attrs: map[string]any{"i": "a"}}, point{v: 9, attrs: map[string]any{"i": "b"}}))
	assert.Equal(t, int64(2), r.counter("otelcol_alert_rules_refused", "reason", "not_written"))
	assert.Equal(t, int64(1), r.counter("otelcol_alert_rules_points", "", ""))
	r.kill()
}

func TestConcurrentSenders(t *testing.T) {
	r := newRig(t, breaker+`
rules: [{name: R, metric: jobs, aggregate: increase, window: 10m, op: gt, threshold: 0}]
`)
	var wg sync.WaitGroup
	const senders, each = 8, 25
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				at := t0.Add(time.Duration(i) * time.Second)
				assert.NoError(t, r.ml.ConsumeMetrics(t.Context(), sum(at.Add(-time.Second), at, pmetric.AggregationTemporalityDelta, "jobs", point{v: 1})))
				assert.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(at, fmt.Sprint(s%2), []string{"open", "closed"}[i%2])))
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			r.step(time.Second)
		}
	})
	wg.Wait()
	r.clock.add(10 * time.Minute)
	v, err := r.e.store.Query(t.Context(), `max_over_time({__name__="jobs"}[1h])`, r.clock.now())
	require.NoError(t, err)
	require.Len(t, v, 1)
	assert.Equal(t, float64(senders*each), v[0].F, "every delta counts, whoever sent it and when")
}

func TestScheduleIsAlignedAndCountsWhatItMissed(t *testing.T) {
	s := newSchedule(30*time.Second, t0.Add(7*time.Second))
	_, _, ok := s.due(t0.Add(29 * time.Second))
	assert.False(t, ok)
	at, missed, ok := s.due(t0.Add(31 * time.Second))
	assert.Equal(t, []any{t0.Add(30 * time.Second), 0, true}, []any{at, missed, ok})
	_, _, ok = s.due(t0.Add(59 * time.Second))
	assert.False(t, ok)
	at, missed, ok = s.due(t0.Add(3*time.Minute + time.Second))
	assert.Equal(t, []any{t0.Add(3 * time.Minute), 4, true}, []any{at, missed, ok})
	_, _, ok = s.due(t0.Add(-time.Hour))
	assert.False(t, ok, "the clock was set back")
	at, _, ok = s.due(t0.Add(-time.Hour + 30*time.Second))
	assert.True(t, ok)
	assert.Equal(t, t0.Add(-time.Hour+30*time.Second), at)
}

func TestRunEvaluatesAtTheMultiplesOfTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{clock: time.Now, cfg: &Config{EvaluationInterval: 30 * time.Second}, done: make(chan struct{})}
		var at []time.Time
		next := newSchedule(30*time.Second, time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		go e.every(ctx, func() time.Time { return next.next }, func(context.Context) {
			if now, _, ok := next.due(time.Now()); ok {
				at = append(at, now)
			}
		})
		time.Sleep(100 * time.Second)
		cancel()
		<-e.done
		require.Len(t, at, 3)
		for _, a := range at {
			assert.Zero(t, a.Unix()%30)
		}
	})
}

// The factory as the collector uses it: nobody calls tick.
func TestTheFactorysEngineEvaluatesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := parse(t, "resend_interval: 0s\nrules: [{name: R, metric: m, aggregate: max, window: 10m, op: gt, threshold: 1}]")
		require.NoError(t, err)
		sink := new(consumertest.LogsSink)
		f := NewFactory()
		c, err := f.CreateMetricsToLogs(t.Context(), connectortest.NewNopSettings(f.Type()), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, c.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, c.ConsumeMetrics(t.Context(), gauge(time.Now(), "m", point{v: 2})))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, sink.LogRecordCount())
		require.NoError(t, c.Shutdown(t.Context()))
	})
}
