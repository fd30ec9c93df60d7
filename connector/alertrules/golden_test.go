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
		switch {
		case len(cfg.Events) > 0 && cfg.Events[0].Signal == SignalSpans:
			for _, td := range c.Traces(t) {
				r.clock.add(30 * time.Second)
				require.NoError(t, r.tl.ConsumeTraces(t.Context(), td))
				r.e.tick(t.Context())
			}
		case len(cfg.Events) > 0:
			for _, ld := range c.Logs(t) {
				r.clock.add(30 * time.Second)
				require.NoError(t, r.ll.ConsumeLogs(t.Context(), ld))
				r.e.tick(t.Context())
			}
		default:
			for _, md := range c.Metrics(t) {
				r.clock.add(30 * time.Second)
				r.send(md)
				r.e.tick(t.Context())
			}
		}
		c.ExpectLogs(t, r.logs.AllLogs())
	})
}

// What is shipped must load; what it means is tested beside the rule files.
func TestShippedRuleFilesLoad(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.RuleFiles = []string{filepath.Join("..", "..", "rules", "foundation-*.yaml")}
	require.NoError(t, cfg.Validate())
}

func TestShippedExampleOfTheBreakerIsValid(t *testing.T) {
	require.NoError(t, loadFile(t, filepath.Join("testdata", "circuit_breaker", "config.yaml")).Validate())
}
