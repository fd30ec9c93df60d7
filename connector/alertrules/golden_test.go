package alertrules

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
)

// One batch comes in each 30 seconds, and then the rules are evaluated.
func TestGolden(t *testing.T) {
	goldentest.Run(t, "testdata", func(t *testing.T, c goldentest.Case) {
		cfg := createDefaultConfig().(*Config)
		c.Config(t, cfg)
		r := newRigOf(t, cfg)
		if len(cfg.Events) > 0 {
			for _, ld := range c.Logs(t) {
				r.clock.add(30 * time.Second)
				require.NoError(t, r.ll.ConsumeLogs(t.Context(), ld))
				r.e.tick(t.Context())
			}
		} else {
			for _, md := range c.Metrics(t) {
				r.clock.add(30 * time.Second)
				r.send(md)
				r.e.tick(t.Context())
			}
		}
		c.ExpectLogs(t, r.logs.AllLogs())
	})
}

func TestShippedExampleOfTheBreakerIsValid(t *testing.T) {
	require.NoError(t, loadFile(t, filepath.Join("testdata", "circuit_breaker", "config.yaml")).Validate())
}
