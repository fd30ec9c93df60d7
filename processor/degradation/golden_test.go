package degradation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/pmetrictest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

func TestGolden(t *testing.T) {
	goldentest.Run(t, "testdata", func(t *testing.T, c goldentest.Case) {
		synctest.Test(t, func(t *testing.T) {
			// the clock of the bubble, which stamps the count, to the cases' day
			time.Sleep(time.Until(time.Date(2026, 6, 1, 0, 2, 0, 0, time.UTC)))

			f := NewFactory()
			cfg := f.CreateDefaultConfig()
			c.Config(t, cfg)
			set := processortest.NewNopSettings(metadata.Type)
			set.Resource.Attributes().PutStr("service.instance.id", "this-collector")
			sink := &consumertest.MetricsSink{}
			p, err := f.CreateMetrics(context.Background(), set, cfg, sink)
			require.NoError(t, err)
			require.NoError(t, p.Start(context.Background(), nil))
			for _, md := range c.Metrics(t) {
				require.NoError(t, p.ConsumeMetrics(context.Background(), md))
			}
			require.NoError(t, p.Shutdown(context.Background()))
			// the file is written in the order of names
			c.ExpectMetrics(t, sink.AllMetrics(), pmetrictest.IgnoreResourceMetricsOrder(), pmetrictest.IgnoreScopeMetricsOrder(), pmetrictest.IgnoreMetricsOrder())
		})
	})
}
