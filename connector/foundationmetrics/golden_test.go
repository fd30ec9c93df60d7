package foundationmetrics

import (
	"context"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
)

// The folders named traces_* hold spans, those named logs_* hold log events. Times
// are those of the test's clock, which stands still.
func TestGolden(t *testing.T) {
	goldentest.Run(t, "testdata", func(t *testing.T, c goldentest.Case) {
		f := newFactory(newClock().now)
		cfg := f.CreateDefaultConfig()
		c.Config(t, cfg)
		sink := &consumertest.MetricsSink{}
		set := connectortest.NewNopSettings(metadata.Type)
		ctx := context.Background()
		if strings.HasPrefix(c.Name, "traces_") {
			conn, err := f.CreateTracesToMetrics(ctx, set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, conn.Start(ctx, componenttest.NewNopHost()))
			for _, td := range c.Traces(t) {
				require.NoError(t, conn.ConsumeTraces(ctx, td))
			}
			require.NoError(t, conn.Shutdown(ctx))
		} else {
			conn, err := f.CreateLogsToMetrics(ctx, set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, conn.Start(ctx, componenttest.NewNopHost()))
			for _, ld := range c.Logs(t) {
				require.NoError(t, conn.ConsumeLogs(ctx, ld))
			}
			require.NoError(t, conn.Shutdown(ctx))
		}
		c.ExpectMetrics(t, sink.AllMetrics(), pmetrictest.IgnoreMetricDataPointsOrder(), pmetrictest.IgnoreMetricsOrder())
	})
}
