package foundationmetrics

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func TestDefaults(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, &Config{
		FlushInterval:      10 * time.Second,
		Histogram:          HistogramExplicit,
		Sources:            Sources{Spans: true, Logs: true, SpanEvents: true},
		MaxSeries:          10000,
		ResourceAttributes: []string{"service.namespace", "service.name", "service.instance.id", "deployment.environment.name"},
	}, cfg)
}

func TestEveryKey(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"flush_interval":      "1s",
		"histogram":           "exponential",
		"sources":             map[string]any{"spans": false, "logs": true, "span_events": false},
		"max_series":          7,
		"disabled_metrics":    []any{"foundation_os.operations"},
		"resource_attributes": []any{"service.name"},
	}).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, &Config{
		FlushInterval:      time.Second,
		Histogram:          HistogramExponential,
		Sources:            Sources{Logs: true},
		MaxSeries:          7,
		DisabledMetrics:    []string{"foundation_os.operations"},
		ResourceAttributes: []string{"service.name"},
	}, cfg)
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		conf map[string]any
		want []string
	}{
		"unknown key":         {map[string]any{"flush_intervall": "1s"}, []string{"flush_intervall"}},
		"unknown nested key":  {map[string]any{"sources": map[string]any{"metrics": true}}, []string{"metrics"}},
		"histogram":           {map[string]any{"histogram": "native"}, []string{`histogram: "native" is unknown, allowed are explicit, exponential`}},
		"no source":           {map[string]any{"sources": map[string]any{"spans": false, "logs": false, "span_events": false}}, []string{"sources: spans, logs, span_events: all are false"}},
		"disabled":            {map[string]any{"disabled_metrics": []any{"a.b", "foundation_os.errors", "foundation_os.errors"}}, []string{`disabled_metrics[0]: "a.b" is none`, `disabled_metrics[2]: "foundation_os.errors" is there twice`}},
		"another's metric":    {map[string]any{"disabled_metrics": []any{"degradation.state"}}, []string{`disabled_metrics[0]: "degradation.state" is none`}},
		"resource attributes": {map[string]any{"resource_attributes": []any{"", "a", "a"}}, []string{"resource_attributes[0]: empty", `resource_attributes[2]: "a" is there twice`}},
		"all at once":         {map[string]any{"flush_interval": "0s", "max_series": 0}, []string{"flush_interval: 0s, must be above 0", "max_series: 0, must be above 0"}},
		"negative":            {map[string]any{"flush_interval": "-1s", "max_series": -1}, []string{"flush_interval: -1s", "max_series: -1"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := NewFactory().CreateDefaultConfig()
			err := confmap.NewFromStringMap(c.conf).Unmarshal(cfg)
			if err == nil {
				err = confmap.Validate(cfg)
			}
			require.Error(t, err)
			for _, w := range c.want {
				assert.ErrorContains(t, err, w)
			}
		})
	}
}

func TestHistogramKindsRoundTrip(t *testing.T) {
	for _, k := range []HistogramKind{HistogramExplicit, HistogramExponential} {
		text, err := k.MarshalText()
		require.NoError(t, err)
		var got HistogramKind
		require.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, k, got)
	}
}
