package datadogfoundation

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	cfg := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(raw).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

// The configuration as it is documented is the default one.
func TestDefaults(t *testing.T) {
	documented, err := load(t, `
api: {key: k, key_file: "", site: datadoghq.com, fail_on_invalid_key: false}
endpoint: ""
prefix: foundationos.
series_api: v2
compression: zstd
histograms: {mode: distributions, send_aggregations: false}
resource_attributes_as_tags: [deployment.environment.name]
tags: []
out_of_window: drop
max_payload: {compressed: 512000, raw: 5242880, points: 10000}
cumulative: {max_streams: 200000, ttl: 1h}
events: {enabled: true}
timeout: 15s
sending_queue: {}
retry_on_failure: {}
`)
	require.NoError(t, err)
	want := createDefaultConfig().(*Config)
	want.API.Key = "k"
	want.Tags = []string{}
	assert.Equal(t, want, documented)
	assert.Equal(t, 15*time.Second, want.ClientConfig.Timeout)
	assert.Equal(t, configcompression.TypeZstd, want.ClientConfig.Compression)
	assert.Equal(t, exporterhelper.NewDefaultQueueConfig(), *want.QueueConfig.Get())
	require.NoError(t, componenttest.CheckConfigStruct(want))
}

func TestValidation(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                                    "api: key: is empty, give the API key here or in key_file",
		`{api: {key: a, key_file: b}}`:                          "api: key: is set together with key_file",
		`{api: {key: "a b"}}`:                                   "api: key: holds a space",
		`{api: {key: k, site: "https://x.y"}}`:                  "api: site: \"https://x.y\" is no site",
		`{api: {key: k, typo: 1}}`:                              "typo",
		`{api: {key: k}, typo: 1}`:                              "typo",
		`{api: {key: k}, tls: {typo: 1}}`:                       "typo",
		`{api: {key: k}, sending_queue: {typo: 1}}`:             "typo",
		`{api: {key: k}, endpoint: "nope"}`:                     "endpoint: must be empty or an http:// or https:// URL",
		`{api: {key: k}, endpoint: "ftp://a"}`:                  "endpoint: must be",
		`{api: {key: k}, timeout: -1s}`:                         "timeout: -1s is negative",
		`{api: {key: k}, compression: snappy}`:                  "compression: \"snappy\" is not supported by Datadog, allowed are zstd, gzip, deflate, none",
		`{api: {key: k}, prefix: "1a"}`:                         "prefix: \"1a\" is no legal start",
		`{api: {key: k}, series_api: v3}`:                       "\"v3\" is unknown, allowed are v2, v1",
		`{api: {key: k}, out_of_window: ignore}`:                "\"ignore\" is unknown, allowed are drop, clamp, send",
		`{api: {key: k}, histograms: {mode: x}}`:                "\"x\" is unknown, allowed are distributions, counters, nobuckets",
		`{api: {key: k}, tags: [a]}`:                            "tags[0]: \"a\" is not of the form key:value",
		`{api: {key: k}, tags: ["1:2"]}`:                        "tags[0]: \"1:2\" does not begin with a letter",
		`{api: {key: k}, resource_attributes_as_tags: [a, ""]}`: "resource_attributes_as_tags[1]: is empty",
		`{api: {key: k}, max_payload: {compressed: 512001}}`:    "max_payload: compressed: 512001 is out of range, allowed is 1024 to 512000",
		`{api: {key: k}, max_payload: {raw: 0}}`:                "max_payload: raw: 0 is out of range",
		`{api: {key: k}, max_payload: {points: 0}}`:             "max_payload: points: 0 is out of range, allowed is 1 to 10000",
		`{api: {key: k}, cumulative: {max_streams: 0}}`:         "cumulative: max_streams: 0 is too low",
		`{api: {key: k}, cumulative: {ttl: 1s}}`:                "cumulative: ttl: 1s is too short",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := load(t, text)
			require.Error(t, err)
			assert.Contains(t, err.Error(), want)
		})
	}
	// All at once.
	_, err := load(t, `{prefix: "1", tags: [a], max_payload: {points: 0}}`)
	for _, part := range []string{"prefix:", "tags[0]:", "max_payload: points:", "api: key:"} {
		assert.ErrorContains(t, err, part)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	c := APIConfig{KeyFile: path}
	_, err := c.read()
	require.ErrorContains(t, err, "api.key_file:")
	require.NoError(t, os.WriteFile(path, []byte("two words"), 0o600))
	_, err = c.read()
	require.ErrorContains(t, err, "api.key_file: holds no key")
	assert.NotContains(t, err.Error(), "words")
	require.NoError(t, os.WriteFile(path, []byte(" abc\n"), 0o600))
	key, err := c.read()
	require.NoError(t, err)
	assert.Equal(t, "abc", key)
}

func TestEnumsReadWhatTheyWrite(t *testing.T) {
	for i, name := range histogramModeNames() {
		var m HistogramMode
		require.NoError(t, m.UnmarshalText([]byte(name)))
		assert.Equal(t, fmt.Sprint(HistogramMode(i)), m.String())
	}
}
