package layerenricher

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
)

func TestGoldenTraces(t *testing.T) {
	goldentest.Run(t, "testdata/traces", func(t *testing.T, c goldentest.Case) {
		factory := NewFactory()
		cfg := factory.CreateDefaultConfig()
		c.Config(t, cfg)
		sink := new(consumertest.TracesSink)
		p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		for _, in := range c.Traces(t) {
			require.NoError(t, p.ConsumeTraces(t.Context(), in))
		}
		require.NoError(t, p.Shutdown(t.Context()))
		c.ExpectTraces(t, sink.AllTraces())
	})
}

func TestGoldenLogs(t *testing.T) {
	goldentest.Run(t, "testdata/logs", func(t *testing.T, c goldentest.Case) {
		cfg := createDefaultConfig()
		c.Config(t, cfg)
		e := newTestEnricher(t, cfg)
		// The moment of the inputs' attribute timestamp.
		e.now = func() time.Time { return time.Date(2025, 6, 27, 12, 0, 0, 0, time.UTC) }
		sink := new(consumertest.LogsSink)
		p := newLogsHold(e, cfg.Correlation.Hold, zap.NewNop(), sink, nil)
		for _, in := range c.Logs(t) {
			if cfg.Correlation.Hold > 0 {
				require.NoError(t, p.ConsumeLogs(t.Context(), in))
				continue
			}
			out, err := e.logs(t.Context(), in)
			require.NoError(t, err)
			require.NoError(t, sink.ConsumeLogs(t.Context(), out))
		}
		require.NoError(t, p.Shutdown(t.Context()))
		c.ExpectLogs(t, sink.AllLogs())
	})
}

func TestGoldenMetrics(t *testing.T) {
	goldentest.Run(t, "testdata/metrics", func(t *testing.T, c goldentest.Case) {
		factory := NewFactory()
		cfg := factory.CreateDefaultConfig()
		c.Config(t, cfg)
		sink := new(consumertest.MetricsSink)
		p, err := factory.CreateMetrics(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		for _, in := range c.Metrics(t) {
			require.NoError(t, p.ConsumeMetrics(t.Context(), in))
		}
		require.NoError(t, p.Shutdown(t.Context()))
		c.ExpectMetrics(t, sink.AllMetrics(), pmetrictest.IgnoreResourceMetricsOrder(),
			pmetrictest.IgnoreScopeMetricsOrder(), pmetrictest.IgnoreMetricsOrder())
	})
}

var testPlans sync.Map

func newTestEnricher(t testing.TB, cfg *Config) *enricher {
	t.Helper()
	// Thousands of instances of few configurations: reading the preset each time
	// would be most of the tests' time.
	key := fmt.Sprintf("%+v", cfg)
	p, ok := testPlans.Load(key)
	if !ok {
		var err error
		p, err = newPlan(cfg)
		require.NoError(t, err)
		testPlans.Store(key, p)
	}
	s := newShared(p.(*plan), cfg.Correlation)
	tb, err := metadata.NewTelemetryBuilder(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return newEnricher(s, tb)
}
