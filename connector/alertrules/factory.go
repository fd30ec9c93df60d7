package alertrules

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// NewFactory returns the factory of the connector. At a reload the collector asks
// for another one: what an engine leaves to the next one lies with the process.
func NewFactory() connector.Factory { return process.factory() }

var process = newRegistry(time.Now, true)

// factory makes a factory whose connectors are one in the registry.
func (r *registry) factory() connector.Factory {
	return connector.NewFactory(metadata.Type, r.createDefaultConfig,
		connector.WithMetricsToLogs(r.metricsToLogs, metadata.MetricsToLogsStability),
		connector.WithMetricsToMetrics(r.metricsToMetrics, metadata.MetricsToMetricsStability),
		connector.WithLogsToLogs(r.logsToLogs, metadata.LogsToLogsStability),
		connector.WithTracesToLogs(r.tracesToLogs, metadata.TracesToLogsStability),
	)
}

func (r *registry) createDefaultConfig() component.Config {
	c := createDefaultConfig().(*Config)
	c.registry = r
	return c
}

func createDefaultConfig() component.Config {
	return &Config{
		EvaluationInterval:        30 * time.Second,
		ResendInterval:            time.Minute,
		DegradationEvents:         true,
		PromoteResourceAttributes: []string{semconv.AttributeServiceName, semconv.AttributeDeploymentEnvironmentName},
		EventPrefix:               defaultEventPrefix,
		Emit:                      []Kind{KindTriggered, KindResolved, KindActive},
		Limits:                    Limits{Series: 100_000, AlertsPerRule: 1000, SamplesPerQuery: 50_000_000},
	}
}

// defaultEventPrefix is Foundation OS' own; others set event_prefix.
const defaultEventPrefix = "foundation_os.alert"

func (r *registry) metricsToLogs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Metrics, error) {
	e, err := r.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return e.metricsInstance(next, nil), nil
}

func (r *registry) metricsToMetrics(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Metrics, error) {
	e, err := r.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return e.metricsInstance(nil, next), nil
}

func (r *registry) logsToLogs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Logs, error) {
	e, err := r.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return e.logsInstance(next), nil
}

func (r *registry) tracesToLogs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Traces, error) {
	e, err := r.engine(set, cfg)
	if err != nil {
		return nil, err
	}
	return e.tracesInstance(next), nil
}
