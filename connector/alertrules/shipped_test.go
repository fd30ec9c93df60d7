package alertrules

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The shipped rule files as the demonstration runs them: evaluated every five
// seconds, over counters that are exported every ten and whose process began long
// ago.
func TestShippedRulesThroughTheConnector(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.EvaluationInterval = 5 * time.Second
	cfg.RuleFiles = []string{filepath.Join("..", "..", "rules", "foundation-*.yaml")}
	require.NoError(t, cfg.Validate())
	r := newRigOf(t, cfg)
	start := t0.Add(-3 * time.Hour)
	var ok, failed float64
	export := func(good, bad float64) {
		ok, failed = ok+good, failed+bad
		at := r.clock.add(5 * time.Second)
		points := []point{{v: ok, attrs: map[string]any{"adapter": "http", "outcome": "success"}}}
		if failed > 0 {
			points = append(points, point{v: failed, attrs: map[string]any{"adapter": "http", "outcome": "failure"}})
		}
		md := sum(start, at, pmetric.AggregationTemporalityCumulative, "foundation_jido.signal.dispatches", points...)
		md.ResourceMetrics().At(0).Resource().Attributes().PutStr("deployment.environment.name", "production")
		r.send(md)
		r.e.tick(t.Context())
		r.step(5 * time.Second)
	}
	for range 12 {
		export(20, 0)
	}
	assert.Empty(t, r.short(), "silent while all goes well")
	for range 3 {
		export(10, 10)
	}
	got := r.short()
	require.Len(t, got, 1)
	assert.Contains(t, got[0], "foundation_os.alert.triggered Signal Dispatch Failures")
	for range 8 {
		export(20, 0)
	}
	got = r.short()
	require.Len(t, got, 1)
	assert.Contains(t, got[0], "foundation_os.alert.resolved Signal Dispatch Failures")
	assert.Zero(t, r.counter("otelcol_alert_rules_evaluation_failures", "", ""))
	for range 40 {
		r.step(10 * time.Second)
	}
	assert.Empty(t, r.short(), "silent when nothing is sent any more")
}
