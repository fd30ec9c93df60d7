package adaptivesampler

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

func parse(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	cfg := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(raw).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaults(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	cfg, err := parse(t, `{}`)
	require.NoError(t, err)
	assert.Equal(t, "trace", cfg.Mode.String())
	assert.Equal(t, "root", cfg.Scope.String())
	assert.Equal(t, TraceConfig{Timeout: 30 * time.Second, DecisionDelay: 2 * time.Second, MaxBytes: 268435456, SpanLimit: 10000}, cfg.Trace)
	assert.Equal(t, BudgetConfig{ErrorShare: 0.2, MinPerNamePerMinute: 1}, cfg.Budget)
	assert.Equal(t, DecisionCacheConfig{Kept: 50000, Dropped: 1000000}, cfg.DecisionCache)
	assert.Equal(t, "foundation_os", cfg.Preset.String())
	assert.Equal(t, 1.0, cfg.DefaultRate)
	assert.Equal(t, "foundation_os.event.name", cfg.NameAttribute)
	assert.Equal(t, 4, cfg.SamplingPrecision)
	assert.False(t, cfg.FailClosed)
	assert.Empty(t, cfg.Logs.HashAttribute)
	assert.Equal(t, LoadConfig{
		Sources:    []LoadSource{"cpu", "memory", "backpressure"},
		Ladder:     []LadderStep{{Above: 0.6, Factor: 0.7}, {Above: 0.8, Factor: 0.5}},
		ExitMargin: 0.1,
		MinDwell:   10 * time.Second,
		Tick:       500 * time.Millisecond,
	}, cfg.Load)

	rule := newRule(cfg)
	assert.Equal(t, map[string]float64{
		"foundation.process_registry.lookup":   0.1,
		"foundation_jido.signal.dispatch":      0.2,
		"foundation_jido.agent.registration":   0.5,
		"dspex.program.execution":              0.8,
		"foundation_jido.coordination.auction": 1,
		"dspex.optimization.iteration":         1,
		"foundation_os.error.occurred":         1,
	}, rule.Rates, "the table of the source document")
	assert.Equal(t, []string{"dspex.coordination.multi_agent", "foundation_jido.coordination", "foundation_os.request"}, rule.CriticalContains)
	assert.Equal(t, 2.0, rule.ErrorBoost)
	assert.Equal(t, 0.0, rule.ErrorFloor)
	assert.Equal(t, 1.5, rule.CriticalFactor)
}

func TestEveryKey(t *testing.T) {
	cfg, err := parse(t, `
mode: span
scope: max_name
default_rate: 0.5
rates: {foundation.process_registry.lookup: 0.25, my.own: 0}
preset: foundation_os
boosts: {error: 3, error_floor: 1, critical: {factor: 1, contains: []}}
name_attribute: ""
load: {sources: [], ladder: [{above: 0.5, factor: 0.1}], exit_margin: 0, min_dwell: 0s, tick: 1s}
sampling_precision: 14
fail_closed: true
budget: {spans_per_second: 0.5, error_share: 0, min_per_name_per_minute: 0}
trace: {timeout: 1m, decision_delay: 0s, max_bytes: 1000000, span_limit: 100}
decision_cache: {kept: 10, dropped: 20}
logs: {hash_attribute: request_id}
`)
	require.NoError(t, err)
	assert.Equal(t, BudgetConfig{SpansPerSecond: 0.5}, cfg.Budget)
	assert.Empty(t, cfg.Load.Sources)
	assert.Equal(t, []LadderStep{{Above: 0.5, Factor: 0.1}}, cfg.Load.Ladder, "replaces the default, does not extend it")
	rule := newRule(cfg)
	assert.Equal(t, 0.25, rule.Rates["foundation.process_registry.lookup"], "laid over the preset")
	assert.Equal(t, 0.2, rule.Rates["foundation_jido.signal.dispatch"])
	assert.Equal(t, 0.0, rule.Rates["my.own"])
	assert.Empty(t, rule.CriticalContains, "an empty list is not an absent one")

	cfg, err = parse(t, `{preset: none, rates: {a: 0.5}}`)
	require.NoError(t, err)
	rule = newRule(cfg)
	assert.Equal(t, map[string]float64{"a": 0.5}, rule.Rates)
	assert.Empty(t, rule.CriticalContains)
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct{ yaml, want string }{
		{`{mode: item}`, `mode: "item" is not allowed, use one of ["trace" "span"]`},
		{`{scope: leaf}`, `scope: "leaf" is not allowed, use one of ["root" "max_name"]`},
		{`{trace: {timeout: 0s}}`, `trace.timeout: 0s is not allowed, use more than 0`},
		{`{trace: {decision_delay: -1s}}`, `trace.decision_delay: -1s is not allowed, use 0s or more`},
		{`{trace: {max_bytes: 0}}`, `trace.max_bytes: 0 is not allowed, use more than 0`},
		{`{trace: {span_limit: -1}}`, `trace.span_limit: -1 is not allowed, use more than 0`},
		{`{decision_cache: {kept: 0}}`, `decision_cache.kept: 0 is not allowed, use more than 0`},
		{`{decision_cache: {dropped: -5}}`, `decision_cache.dropped: -5 is not allowed, use more than 0`},
		{`{preset: other}`, `preset: "other" is not allowed, use one of ["foundation_os" "none"]`},
		{`{default_rate: 1.1}`, `default_rate: 1.1 is not allowed, use 0 to 1`},
		{`{default_rate: .nan}`, `default_rate: NaN is not allowed, use 0 to 1`},
		{`{rates: {"a.b": -0.1}}`, `rates[a.b]: -0.1 is not allowed, use 0 to 1`},
		{`{rates: {"": 0.5}}`, `rates: a name is empty, use default_rate for names without a rate`},
		{`{rates: {foundation_jido.: 0.5}}`, `rates[foundation_jido.]: ends with a dot and is the prefix of no name, leave the dot out`},
		{`{boosts: {error: 0.5}}`, `boosts.error: 0.5 is not allowed, use 1 or more`},
		{`{boosts: {error: .inf}}`, `boosts.error: +Inf is not allowed, use 1 or more`},
		{`{boosts: {error_floor: 2}}`, `boosts.error_floor: 2 is not allowed, use 0 to 1`},
		{`{boosts: {critical: {factor: .nan}}}`, `boosts.critical.factor: NaN is not allowed, use 1 or more`},
		{`{boosts: {critical: {contains: [a, ""]}}}`, `boosts.critical.contains[1]: is empty and would make every name critical, use a part of a name`},
		{`{load: {sources: [cpu, queue]}}`, `load.sources[1]: "queue" is not allowed, use one of ["cpu" "memory" "backpressure"]`},
		{`{load: {sources: [""]}}`, `load.sources[0]: "" is not allowed, use one of ["cpu" "memory" "backpressure"]`},
		{`{load: {sources: [memory, memory]}}`, `load.sources[1]: "memory" is there twice`},
		{`{load: {ladder: [{above: 1, factor: 0.5}]}}`, `load.ladder[0].above: 1 is not allowed, use 0 or more and less than 1`},
		{`{load: {ladder: [{above: 0.5, factor: 0}]}}`, `load.ladder[0].factor: 0 is not allowed, use more than 0 and at most 1`},
		{`{load: {ladder: [{above: 0.8, factor: 0.5}, {above: 0.6, factor: 0.5}]}}`, `load.ladder[1].above: 0.6 does not exceed the step before, sort the steps by load`},
		{`{load: {ladder: [{above: 0.6, factor: 0.5}, {above: 0.8, factor: 0.7}]}}`, `load.ladder[1].factor: 0.7 is more than in the step before, more load must not keep more`},
		{`{load: {exit_margin: -0.1}}`, `load.exit_margin: -0.1 is not allowed, use 0 or more and less than 1`},
		{`{load: {exit_margin: 0.7}}`, `load.exit_margin: with 0.7 the first step is never left, use at most its load of 0.6`},
		{`{load: {min_dwell: -1s}}`, `load.min_dwell: -1s is not allowed, use 0s or more`},
		{`{load: {tick: 1ms}}`, `load.tick: 1ms is not allowed, use 10ms or more`},
		{`{budget: {spans_per_second: -1}}`, `budget.spans_per_second: -1 is not allowed, use 0 for no budget or more`},
		{`{budget: {spans_per_second: .nan}}`, `budget.spans_per_second: NaN is not allowed, use 0 for no budget or more`},
		{`{budget: {spans_per_second: .inf}}`, `budget.spans_per_second: +Inf is not allowed, use 0 for no budget or more`},
		{`{budget: {error_share: 1.5}}`, `budget.error_share: 1.5 is not allowed, use 0 to 1`},
		{`{budget: {min_per_name_per_minute: -1}}`, `budget.min_per_name_per_minute: -1 is not allowed, use 0 or more`},
		{`{sampling_precision: 0}`, `sampling_precision: 0 is not allowed, use 1 to 14 hex digits`},
		{`{sampling_precision: 15}`, `sampling_precision: 15 is not allowed, use 1 to 14 hex digits`},
	} {
		_, err := parse(t, tt.yaml)
		require.Error(t, err, tt.yaml)
		assert.Equal(t, tt.want, err.Error(), tt.yaml)
	}
	_, err := parse(t, `{mode: item, default_rate: 2, load: {tick: 0s, sources: [gpu]}, sampling_precision: 99}`)
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 5, "all at once: %v", err)
}

// A typo must not be taken in silence.
func TestUnknownKeys(t *testing.T) {
	for _, text := range []string{
		`{scopes: root}`, `{trace: {time_out: 1s}}`, `{decision_cache: {keep: 1}}`,
		`{load: {source: [cpu]}}`, `{boosts: {critical: {pattern: x}}}`, `{logs: {attribute: x}}`,
	} {
		_, err := parse(t, text)
		assert.ErrorContains(t, err, "invalid keys", text)
	}
}

// A rate that passed as NaN would neither keep nor drop.
func TestProbabilityRejectsNaN(t *testing.T) {
	require.Error(t, probability("p", math.NaN()))
	require.Error(t, boost("b", math.NaN()))
}
