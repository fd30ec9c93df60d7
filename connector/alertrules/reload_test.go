package alertrules

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const reloadRules = `
groups:
- name: g
  rules:
  - {alert: Burst, expr: 'increase(c[5m]) > 100', for: 1m}
  - {alert: High, expr: 'm > 5'}
`

// reloading is a connector whose rule file changes.
type reloading struct {
	*rig
	w      *world
	t      *testing.T
	path   string
	config string
	total  float64
}

func newReloading(t *testing.T, w *world, config string) *reloading {
	r := &reloading{w: w, t: t, path: filepath.Join(t.TempDir(), "r.yaml")}
	r.config = "evaluation_interval: 30s\nrule_files: [" + r.path + "]\n" + config
	r.write(reloadRules)
	r.start()
	return r
}

func (r *reloading) write(rules string) {
	require.NoError(r.t, os.WriteFile(r.path, []byte(rules), 0o600))
}

func (r *reloading) start() {
	cfg, err := r.w.parse(r.t, r.config)
	require.NoError(r.t, err)
	r.rig = r.w.start(r.t, cfg)
}

func (r *reloading) reload() {
	r.stop()
	r.w.reload()
	r.start()
}

// feed sends an increase of c and the value of m, and evaluates.
func (r *reloading) feed(c, m float64) {
	at := r.clock.add(30 * time.Second)
	r.total += c
	r.send(sum(t0, at, pmetric.AggregationTemporalityCumulative, "c", point{v: r.total}))
	r.send(gauge(at, "m", point{v: m}))
	r.e.tick(r.t.Context())
}

func (r *reloading) gauge(name string) int64 {
	m, err := r.tel.GetMetric(name)
	require.NoError(r.t, err)
	return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
}

// Windows, `for`, episodes and events that wait go on, with and without a storage
// and a directory.
func TestAReloadForgetsNothing(t *testing.T) {
	for name, config := range map[string]string{
		"in memory":        "",
		"with a storage":   "storage: file_storage\n",
		"with a directory": "directory: DIR\n",
		"with both":        "storage: file_storage\ndirectory: DIR\n",
	} {
		t.Run(name, func(t *testing.T) {
			if dir := t.TempDir(); len(config) > 0 {
				config = replace(config, "DIR", dir)
			}
			w := onDisk(newDisk())
			r := newReloading(t, w, config)
			r.feed(0, 9)
			high := r.told()
			require.Len(t, high, 1)
			for range 4 {
				r.feed(20, 9)
				r.reload()
			}
			assert.Empty(t, r.told())
			r.feed(40, 9) // over 100 now: pending
			r.reload()
			r.feed(40, 9)
			r.reload()
			assert.Empty(t, r.told())
			r.feed(40, 9)
			burst := r.told()
			require.Len(t, burst, 1, "a window over six engines, pending for a minute over two")
			r.reload()
			r.feed(40, 1)
			assert.Equal(t, []string{"resolved" + high[0][len("triggered"):]}, r.told(), "at once")
			assert.Equal(t, int64(0), r.gauge("otelcol_alert_rules_reload_failed"))
		})
	}
}

func replace(s, old, with string) string {
	for i := 0; i+len(old) <= len(s); i++ {
		if s[i:i+len(old)] == old {
			return s[:i] + with + s[i+len(old):]
		}
	}
	return s
}

func TestAReloadWithBadRuleFilesLeavesTheOldRulesInForce(t *testing.T) {
	r := newReloading(t, newWorld(), "")
	r.feed(0, 9)
	high := r.told()
	for _, bad := range []string{
		"groups: [{name: g, rules: [{alert: Bad, expr: 'nofunc(m)'}]}]", "groups: [", "groups: [{name: g, ruels: []}]",
	} {
		r.write(bad)
		r.reload()
		r.feed(0, 9)
		assert.Empty(t, r.told())
		assert.Equal(t, int64(1), r.gauge("otelcol_alert_rules_reload_failed"))
	}
	require.NoError(t, os.Remove(r.path))
	r.reload()
	r.feed(0, 1)
	assert.Equal(t, []string{"resolved" + high[0][len("triggered"):]}, r.told(), "by the rule that is in force still")
	assert.Equal(t, int64(1), r.gauge("otelcol_alert_rules_reload_failed"), "a pattern that matches nothing is bad too")
	r.write("groups: [{name: g, rules: [{alert: New, expr: m > 0}]}]")
	r.reload()
	r.feed(0, 1)
	got := r.told()
	require.Len(t, got, 1)
	assert.Contains(t, got[0], "triggered New")
	assert.Equal(t, int64(0), r.gauge("otelcol_alert_rules_reload_failed"))
}

// At a first start nothing is in force that could stay so.
func TestABadRuleFileIsAnErrorOfAFirstStart(t *testing.T) {
	w := newWorld()
	path := ruleFile(t, "groups: [{name: g, rules: [{alert: Bad, expr: 'nofunc(m)'}]}]")
	_, err := w.parse(t, "rule_files: ["+path+"]")
	require.ErrorContains(t, err, `group "g", rule 1, "Bad"`)

	r := newReloading(t, w, "")
	r.stop()
	w.reload()
	_, err = w.parse(t, "rule_files: ["+path+"]")
	require.NoError(t, err, "at a reload it is the engine that tells")
	_, err = w.parse(t, "rules: [{name: R}]")
	require.ErrorContains(t, err, `rules[0] ("R").op`, "the collector's own configuration is another matter")
	w.restart()
	_, err = w.parse(t, "rule_files: ["+path+"]")
	require.Error(t, err, "another process")
}

func TestChangedAndRemovedRulesAtAReload(t *testing.T) {
	r := newReloading(t, newWorld(), `
events: [{name: Open, condition: 'log.attributes["to"] == "open"', group_by: [breaker], expire_after: 1h}]
`)
	require.NoError(t, r.ll.ConsumeLogs(t.Context(), breakerLog(t0, "a", "open")))
	r.feed(0, 9)
	require.Len(t, r.short(), 2)
	r.points("ALERTS")
	r.write("groups: [{name: g, rules: [{alert: High, expr: m > 20}]}]")
	r.reload()
	r.feed(0, 9)
	assert.Equal(t, []string{"foundation_os.alert.resolved High 9 rule_changed"}, r.short())
	assert.Contains(t, r.points("ALERTS"), "map[alertname:High alertstate:firing instance:i1 job:shop service.name:shop] gone")
	r.write("groups: [{name: h, rules: [{record: x, expr: m}, {alert: A, expr: 'ALERTS'}]}]")
	r.config = replace(r.config, "name: Open", "name: Other")
	r.reload()
	r.feed(0, 9)
	assert.Equal(t, []string{"foundation_os.alert.resolved Open rule_removed"}, r.short(), "and no alert is left in the samples")
}

// An evaluation that falls into a reload is made up for.
func TestAnEvaluationThatFallsIntoAReload(t *testing.T) {
	r := newReloading(t, newWorld(), "")
	r.feed(0, 9)
	require.Len(t, r.told(), 1)
	r.clock.add(29 * time.Second)
	r.send(gauge(r.clock.now(), "m", point{v: 1}))
	r.stop()
	r.w.reload()
	r.clock.add(2 * time.Second)
	r.start()
	r.e.tick(t.Context())
	got := r.records()
	require.Len(t, got, 1)
	assert.Equal(t, t0.Add(time.Minute), got[0].Timestamp().AsTime())
}

func TestEventsThatWaitOutliveAReload(t *testing.T) {
	w := newWorld()
	w.next = &refusing{Logs: w.logs, err: errors.New("busy"), times: 3}
	r := newReloading(t, w, "")
	r.feed(0, 9) // refused, and once more at the stop
	r.reload()
	r.feed(0, 9)
	assert.Empty(t, r.told())
	r.feed(0, 9)
	assert.Len(t, r.told(), 1)
}

// What an engine leaves is asked for at once, or not at all.
func TestNobodyElseInherits(t *testing.T) {
	w := newWorld()
	r := newReloading(t, w, "")
	assert.False(t, w.process.reloads())
	r.stop()
	require.True(t, w.process.reloads())
	id := r.e.id
	assert.NotNil(t, w.process.inherit(id))
	assert.Nil(t, w.process.inherit(id))
	assert.False(t, w.process.reloads())
}
