package layerenricher

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	cfg := createDefaultConfig()
	if err := confmap.NewFromStringMap(raw).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaults(t *testing.T) {
	cfg, err := load(t, "{}")
	require.NoError(t, err)
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	assert.Equal(t, &Config{
		Preset: "foundation_os",
		Layers: LayersConfig{Default: "unknown"},
		Correlation: CorrelationConfig{
			Cache:        CacheConfig{MaxTraces: 50000, TTL: 5 * time.Minute, MaxSpansPerTrace: 2000, MaxBytes: 268435456},
			MaxHeldSpans: 100000,
		},
		Normalize: NormalizeConfig{Names: true, Units: true},
		Mirror:    MirrorConfig{GenAI: true},
	}, cfg)
	p, err := newPlan(cfg)
	require.NoError(t, err)
	name := func(slots []uint8) (names []string) {
		for _, s := range slots {
			names = append(names, p.slots[s].name)
		}
		return names
	}
	assert.Equal(t, []string{"foundation_os.request.id", "foundation_os.program.id"}, name(p.traceWide))
	assert.Equal(t, []string{"foundation_os.agent.id", "foundation_os.coordination.id"}, name(p.subtree))
}

// Every key at once.
func TestExampleLoads(t *testing.T) {
	_, err := load(t, `
preset: foundation_os
layers:
  rules: [{layer: dspex, name_prefix: ["dspex.", "my_ml."]}]
  services: {my_service: foundation}
  ignore_scopes: [jido_otel]
  default: unknown
  record_source: false
aliases: {foundation_os.request.id: [request_id, x_request_id]}
correlation:
  trace_wide: [foundation_os.request.id, foundation_os.program.id]
  subtree: [foundation_os.agent.id, foundation_os.coordination.id]
  alternate_keys: [jido_trace_id]
  hold: 0s
  max_held_spans: 100000
  cache: {max_traces: 50000, ttl: 5m, max_spans_per_trace: 2000, max_bytes: 268435456}
normalize: {names: true, units: true, time_units: {my.event: us, session.end: native}, nil_strings: [nil, undefined]}
mirror: {gen_ai: true}
reparent_orphans: false
`)
	require.NoError(t, err)
}

func TestConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"preset: foundation":                                      "must be one of foundation_os, none",
		"hold: 2s":                                                "invalid keys: hold",
		"correlation: {alternate_keys: [x, '']}":                  "correlation: alternate_keys[1]: is empty",
		"correlation: {alternate_keys: [x, x]}":                   `correlation: alternate_keys[1]: "x" stands there twice`,
		"correlation: {alternate_keys: [a,b,c,d,e]}":              "correlation: alternate_keys: 5 attributes, at most 4 are allowed",
		"correlation: {alternate_keys: [foundation_os.agent.id]}": `correlation.alternate_keys[0]: "foundation_os.agent.id" is a canonical attribute`,
		"correlation: {hold: -1s}":                                "correlation: hold: is -1s, must be 0s or greater",
		"correlation: {hold: 5m}":                                 "correlation: hold: is 5m0s, must be shorter than cache.ttl (5m0s)",
		"correlation: {max_held_spans: 0}":                        "correlation: max_held_spans: is 0, must be greater than 0",
		"layers: {default: ''}":                                   "layers: default: is empty",
		"layers: {services: {a: ''}}":                             "layers: services.a: is empty",
		"layers: {ignore_scopes: ['']}":                           "layers: ignore_scopes[0]: is empty",
		"layers: {rules: [{name_prefix: [a.]}]}":                  "layers::rules::0: layer: is empty",
		"layers: {rules: [{layer: a}]}":                           "layers::rules::0: name_prefix: is empty",
		"layers: {rules: [{layer: a, name_prefix: ['']}]}":        "layers::rules::0: name_prefix[0]: is empty and would match every name",
		"aliases: {a: [b, '']}":                                   "aliases.a[1]: is empty",
		"aliases: {a: [a]}":                                       "aliases.a[0]: is the canonical name itself",
		"aliases: {a: [b, b]}":                                    `aliases.a[1]: "b" stands there twice`,
		"correlation: {trace_wide: [a], subtree: [a]}":            `correlation: subtree[0]: "a" stands in trace_wide[0] already`,
		"correlation: {trace_wide: ['']}":                         "correlation: trace_wide[0]: is empty",
		"correlation: {trace_wide: [a,b,c,d,e,f,g,h,i]}":          "correlation: trace_wide: 9 attributes, at most 8 are allowed",
		"correlation: {subtree: [a,b,c,d,e]}":                     "correlation: subtree: 5 attributes, at most 4 are allowed",
		"correlation: {trace_wide: [foundation_os.layer]}":        "correlation.trace_wide: foundation_os.layer is no id, must be a text attribute",
		"correlation: {subtree: [foundation_os.duration]}":        "correlation.subtree: foundation_os.duration is no id",
		"correlation: {subtree: [foundation_os.node]}":            "correlation.subtree: foundation_os.node is no id",
		"normalize: {time_units: {a: hours}}":                     `normalize: time_units.a: is "hours", must be one of native, ns, us, ms, s`,
		"normalize: {time_units: {a: ''}}":                        `normalize: time_units.a: is "", must be one of`,
		"normalize: {time_units: {'': ms}}":                       "normalize: time_units: an event needs a name",
		"normalize: {time_units: {dspex.a.stop: ms}}":             "normalize.time_units.dspex.a.stop: is no event's canonical name, must be dspex.a",
		"normalize: {time_units: {request.b: ms}}":                "normalize.time_units.request.b: is no event's canonical name, must be foundation_os.request",
		"correlation: {cache: {max_traces: 0}}":                   "correlation::cache: max_traces: is 0, must be greater than 0",
		"correlation: {cache: {ttl: -1s}}":                        "ttl: is -1s, must be greater than 0",
		"correlation: {cache: {max_spans_per_trace: -1}}":         "max_spans_per_trace: is -1, must be from 1 to 65534",
		"correlation: {cache: {max_spans_per_trace: 65535}}":      "max_spans_per_trace: is 65535",
		"correlation: {cache: {max_bytes: -5}}":                   "max_bytes: is -5, must be greater than 0",
	} {
		_, err := load(t, text)
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), want, text)
		}
	}
	_, err := load(t, "layers: {default: ''}\ncorrelation: {cache: {max_traces: 0, ttl: 0s}}")
	for _, want := range []string{"default:", "max_traces:", "ttl:"} {
		assert.ErrorContains(t, err, want, "all errors are reported at once")
	}
	_, err = load(t, "normalize: {time_units: {a: hours}}")
	assert.Equal(t, 1, strings.Count(err.Error(), "time_units"), "one error is reported once")
	cfg := createDefaultConfig()
	cfg.Preset = "other"
	assert.ErrorContains(t, confmap.Validate(cfg), "must be one of")
}
