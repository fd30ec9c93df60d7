package adaptivesampler

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// factory keeps the monitors: the collector makes a processor for each
// pipeline, and those of one configuration share one.
type factory struct {
	mu       sync.Mutex
	monitors map[*Config]*sharedMonitor
}

type sharedMonitor struct {
	*monitor
	users int
}

// NewFactory returns the factory of the adaptive_sampler processor.
func NewFactory() processor.Factory {
	f := &factory{monitors: map[*Config]*sharedMonitor{}}
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(f.createTraces, metadata.TracesStability),
		processor.WithLogs(f.createLogs, metadata.LogsStability),
	)
}

func (f *factory) createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	c := cfg.(*Config)
	return newTraces(ctx, set, c, f.monitor(c, set.Logger), next)
}

func (f *factory) createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	c := cfg.(*Config)
	return newLogs(ctx, set, c, f.monitor(c, set.Logger), next)
}

// monitor returns the one of the configuration. It is forgotten when its last
// user has released it: a reload brings a configuration of its own.
func (f *factory) monitor(cfg *Config, logger *zap.Logger) *monitor {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared := f.monitors[cfg]
	if shared == nil {
		shared = &sharedMonitor{monitor: newMonitor(cfg, logger)}
		shared.release = func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if shared.users--; shared.users == 0 {
				delete(f.monitors, cfg)
			}
		}
		f.monitors[cfg] = shared
	}
	shared.users++
	return shared.monitor
}

func newTraces(ctx context.Context, set processor.Settings, cfg *Config, monitor *monitor, next consumer.Traces) (processor.Traces, error) {
	s, err := newSampler(set, cfg, "traces", monitor)
	if err != nil {
		return nil, err
	}
	next = monitor.backpressure().traces(next)
	if cfg.Mode.String() == string(modeTrace) {
		return newTraceMode(s, cfg, next, set.Logger), nil
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, s.processTraces, s.options()...)
}

func newLogs(ctx context.Context, set processor.Settings, cfg *Config, monitor *monitor, next consumer.Logs) (processor.Logs, error) {
	s, err := newSampler(set, cfg, "logs", monitor)
	if err != nil {
		return nil, err
	}
	s.hashAttribute = cfg.Logs.HashAttribute
	s.passAnonymous = true
	return processorhelper.NewLogs(ctx, set, cfg, monitor.backpressure().logs(next), s.processLogs, s.options()...)
}

func (s *sampler) options() []processorhelper.Option {
	return []processorhelper.Option{
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}),
		processorhelper.WithStart(s.start),
		processorhelper.WithShutdown(s.shutdown),
	}
}
