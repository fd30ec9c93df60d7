package foundationmetrics

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
)

// NewFactory returns the factory of the foundation_metrics connector.
func NewFactory() connector.Factory { return newFactory(time.Now) }

func newFactory(now func() time.Time) connector.Factory {
	s := &shared{now: now, cores: map[shareKey]*core{}}
	return connector.NewFactory(
		metadata.Type,
		func() component.Config { return defaultConfig() },
		connector.WithTracesToMetrics(s.traces, metadata.TracesToMetricsStability),
		connector.WithLogsToMetrics(s.logs, metadata.LogsToMetricsStability),
	)
}

// shared holds the cores of a factory, so that the instances which the collector
// builds for each pair of signals get the same one.
type shared struct {
	now   func() time.Time
	mu    sync.Mutex
	cores map[shareKey]*core
}

// shareKey is one component of one collector: the ID alone would join two collectors
// in a process, and a reloaded one with the one that it replaces.
type shareKey struct {
	id  component.ID
	cfg *Config
}

func (s *shared) get(set connector.Settings, cfg component.Config, next consumer.Metrics) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := shareKey{set.ID, cfg.(*Config)}
	c := s.cores[k]
	if c == nil {
		var err error
		c, err = newCore(set, k.cfg, next, s.now)
		if err != nil {
			return nil, err
		}
		c.forget = func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.cores, k)
		}
		s.cores[k] = c
	}
	c.users++
	return &instance{core: c}, nil
}

func (s *shared) traces(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Traces, error) {
	i, err := s.get(set, cfg, next)
	if err != nil {
		return nil, err
	}
	return &tracesInstance{i}, nil
}

func (s *shared) logs(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
	i, err := s.get(set, cfg, next)
	if err != nil {
		return nil, err
	}
	return &logsInstance{i}, nil
}
