package alertmanager

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/metadata"
)

// NewFactory returns the factory of alertmanager.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig,
		exporter.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	return newAlertsExporter(ctx, set, cfg.(*Config))
}
