package alertrules

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// NewFactory returns the factory of the connector.
func NewFactory() connector.Factory { return newFactory(time.Now, true) }

// newFactory takes a clock. Without ticks nothing is evaluated by itself: tests
// that set the clock evaluate when they want.
func newFactory(clock func() time.Time, ticks bool) connector.Factory {
	r := &registry{clock: clock, ticks: ticks, engines: map[engineKey]*engine{}}
	return connector.NewFactory(metadata.Type, createDefaultConfig,
		connector.WithMetricsToLogs(r.metricsToLogs, metadata.MetricsToLogsStability),
		connector.WithMetricsToMetrics(r.metricsToMetrics, metadata.MetricsToMetricsStability),
		connector.WithLogsToLogs(r.logsToLogs, metadata.LogsToLogsStability),
		connector.WithTracesToLogs(r.tracesToLogs, metadata.TracesToLogsStability),
	)
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

// registry finds the one engine of a component. The collector makes an instance
// of a connector for each pair of signals that it connects, all with the same ID
// and the same configuration.
type registry struct {
	clock   func() time.Time
	ticks   bool
	mu      sync.Mutex
	engines map[engineKey]*engine
}

type engineKey struct {
	id  component.ID
	cfg *Config
}

func (r *registry) engine(set connector.Settings, cfg component.Config) (*engine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := engineKey{set.ID, cfg.(*Config)}
	if e, ok := r.engines[key]; ok {
		return e, nil
	}
	e, err := newEngine(key.cfg, set, r.clock)
	if err != nil {
		return nil, err
	}
	e.ticks = r.ticks
	e.forget = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.engines, key)
	}
	r.engines[key] = e
	return e, nil
}

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
