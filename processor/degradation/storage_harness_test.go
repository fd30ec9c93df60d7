package degradation

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// memoryStorage is a storage extension that can be made to misbehave.
type memoryStorage struct {
	component.StartFunc
	component.ShutdownFunc

	mu      sync.Mutex
	records map[string][]byte
	broken  error // of writes
	opening error // of GetClient
	panics  bool  // of reads
	open    int   // clients
}

func newMemoryStorage() *memoryStorage {
	return &memoryStorage{records: map[string][]byte{}}
}

func (s *memoryStorage) GetClient(_ context.Context, kind component.Kind, id component.ID, _ string) (storage.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind != component.KindProcessor || id.Type() != metadata.Type {
		return nil, errors.New("not for " + id.String())
	}
	if s.opening != nil {
		return nil, s.opening
	}
	s.open++
	return &memoryClient{s}, nil
}

func (s *memoryStorage) copy() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records)
}

func (s *memoryStorage) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

type memoryClient struct{ *memoryStorage }

func (c *memoryClient) Get(_ context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panics {
		panic("a page that is none")
	}
	return c.records[key], nil
}

func (c *memoryClient) Batch(ctx context.Context, ops ...*storage.Operation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.broken != nil {
		return c.broken
	}
	for _, op := range ops {
		if op.Type != storage.Set {
			return errors.ErrUnsupported
		}
		c.records[op.Key] = op.Value // kept, not copied: the processor must not change it any more
	}
	return nil
}

func (c *memoryClient) Set(context.Context, string, []byte) error { return errors.ErrUnsupported }

func (c *memoryClient) Delete(context.Context, string) error { return errors.ErrUnsupported }

func (c *memoryClient) Close(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	return nil
}

// host has the extensions of a collector.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

var storageID = component.MustNewID("file_storage")

// life is one run of a processor, from start to shutdown.
type life struct {
	t    testing.TB
	proc processor.Metrics
	sink *consumertest.MetricsSink
	tel  *componenttest.Telemetry
	logs *observer.ObservedLogs
	over bool
	// outcomes are the points by what became of them, complete after end
	outcomes map[string]int64
}

// live starts a processor on the storage.
func live(t testing.TB, ext component.Component, change func(*Config)) *life {
	t.Helper()
	l, err := tryToLive(t, host{storageID: ext}, change)
	require.NoError(t, err)
	return l
}

func tryToLive(t testing.TB, h component.Host, change func(*Config)) (*life, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Metrics, cfg.Storage = []string{"m*"}, &storageID
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	l := &life{t: t, sink: &consumertest.MetricsSink{}, tel: componenttest.NewTelemetry(), outcomes: map[string]int64{}}
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = l.tel.NewTelemetrySettings()
	core, logs := observer.New(zap.InfoLevel)
	set.Logger, l.logs = zap.New(core), logs
	var err error
	l.proc, err = NewFactory().CreateMetrics(t.Context(), set, cfg, l.sink)
	require.NoError(t, err)
	if err := l.proc.Start(t.Context(), h); err != nil {
		require.NoError(t, l.proc.Shutdown(t.Context()))
		return nil, err
	}
	t.Cleanup(l.end)
	return l, nil
}

func (l *life) end() {
	if l.over {
		return
	}
	l.over = true
	if m, err := l.tel.GetMetric("otelcol_degradation_points"); err == nil {
		for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
			outcome, _ := dp.Attributes.Value("outcome")
			reason, _ := dp.Attributes.Value("reason")
			l.outcomes[outcome.AsString()+" "+reason.AsString()] += dp.Value
		}
	}
	require.NoError(l.t, l.proc.Shutdown(context.Background()))
}

func (l *life) send(md pmetric.Metrics) pmetric.Metrics {
	l.t.Helper()
	l.sink.Reset()
	require.NoError(l.t, l.proc.ConsumeMetrics(context.Background(), md))
	require.Len(l.t, l.sink.AllMetrics(), 1)
	return l.sink.AllMetrics()[0]
}

// own is the sum of one of the processor's own counters, of one reason when it
// is given.
func (l *life) own(name, reason string) (sum int64) {
	l.t.Helper()
	m, err := l.tel.GetMetric("otelcol_degradation_" + name)
	if err != nil {
		return 0
	}
	return sumOf(l.t, m, reason)
}

// sumOf adds up a counter's points, of one reason when it is given.
func sumOf(t testing.TB, m metricdata.Metrics, reason string) (sum int64) {
	t.Helper()
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		if v, _ := dp.Attributes.Value("reason"); reason == "" || v.AsString() == reason {
			sum += dp.Value
		}
	}
	return sum
}

// putOnPoints adds an attribute to every point of a batch.
func putOnPoints(md pmetric.Metrics, key, value string) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				for i := range pointsOf(m) {
					attributesOf(m, i).PutStr(key, value)
				}
			}
		}
	}
}

func pointsOf(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	}
	return 0
}
