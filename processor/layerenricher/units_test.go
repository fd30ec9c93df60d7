package layerenricher

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadatatest"
)

// What no YAML can hold: values that are no numbers, as Prometheus' mark of a
// stale series, and metrics and points without a value.
func TestNativeUnitsOfNoNumbers(t *testing.T) {
	const stale uint64 = 0x7ff0000000000002
	md := pmetric.NewMetrics()
	metrics := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	add := func() pmetric.Metric {
		m := metrics.AppendEmpty()
		m.SetUnit("native")
		return m
	}
	typeless := add()
	gauge := add().SetEmptyGauge().DataPoints()
	gauge.AppendEmpty().SetDoubleValue(math.Float64frombits(stale))
	gauge.AppendEmpty().SetDoubleValue(math.Inf(-1))
	none := gauge.AppendEmpty()
	none.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	none.Exemplars().AppendEmpty()
	histogram := add().SetEmptyHistogram().DataPoints().AppendEmpty()
	histogram.SetSum(math.Float64frombits(stale))
	histogram.ExplicitBounds().FromRaw([]float64{1e9, math.Inf(1)})
	summary := add().SetEmptySummary().DataPoints().AppendEmpty()
	summary.QuantileValues().AppendEmpty().SetValue(math.Float64frombits(stale))
	empty := add().SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	empty.SetScale(30) // without buckets any scale will do

	_, err := newTestEnricher(t, createDefaultConfig()).metrics(t.Context(), md)
	require.NoError(t, err)
	for i := range metrics.Len() {
		assert.Equal(t, "s", metrics.At(i).Unit())
	}
	assert.Equal(t, pmetric.MetricTypeEmpty, typeless.Type())
	assert.Equal(t, stale, math.Float64bits(gauge.At(0).DoubleValue()))
	assert.True(t, math.IsInf(gauge.At(1).DoubleValue(), -1))
	assert.Equal(t, pmetric.NumberDataPointValueTypeEmpty, none.ValueType())
	assert.True(t, none.Flags().NoRecordedValue())
	assert.Equal(t, pmetric.ExemplarValueTypeEmpty, none.Exemplars().At(0).ValueType())
	assert.Equal(t, stale, math.Float64bits(histogram.Sum()))
	assert.Equal(t, []float64{1, math.Inf(1)}, histogram.ExplicitBounds().AsRaw())
	assert.False(t, histogram.HasMin(), "what was not there is not made up")
	assert.Equal(t, stale, math.Float64bits(summary.QuantileValues().At(0).Value()))
	assert.False(t, empty.HasSum())
}

// Field by field, since comparing metrics overlooks some.
func TestNativeExponentialHistogram(t *testing.T) {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetUnit("native")
	p := m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	p.SetScale(3)
	p.SetSum(4e9)
	p.SetMin(-3e9)
	p.SetMax(5e9)
	p.SetZeroThreshold(1e3)
	p.SetZeroCount(7)
	p.Positive().SetOffset(240)
	p.Positive().BucketCounts().FromRaw([]uint64{1, 2})
	p.Negative().SetOffset(-5)
	p.Negative().BucketCounts().FromRaw([]uint64{3})
	for range 2 { // the second time there is nothing to do
		_, err := newTestEnricher(t, createDefaultConfig()).metrics(t.Context(), md)
		require.NoError(t, err)
		assert.Equal(t, []float64{4, -3, 5, 1e-6}, []float64{p.Sum(), p.Min(), p.Max(), p.ZeroThreshold()})
		assert.Equal(t, []int32{3, 240 - 239, -5 - 239}, []int32{p.Scale(), p.Positive().Offset(), p.Negative().Offset()})
		assert.Equal(t, []uint64{1, 2}, p.Positive().BucketCounts().AsRaw())
		assert.Equal(t, []uint64{3}, p.Negative().BucketCounts().AsRaw())
		assert.EqualValues(t, 7, p.ZeroCount())
	}
}

func TestUndecidedUnitsAreCounted(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	f, cfg, set := NewFactory(), createDefaultConfig(), metadatatest.NewSettings(tel)

	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetUnit("native")
	points := m.SetEmptyExponentialHistogram().DataPoints()
	points.AppendEmpty()
	fine := points.AppendEmpty()
	fine.SetScale(31)
	fine.Positive().BucketCounts().Append(1)
	mp, err := f.CreateMetrics(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, mp.ConsumeMetrics(t.Context(), md))
	require.NoError(t, mp.Shutdown(t.Context()))

	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for _, duration := range []int64{12, 12e6} { // milliseconds against the rule, nanoseconds with it
		s := spans.AppendEmpty()
		s.SetName("foundation.span.end")
		s.SetStartTimestamp(1)
		s.SetEndTimestamp(1 + 12e6)
		s.Attributes().PutInt("duration", duration)
	}
	tp, err := f.CreateTraces(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, tp.ConsumeTraces(t.Context(), td))
	require.NoError(t, tp.Shutdown(t.Context()))

	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, name := range []string{"foundation.span.end", "foundation_jido.signal.dispatch.complete", "foundation_jido.coordination.auction.complete", "dspex.program.execution.stop"} {
		r := records.AppendEmpty()
		r.SetEventName(name)
		r.Attributes().PutInt("duration", 5)
	}
	lp, err := f.CreateLogs(t.Context(), set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, lp.ConsumeLogs(t.Context(), ld))
	require.NoError(t, lp.Shutdown(t.Context()))

	of := func(signal string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Attributes: attribute.NewSet(attribute.String("signal", signal)), Value: n}
	}
	metadatatest.AssertEqualLayerEnricherDurationsUndecided(t, tel,
		[]metricdata.DataPoint[int64]{of("data_point", 2), of("span", 1), of("log", 3)}, metricdatatest.IgnoreTimestamp())
}

// A preset is a table that users may read as an example: what it gets wrong is
// said when it is loaded.
func TestUnitsOfPresets(t *testing.T) {
	_, err := parseMetricUnits([]string{"native", "fortnight"})
	assert.EqualError(t, err, `metric_units: unknown unit "fortnight", must be one of native, ns, us, ms, s`)
	p, err := newPlan(createDefaultConfig())
	require.NoError(t, err)
	assert.EqualError(t, p.unitRules(map[string]string{"a": "fortnight", "foundation.span.end": "ms"}),
		"normalize.time_units.a: is \"fortnight\", must be one of native, ns, us, ms, s\n"+
			"normalize.time_units.foundation.span.end: is no event's canonical name, must be foundation.span")
	preset, err := PresetFoundationOS.load()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"foundation.span": "native"}, preset.TimeUnits)
	assert.Equal(t, []string{"native"}, preset.MetricUnits)
}

// A rule of the user stands over the preset's, also over a root's other facts.
func TestUserRuleOverPreset(t *testing.T) {
	cfg := createDefaultConfig()
	cfg.Normalize.TimeUnits = map[string]string{"foundation.span": "ms", "foundation_os.request": "us"}
	p, err := newPlan(cfg)
	require.NoError(t, err)
	assert.EqualValues(t, 1e3, p.event("foundation.span").unit)
	assert.EqualValues(t, 1e6, p.event("foundation_os.request").unit)
	assert.True(t, p.event("foundation_os.request").root)
	assert.Zero(t, noEvent.unit)
}
