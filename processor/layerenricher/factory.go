package layerenricher

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
)

// NewFactory returns the factory of layer_enricher.
func NewFactory() processor.Factory {
	r := &registry{byConfig: map[*Config]*shared{}}
	return processor.NewFactory(
		metadata.Type,
		func() component.Config { return createDefaultConfig() },
		processor.WithTraces(r.createTraces, metadata.TracesStability),
		processor.WithLogs(r.createLogs, metadata.LogsStability),
		processor.WithMetrics(r.createMetrics, metadata.MetricsStability),
	)
}

// registry joins the instances of one component: the collector makes one per
// pipeline, all from the same *Config.
type registry struct {
	mu       sync.Mutex
	byConfig map[*Config]*shared
}

// create makes an instance, and what it is left by at its Shutdown.
func (r *registry) create(set processor.Settings, cfg *Config) (*enricher, component.ShutdownFunc, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byConfig[cfg]
	if s == nil {
		p, err := newPlan(cfg)
		if err != nil {
			return nil, nil, err
		}
		s = newShared(p, cfg.Correlation)
		r.byConfig[cfg] = s
	}
	s.users++
	var once sync.Once
	leave := func(context.Context) error {
		once.Do(func() {
			tb.Shutdown()
			r.mu.Lock()
			defer r.mu.Unlock()
			if s.users--; s.users == 0 && r.byConfig[cfg] == s {
				delete(r.byConfig, cfg)
			}
		})
		return nil
	}
	return newEnricher(s, tb), leave, nil
}

func (r *registry) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	c := cfg.(*Config)
	e, leave, err := r.create(set, c)
	if err != nil {
		return nil, err
	}
	if c.Correlation.Hold > 0 {
		return newTracesHold(e, c.Correlation.Hold, set.Logger, next, leave), nil
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, e.traces, processorhelper.WithShutdown(leave))
}

func (r *registry) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	e, leave, err := r.create(set, c)
	if err != nil {
		return nil, err
	}
	if c.Correlation.Hold > 0 {
		return newLogsHold(e, c.Correlation.Hold, set.Logger, next, leave), nil
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, e.logs, processorhelper.WithShutdown(leave))
}

func (r *registry) createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	e, leave, err := r.create(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, e.metrics, processorhelper.WithShutdown(leave))
}
