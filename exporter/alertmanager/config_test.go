package alertmanager

import (
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
	cfg := createDefaultConfig().(*Config)
	if err := confmap.NewFromStringMap(raw).Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

// The configuration as it is documented is the default one.
func TestDefaults(t *testing.T) {
	documented, err := load(t, `
endpoints: [http://127.0.0.1:9093]
label_names: underscore
resend_interval: 1m
max_alerts: 256
generator_url: ""
timeout: 10s
sending_queue: {num_consumers: 1}
retry_on_failure: {enabled: true, max_elapsed_time: 5m}
`)
	require.NoError(t, err)
	want := createDefaultConfig().(*Config)
	want.Endpoints = []string{"http://127.0.0.1:9093"}
	assert.Equal(t, want, documented)
	assert.Equal(t, 10*time.Second, want.ClientConfig.Timeout)
	assert.EqualValues(t, 1000, want.QueueConfig.Get().QueueSize)
	require.NoError(t, componenttest.CheckConfigStruct(want))
}

func TestValidation(t *testing.T) {
	const one = "endpoints: [http://127.0.0.1:9093]"
	for text, want := range map[string]string{
		`{}`:                                       "endpoints: is empty, allowed is a list of URLs such as [http://127.0.0.1:9093]",
		`{` + one + `, endpoint: http://b}`:        "endpoint: is not used here, list the Alertmanagers in endpoints",
		`{endpoints: [http://a, nope]}`:            "endpoints[1]: must be an http:// or https:// URL without query",
		`{endpoints: ["ftp://a"]}`:                 "endpoints[0]: must be an http:// or https:// URL without query",
		`{endpoints: ["http://"]}`:                 "endpoints[0]: must be an http:// or https:// URL without query",
		`{endpoints: ["http://a?b=c"]}`:            "endpoints[0]: must be an http:// or https:// URL without query",
		`{endpoints: ["http://a#b"]}`:              "endpoints[0]: must be an http:// or https:// URL without query",
		`{endpoints: ["http://me:hunter2@a"]}`:     "endpoints[0]: holds a user, which belongs into auth",
		`{endpoints: ["http://a/api/v2/alerts/"]}`: "endpoints[0]: ends with /api/v2/alerts, which is added: give what is before it",
		`{endpoints: ["http://a", "http://a/"]}`:   `endpoints[1]: "http://a/" is endpoints[0] once more, each is allowed once`,
		`{` + one + `, timeout: 0s}`:               "timeout: 0s is too short, allowed is more than 0",
		`{` + one + `, compression: gzip}`:         `compression: "gzip" cannot be read by Alertmanager, allowed is none`,
		`{` + one + `, label_names: dots}`:         `"dots" is unknown, allowed are underscore, utf8`,
		`{` + one + `, resend_interval: 1ms}`:      "resend_interval: 1ms is too short, allowed is 1s or more",
		`{` + one + `, max_alerts: 0}`:             "max_alerts: 0 is out of range, allowed is 1 to 10000",
		`{` + one + `, max_alerts: 10001}`:         "max_alerts: 10001 is out of range, allowed is 1 to 10000",
		`{` + one + `, generator_url: board}`:      `generator_url: "board" is no address, allowed is nothing, or an http:// or https:// URL`,
		`{` + one + `, typo: 1}`:                   "typo",
		`{` + one + `, tls: {typo: 1}}`:            "typo",
		`{` + one + `, sending_queue: {typo: 1}}`:  "typo",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := load(t, text)
			require.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
	// All at once.
	_, err := load(t, `{endpoints: [nope], timeout: -1s, max_alerts: -1, resend_interval: 0s}`)
	for _, part := range []string{"endpoints[0]:", "timeout: -1s", "max_alerts: -1", "resend_interval: 0s"} {
		assert.ErrorContains(t, err, part)
	}
}

func TestEnumReadsWhatItWrites(t *testing.T) {
	for i := range labelNamesNames() {
		want := LabelNames(i)
		text, err := want.MarshalText()
		require.NoError(t, err)
		var got LabelNames
		require.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, want, got)
	}
}
