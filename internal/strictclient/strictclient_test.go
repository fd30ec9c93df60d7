package strictclient

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
)

type config struct {
	Own    string                  `mapstructure:"own"`
	Client confighttp.ClientConfig `mapstructure:",squash"`
	Part   struct {
		Key int `mapstructure:"key"`
	} `mapstructure:"part"`
}

func (c *config) Unmarshal(conf *confmap.Conf) error { return Unmarshal(conf, c) }

func TestKnownKeys(t *testing.T) {
	var c config
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"own": "a", "endpoint": "http://b", "timeout": "3s", "part": map[string]any{"key": 1},
	}).Unmarshal(&c))
	assert.Equal(t, "a", c.Own)
	assert.Equal(t, "http://b", c.Client.Endpoint)
	assert.Equal(t, 3*time.Second, c.Client.Timeout)
	assert.Equal(t, 1, c.Part.Key)
}

func TestUnknownKeysAreErrors(t *testing.T) {
	for name, raw := range map[string]map[string]any{
		"beside the client's": {"typo": 1},
		"in the client's":     {"tls": map[string]any{"typo": 1}},
		"in a part":           {"part": map[string]any{"typo": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, confmap.NewFromStringMap(raw).Unmarshal(&config{}), "typo")
		})
	}
}
