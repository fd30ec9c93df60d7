package datadogfoundation

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
)

// Each folder's input goes through queue-less export to a real server; its
// output.json is what the server decoded, request by request.
func TestGolden(t *testing.T) {
	goldentest.Run(t, "testdata", func(t *testing.T, c goldentest.Case) {
		r := newRig(t, func(cfg *Config) {
			key, endpoint := cfg.API.Key, cfg.ClientConfig.Endpoint
			cfg.API.Key = ""
			c.Config(t, cfg)
			assert.Equal(t, key[:8], cfg.API.Key[:8])
			cfg.ClientConfig.Endpoint = endpoint
		})
		for i, md := range c.Metrics(t) {
			r.clock = testNow.Add(time.Duration(i+1) * 10 * time.Second)
			r.send(md)
		}
		type decoded struct {
			Path     string `json:"path"`
			Series   any    `json:"series,omitempty"`
			Sketches any    `json:"sketches,omitempty"`
		}
		var got []decoded
		for _, q := range r.in.accepted() {
			d := decoded{Path: q.path}
			switch {
			case q.v1 != nil:
				d.Series = q.v1
			case q.series != nil:
				d.Series = q.series
			default:
				d.Sketches = q.sketches
			}
			got = append(got, d)
		}
		text, err := json.MarshalIndent(got, "", " ")
		require.NoError(t, err)
		if flag.Lookup("update").Value.String() == "true" {
			require.NoError(t, os.WriteFile(c.Path("output.json"), append(text, '\n'), 0o644))
			return
		}
		want, err := os.ReadFile(c.Path("output.json"))
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(text))
	})
}
