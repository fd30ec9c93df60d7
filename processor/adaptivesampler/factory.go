package adaptivesampler

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// NewFactory returns the factory of the adaptive_sampler processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
		processor.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	c := cfg.(*Config)
	return newTraces(ctx, set, c, newSignals(&c.Load), next)
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	return newLogs(ctx, set, c, newSignals(&c.Load), next)
}

func newTraces(ctx context.Context, set processor.Settings, cfg *Config, signals []*signal, next consumer.Traces) (processor.Traces, error) {
	s, err := newSampler(set, cfg, "traces", signals)
	if err != nil {
		return nil, err
	}
	if cfg.Mode.String() == string(modeTrace) {
		return newTraceMode(s, cfg, next, set.Logger), nil
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, s.processTraces, s.options()...)
}

func newLogs(ctx context.Context, set processor.Settings, cfg *Config, signals []*signal, next consumer.Logs) (processor.Logs, error) {
	s, err := newSampler(set, cfg, "logs", signals)
	if err != nil {
		return nil, err
	}
	s.hashAttribute = cfg.Logs.HashAttribute
	s.passAnonymous = true
	return processorhelper.NewLogs(ctx, set, cfg, next, s.processLogs, s.options()...)
}

func (s *sampler) options() []processorhelper.Option {
	return []processorhelper.Option{
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}),
		processorhelper.WithStart(s.start),
		processorhelper.WithShutdown(s.shutdown),
	}
}
