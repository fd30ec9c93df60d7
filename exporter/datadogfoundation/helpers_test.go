package datadogfoundation

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
)

const testKey = "0123456789abcdef0123456789abcdef"

// testNow is the time of all tests: nothing depends on when they run.
var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig is an exporter that sends to an intake, without queue and retry: a call of
// ConsumeMetrics returns when everything is sent.
type rig struct {
	*metricsExporter
	t     *testing.T
	in    *intake
	tel   *componenttest.Telemetry
	clock time.Time
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	return newRigOn(t, componenttest.NewNopHost(), exportertest.NewNopSettings(metadata.Type), change...)
}

func newRigOn(t *testing.T, host component.Host, set exporter.Settings, change ...func(*Config)) *rig {
	in := newIntake(t)
	cfg := testConfig(in)
	for _, f := range change {
		f(cfg)
	}
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	logger := set.Logger
	set.TelemetrySettings = tel.NewTelemetrySettings()
	set.Logger = logger
	e, err := newMetricsExporter(context.Background(), set, cfg)
	require.NoError(t, err)
	r := &rig{metricsExporter: e, t: t, in: in, tel: tel, clock: testNow}
	e.now = func() time.Time { return r.clock }
	require.NoError(t, e.Start(context.Background(), host))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return r
}

func testConfig(in *intake) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.API.Key = testKey
	cfg.ClientConfig.Endpoint = in.URL
	cfg.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	cfg.RetryConfig.Enabled = false
	return cfg
}

func (r *rig) consume(md pmetric.Metrics) error {
	r.t.Helper()
	return r.ConsumeMetrics(context.Background(), md)
}

func (r *rig) send(md pmetric.Metrics) {
	r.t.Helper()
	require.NoError(r.t, r.consume(md))
}

// counted is the value of an own metric, of the series whose attribute has value
// if one is given.
func (r *rig) counted(name string, value ...string) int64 {
	m, err := r.tel.GetMetric("otelcol_datadog_foundation_" + name)
	if err != nil {
		return 0 // never counted
	}
	var n int64
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		match := len(value) == 0
		for _, kv := range dp.Attributes.ToSlice() {
			match = match || kv.Value.AsString() == value[0]
		}
		if match {
			n += dp.Value
		}
	}
	return n
}

func ts(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }

// batch is a pmetric.Metrics of one resource and scope.
type batch struct {
	md pmetric.Metrics
	ms pmetric.MetricSlice
}

func newBatch(resource ...string) batch {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for i := 0; i+1 < len(resource); i += 2 {
		rm.Resource().Attributes().PutStr(resource[i], resource[i+1])
	}
	return batch{md, rm.ScopeMetrics().AppendEmpty().Metrics()}
}

func put(m pcommon.Map, attributes []string) {
	for i := 0; i+1 < len(attributes); i += 2 {
		m.PutStr(attributes[i], attributes[i+1])
	}
}

func (b batch) gauge(name string, at time.Time, v float64, attributes ...string) {
	m := b.ms.AppendEmpty()
	m.SetName(name)
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetTimestamp(ts(at))
	dp.SetDoubleValue(v)
	put(dp.Attributes(), attributes)
}

func (b batch) sum(name string, start, at time.Time, v int64, t pmetric.AggregationTemporality, monotonic bool, attributes ...string) {
	m := b.ms.AppendEmpty()
	m.SetName(name)
	s := m.SetEmptySum()
	s.SetIsMonotonic(monotonic)
	s.SetAggregationTemporality(t)
	dp := s.DataPoints().AppendEmpty()
	if !start.IsZero() {
		dp.SetStartTimestamp(ts(start))
	}
	dp.SetTimestamp(ts(at))
	dp.SetIntValue(v)
	put(dp.Attributes(), attributes)
}

func (b batch) delta(name string, at time.Time, v int64, attributes ...string) {
	b.sum(name, at.Add(-10*time.Second), at, v, pmetric.AggregationTemporalityDelta, true, attributes...)
}

func (b batch) counter(name string, start, at time.Time, v int64, attributes ...string) {
	b.sum(name, start, at, v, pmetric.AggregationTemporalityCumulative, true, attributes...)
}

func (b batch) histogram(name string, start, at time.Time, t pmetric.AggregationTemporality, bounds []float64, counts []uint64, sum float64) pmetric.HistogramDataPoint {
	m := b.ms.AppendEmpty()
	m.SetName(name)
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(t)
	dp := h.DataPoints().AppendEmpty()
	if !start.IsZero() {
		dp.SetStartTimestamp(ts(start))
	}
	dp.SetTimestamp(ts(at))
	dp.ExplicitBounds().FromRaw(bounds)
	dp.BucketCounts().FromRaw(counts)
	var n uint64
	for _, c := range counts {
		n += c
	}
	dp.SetCount(n)
	dp.SetSum(sum)
	return dp
}
