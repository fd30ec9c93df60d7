package degradation

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// epoch is the start of event time in tests: on a pane's and a window's bound,
// and in the past of any clock that runs them.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) pcommon.Timestamp { return pcommon.NewTimestampFromTime(epoch.Add(d)) }

// rig drives the processor through its factory.
type rig struct {
	t    testing.TB
	proc processor.Metrics
	sink *consumertest.MetricsSink
}

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	return newRigWith(t, processortest.NewNopSettings(metadata.Type), change)
}

func newRigWith(t testing.TB, set processor.Settings, change func(*Config)) *rig {
	t.Helper()
	f := NewFactory()
	cfg := f.CreateDefaultConfig().(*Config)
	cfg.Metrics = []string{"m*"}
	cfg.Mode = modeStrict // a test of another mode says so
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	sink := &consumertest.MetricsSink{}
	proc, err := f.CreateMetrics(context.Background(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, proc.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, proc.Shutdown(context.Background())) })
	return &rig{t: t, proc: proc, sink: sink}
}

// send passes one batch and returns what came out.
func (r *rig) send(md pmetric.Metrics) pmetric.Metrics {
	r.t.Helper()
	r.sink.Reset()
	require.NoError(r.t, r.proc.ConsumeMetrics(context.Background(), md))
	require.Len(r.t, r.sink.AllMetrics(), 1)
	return r.sink.AllMetrics()[0]
}

// told is one verdict as it came out.
type told struct {
	at                         pcommon.Timestamp
	state                      int64
	factor, current, mean, p95 float64
	reason                     string
	attrs                      map[string]any
}

// verdicts reads the verdicts of a batch.
func verdicts(t testing.TB, md pmetric.Metrics) []told {
	t.Helper()
	var out []told
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			if sm.Scope().Name() != metadata.ScopeName {
				continue
			}
			byName := map[string]pmetric.NumberDataPointSlice{}
			for _, m := range sm.Metrics().All() {
				require.Equal(t, pmetric.MetricTypeGauge, m.Type())
				byName[m.Name()] = m.Gauge().DataPoints()
			}
			states, ok := byName[semconv.MetricDegradationState]
			if !ok {
				continue
			}
			for _, dp := range states.All() {
				v := told{at: dp.Timestamp(), state: dp.IntValue(), attrs: dp.Attributes().AsRaw()}
				if reason, ok := dp.Attributes().Get(semconv.AttributeDegradationReason); ok {
					v.reason = reason.Str()
				}
				find := func(name string) float64 {
					points, ok := byName[name]
					if !ok {
						return math.NaN()
					}
					for _, other := range points.All() {
						if other.Timestamp() == dp.Timestamp() && other.Attributes().Equal(dp.Attributes()) {
							return other.DoubleValue()
						}
					}
					return math.NaN()
				}
				v.factor = find(semconv.MetricDegradationFactor)
				v.current = find(semconv.MetricDegradationCurrent)
				v.mean = find(semconv.MetricDegradationBaselineMean)
				v.p95 = find(semconv.MetricDegradationBaselineP95)
				out = append(out, v)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b told) int { return cmp.Compare(a.at, b.at) })
	return out
}

// degradedCount is the batch's foundation_os.performance.degraded_metrics_count;
// -1 when there is none.
func degradedCount(md pmetric.Metrics) int64 {
	n := int64(-1)
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() == semconv.MetricPerformanceDegradedMetricsCount {
					n = m.Gauge().DataPoints().At(0).IntValue()
				}
			}
		}
	}
	return n
}

// batch makes a batch of one metric, which fill gives its type and points.
func batch(name, unit string, fill func(pmetric.Metric)) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("app")
	m := sm.Metrics().AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	fill(m)
	return md
}

func gauge(name string, when time.Duration, v float64) pmetric.Metrics {
	return batch(name, "s", func(m pmetric.Metric) {
		dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
		dp.SetTimestamp(at(when))
		dp.SetDoubleValue(v)
		dp.Attributes().PutStr("route", "/cart")
	})
}
