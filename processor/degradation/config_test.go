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
		Mode:        "guarded",
		Window:      time.Hour,
		Pane:        5 * time.Minute,
		MeanRatio:   2.0,
		P95Ratio:    1.5,
		Clear:       ClearConfig{MeanRatio: 1.6, P95Ratio: 1.2, Evaluations: 3},
		Pending:     PendingConfig{M: 2, N: 3},
		Adaptive:    AdaptiveConfig{Deviations: 5, Ratio: 1.2, DriftRatio: 1.15},
		MinSamples:  12,
		MinDuration: 15 * time.Minute,
		MinCount:    30,
		Direction:   "up",
		MaxDegraded: 6 * time.Hour,
		BaselineTTL: 24 * time.Hour,
		Current:     "mean",
		Seasonality: "none",
		MaxSeries:   10000,
		Emit:        "degraded",
		Metrics:     c.Metrics,
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
		"clear": map[string]any{"mean_ratio": 1.5, "p95_ratio": 1.4, "evaluations": 2}, "pending": map[string]any{"m": 3, "n": 5},
		"adaptive":     map[string]any{"deviations": 4, "ratio": 1.3, "drift_ratio": 1.05},
		"min_duration": "20s", "min_count": 10, "min_absolute_delta": 0.5, "direction": "both", "max_degraded": "1h", "baseline_ttl": "2h",
		"seasonality": "hour_of_week",
		"current":     "p95", "max_series": 7, "exclude_attributes": []any{"pod"}, "emit": "all", "metrics": []any{"http.*"},
		"storage": "file_storage/baselines",
	}).Unmarshal(c))
	require.NoError(t, confmap.Validate(c))
	storage := component.MustNewIDWithName("file_storage", "baselines")
	require.Equal(t, &Config{
		Mode: "strict", Window: time.Minute, Pane: 5 * time.Second, MeanRatio: 3, P95Ratio: 2.5, MinSamples: 0,
		Clear: ClearConfig{MeanRatio: 1.5, P95Ratio: 1.4, Evaluations: 2}, Pending: PendingConfig{M: 3, N: 5},
		Adaptive:    AdaptiveConfig{Deviations: 4, Ratio: 1.3, DriftRatio: 1.05},
		MinDuration: 20 * time.Second, MinCount: 10, MinAbsoluteDelta: 0.5, Direction: "both", MaxDegraded: time.Hour, BaselineTTL: 2 * time.Hour,
		Seasonality: "hour_of_week",
		Current:     "p95", MaxSeries: 7, ExcludeAttributes: []string{"pod"}, Emit: "all", Metrics: []string{"http.*"},
		Storage: &storage,
	}, c)
}

func TestUnknownKeysAreErrors(t *testing.T) {
	for _, given := range []map[string]any{
		{"unknown": "x"},
		{"min_ratio": "x"},
		{"guarded": "x"},
		{"clear": map[string]any{"unknown": 1}},
		{"pending": map[string]any{"unknown": 1}},
	} {
		c := NewFactory().CreateDefaultConfig()
		require.ErrorContains(t, confmap.NewFromStringMap(given).Unmarshal(c), "has invalid keys")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Mode = "seasonal" }, `mode: "seasonal" is not allowed, use one of ["guarded" "adaptive" "strict"]`},
		{func(c *Config) { c.Direction = "left" }, `direction: "left" is not allowed, use one of ["up" "down" "both"]`},
		{func(c *Config) { c.Seasonality = "daily" }, `seasonality: "daily" is not allowed, use one of ["none" "hour_of_week"]`},
		{func(c *Config) {
			c.Seasonality, c.Window, c.Pane, c.MinDuration = "hour_of_week", 4*time.Hour, 2*time.Hour, 0
		}, "pane: 2h0m0s is not allowed with seasonality hour_of_week, use 1h or less"},
		{func(c *Config) { c.Current = "p99" }, `current: "p99" is not allowed, use one of ["mean" "p50" "p95" "max"]`},
		{func(c *Config) { c.Emit = "none" }, `emit: "none" is not allowed, use one of ["degraded" "all"]`},
		{func(c *Config) { c.Pane = 0 }, "pane: 0s is not allowed, use 1ms or more"},
		{func(c *Config) { c.Mode, c.Window = "strict", time.Minute }, "window: 1m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.Window = 7 * time.Minute }, "window: 7m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.Mode, c.Window = "strict", 25*time.Hour }, "window: 25h0m0s is not allowed, use 1 to 288 times the pane of 5m0s"},
		{func(c *Config) { c.Mode, c.MeanRatio = "strict", 0.9 }, "mean_ratio: 0.9 is not allowed, use a number of 1 or more, or .inf for none"},
		{func(c *Config) { c.Mode, c.P95Ratio = "strict", math.NaN() }, "p95_ratio: NaN is not allowed, use a number of 1 or more, or .inf for none"},
		{func(c *Config) { c.Adaptive = AdaptiveConfig{Deviations: -1, Ratio: 0.5, DriftRatio: math.NaN()} }, "adaptive.ratio: 0.5 is not allowed, use a number of 1 or more, or .inf for none\nadaptive.drift_ratio: NaN is not allowed, use a number of 1 or more, or .inf for none\nadaptive.deviations: -1 is not allowed, use 0 to 100"},
		{func(c *Config) { c.Mode, c.P95Ratio = "strict", math.Inf(-1) }, "p95_ratio: -Inf is not allowed, use a number of 1 or more, or .inf for none"},
		{func(c *Config) { c.MinSamples = -1 }, "min_samples: -1 is not allowed, use 0 or more"},
		{func(c *Config) { c.Clear.MeanRatio = 2.1 }, "clear.mean_ratio: 2.1 is not allowed, use 1 to mean_ratio, which is 2"},
		{func(c *Config) { c.Clear.MeanRatio = 0.9 }, "clear.mean_ratio: 0.9 is not allowed, use 1 to mean_ratio, which is 2"},
		{func(c *Config) { c.Clear.P95Ratio = math.NaN() }, "clear.p95_ratio: NaN is not allowed, use 1 to p95_ratio, which is 1.5"},
		{func(c *Config) { c.P95Ratio = 1.1 }, "clear.p95_ratio: 1.2 is not allowed, use 1 to p95_ratio, which is 1.1"},
		{func(c *Config) { c.Clear.Evaluations = 0 }, "clear.evaluations: 0 is not allowed, use 1 to 1000"},
		{func(c *Config) { c.Pending.M = 4 }, "pending.m: 4 is not allowed, use 1 to 3"},
		{func(c *Config) { c.Pending.N = 65 }, "pending.n: 65 is not allowed, use 1 to 64"},
		{func(c *Config) { c.MinCount = -1 }, "min_count: -1 is not allowed, use 0 to 2147483647"},
		{func(c *Config) { c.Window = 10 * time.Minute }, "min_duration: 15m0s is not allowed, use 0s to the window of 10m0s, which is all that a baseline covers"},
		{func(c *Config) { c.MinAbsoluteDelta = -1 }, "min_absolute_delta: -1 is not allowed, use a number of 0 or more"},
		{func(c *Config) { c.MaxDegraded = 0 }, "max_degraded: 0s is not allowed, use more than 0s"},
		{func(c *Config) { c.BaselineTTL = time.Minute }, "baseline_ttl: 1m0s is not allowed, use the window of 1h0m0s or more"},
		{func(c *Config) { c.Mode, c.BaselineTTL, c.Pending.N, c.Clear.MeanRatio = "strict", 0, 0, 9 }, ""},
		{func(c *Config) { c.Mode, c.BaselineTTL, c.Storage = "strict", 0, &storageID }, "baseline_ttl: 0s is not allowed, use the window of 1h0m0s or more"},
		{func(c *Config) { c.MaxSeries = 0 }, "max_series: 0 is not allowed, use 1 or more"},
		{func(c *Config) { c.ExcludeAttributes = []string{"a", ""} }, "exclude_attributes[1]: is empty, use the name of an attribute"},
		{func(c *Config) { c.Metrics = nil }, "metrics: is empty and would watch nothing, use one name or pattern at least"},
		{func(c *Config) { c.Metrics = []string{""} }, "metrics[0]: is empty, use a metric's name, in which * and ? may stand for others"},
		{func(c *Config) { c.Metrics = []string{"a", "degradation.state"} }, "metrics[1]: degradation.state is this processor's own output, which it does not watch; use another metric's name"},
	} {
		cfg := createDefaultConfig().(*Config)
		c.change(cfg)
		if c.want == "" {
			require.NoError(t, cfg.Validate())
			continue
		}
		require.EqualError(t, cfg.Validate(), c.want)
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	err := (&Config{Mode: "strict", Emit: "x", MaxSeries: -1}).Validate()
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
