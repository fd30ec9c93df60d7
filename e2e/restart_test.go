package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A collector that is killed in an incident and started again knows that it is
// one: what it had learned is there, the series is degraded as before, and no
// second episode begins. The same when it is stopped in order.
func TestAnIncidentOutlivesTheCollector(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits a minute for the state to be saved")
	}
	first := startCollector(t)
	start := time.Now()
	var past []time.Time // event time is what counts: an hour is learned at once
	for at := start.Add(-70 * time.Minute); at.Before(start.Add(-5 * time.Minute)); at = at.Add(30 * time.Second) {
		past = append(past, at)
	}
	first.sendMetrics(latency(0.1, past...))
	for range 5 {
		first.sendMetrics(latency(0.5, time.Now()))
	}
	first.expectOwn("otelcol_degradation_degraded_series", nil, 1)
	first.expectOwn("otelcol_degradation_episodes", nil, 1)
	eventually(t, 40*time.Second, func() error {
		for _, r := range readLogs(t, first.file("alerts.jsonl")) {
			if r.it.EventName() == "foundation_os.performance.degradation" {
				return nil
			}
		}
		return errNotYet
	})
	before, err := first.own("otelcol_degradation_saves", nil)
	require.NoError(t, err)
	first.sendMetrics(latency(0.5, time.Now())) // something to save, also if that has just happened
	eventually(t, 70*time.Second, func() error {
		saves, err := first.own("otelcol_degradation_saves", nil)
		if err == nil && saves <= before {
			err = errNotYet
		}
		return err
	})
	require.NoError(t, first.cmd.Process.Kill())
	require.Error(t, <-first.exited, "it was killed")
	t.Logf("killed after %s", time.Since(start).Round(time.Second))

	again := func() *collector {
		c := startCollectorEnv(t, []string{"FOUNDATION_DATA_DIR=" + first.data})
		c.expectOwn("otelcol_degradation_restored_series", nil, 1)
		c.expectOwn("otelcol_degradation_degraded_series", nil, 1) // before any point
		c.sendMetrics(latency(0.5, time.Now()))
		eventually(t, 20*time.Second, func() error {
			state, err := scrape("http://"+c.prometheus+"/metrics", "degradation_state", map[string]string{"degradation_metric_name": lookupLatency})
			if err == nil && state != 1 {
				err = fmt.Errorf("degradation_state is %v", state)
			}
			return err
		})
		c.expectOwn("otelcol_degradation_points", map[string]string{"outcome": "evaluated"}, 1)
		c.expectOwn("otelcol_degradation_points", map[string]string{"outcome": "learning"}, 0)
		c.expectOwn("otelcol_degradation_episodes", nil, 0)
		return c
	}
	second := again()
	second.stop()
	third := again()
	for range 5 {
		third.sendMetrics(latency(0.1, time.Now()))
	}
	third.expectOwn("otelcol_degradation_degraded_series", nil, 0)
	third.stop()
	assert.NotContains(t, third.output.String(), "cannot be used")
}

const lookupLatency = "foundation.process_registry.lookup_latency"

// latency is a watched gauge with one value at some times.
func latency(seconds float64, at ...time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(lookupLatency)
	m.SetUnit("s")
	points := m.SetEmptyGauge().DataPoints()
	for _, when := range at {
		dp := points.AppendEmpty()
		dp.SetTimestamp(pcommon.NewTimestampFromTime(when))
		dp.SetDoubleValue(seconds)
	}
	return md
}

// expectOwn waits until one of the collector's own metrics has a value.
func (c *collector) expectOwn(name string, labels map[string]string, want float64) {
	c.t.Helper()
	eventually(c.t, 10*time.Second, func() error {
		got, err := c.own(name, labels)
		if err == nil && got != want {
			err = fmt.Errorf("%s %v is %v, want %v", name, labels, got, want)
		}
		return err
	})
}
