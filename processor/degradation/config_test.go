package degradation

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// The defaults are a promise: they are in the README and in users' heads.
func TestDefaults(t *testing.T) {
	c := NewFactory().CreateDefaultConfig().(*Config)
	require.NoError(t, c.Validate())
	require.Equal(t, &Config{
		Mode:       "strict",
		Window:     time.Hour,
		Pane:       5 * time.Minute,
		MeanRatio:  2.0,
		P95Ratio:   1.5,
		MinSamples: 12,
		Current:    "mean",
		MaxSeries:  10000,
		Emit:       "degraded",
		Metrics:    c.Metrics,
	}, c)
	require.ElementsMatch(t, []string{
		"foundation.process_registry.lookup_latency",
		"foundation.infrastructure.circuit_breaker.latency",
		"foundation_jido.agent.startup_duration",
		"foundation_jido.coordination.duration",
		"foundation_jido.signal.dispatch_duration",
		"dspex.program.execution_duration",
		"dspex.optimization.iteration_duration",
		"dspex.coordination.multi_agent_duration",
	}, c.Metrics)
}

func TestEveryKeyIsRead(t *testing.T) {
	c := NewFactory().CreateDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"mode": "strict", "window": "60s", "pane": "5s", "mean_ratio": 3, "p95_ratio": 2.5, "min_samples": 0,
		"current": "p95", "max_series": 7, "exclude_attributes": []any{"pod"}, "emit": "all", "metrics": []any{"http.*"},
		"storage": "file_storage/baselines",
	}).Unmarshal(c))
	require.NoError(t, confmap.Validate(c))
	storage := component.MustNewIDWithName("file_storage", "baselines")
	require.Equal(t, &Config{
		Mode: "strict", Window: time.Minute, Pane: 5 * time.Second, MeanRatio: 3, P95Ratio: 2.5, MinSamples: 0,
		Current: "p95", MaxSeries: 7, ExcludeAttributes: []string{"pod"}, Emit: "all", Metrics: []string{"http.*"},
		Storage: &storage,
	}, c)
}

func TestUnknownKeysAreErrors(t *testing.T) {
	for _, key := range []string{"min_ratio", "guarded", "storages", "min_duration", "direction"} {
		c := NewFactory().CreateDefaultConfig()
		require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{key: "x"}).Unmarshal(c), key)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Mode = "guarded" }, `mode: "guarded" is not allowed, use one of ["strict"]`},
		{func(c *Config) { c.Current = "p99" }, `current: "p99" is not allowed, use one of ["mean" "p50" "p95" "max"]`},
		{func(c *Config) { c.Emit = "none" }, `emit: "none" is not allowed, use one of ["degraded" "all"]`},
		{func(c *Config) { c.Pane = 0 }, "pane: 0s is not allowed, use 1ms or more"},
		{func(c *Config) { c.Window = time.Minute }, "window: 1m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.Window = 7 * time.Minute }, "window: 7m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.Window = 25 * time.Hour }, "window: 25h0m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.MeanRatio = 0.9 }, "mean_ratio: 0.9 is not allowed, use a number of 1 or more"},
		{func(c *Config) { c.P95Ratio = math.NaN() }, "p95_ratio: NaN is not allowed, use a number of 1 or more"},
		{func(c *Config) { c.P95Ratio = math.Inf(1) }, "p95_ratio: +Inf is not allowed, use a number of 1 or more"},
		{func(c *Config) { c.MinSamples = -1 }, "min_samples: -1 is not allowed, use 0 or more"},
		{func(c *Config) { c.MaxSeries = 0 }, "max_series: 0 is not allowed, use 1 or more"},
		{func(c *Config) { c.ExcludeAttributes = []string{"a", ""} }, "exclude_attributes[1]: is empty, use the name of an attribute"},
		{func(c *Config) { c.Metrics = nil }, "metrics: is empty and would watch nothing, use one name or pattern at least"},
		{func(c *Config) { c.Metrics = []string{""} }, "metrics[0]: is empty, use a metric's name, in which * and ? may stand for others"},
		{func(c *Config) { c.Metrics = []string{"a", "degradation.state"} }, "metrics[1]: degradation.state is this processor's own output, which it does not watch; use another metric's name"},
	} {
		cfg := createDefaultConfig().(*Config)
		c.change(cfg)
		require.EqualError(t, cfg.Validate(), c.want)
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	err := (&Config{Mode: "x", MaxSeries: -1}).Validate()
	require.Error(t, err)
	require.Len(t, strings.Split(err.Error(), "\n"), 6)
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"http.*", "http.server.duration", true},
		{"http.*", "http", false},
		{"*.duration", "http.server.duration", true},
		{"*.duration", "http.server.duration_total", false},
		{"*", "", true},
		{"a*b*c", "a1b2b3c", true},
		{"a*b*c", "a1b2b3", false},
		{"h?t", "hat", true},
		{"h?t", "ht", false},
		{"?", "", false},
		{"exact", "exact", true},
		{"*a*a*a*a*a*a*a*b", strings.Repeat("a", 5000), false}, // in no time
	} {
		require.Equal(t, c.want, glob(c.pattern, c.name), "%s on %s", c.pattern, c.name)
	}
}
