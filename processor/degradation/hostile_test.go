package degradation

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// poisons are points that measure nothing, each with the reason it is counted
// under. None may move the baseline of the series it comes in.
var poisons = map[string]struct {
	reason string
	md     func(when time.Duration) pmetric.Metrics
}{
	"gauge NaN":              {"not_finite", func(t time.Duration) pmetric.Metrics { return gauge("m", t, math.NaN()) }},
	"gauge +Inf":             {"not_finite", func(t time.Duration) pmetric.Metrics { return gauge("m", t, math.Inf(1)) }},
	"gauge -Inf":             {"not_finite", func(t time.Duration) pmetric.Metrics { return gauge("m", t, math.Inf(-1)) }},
	"gauge beyond sums":      {"not_finite", func(t time.Duration) pmetric.Metrics { return gauge("m", t, math.MaxFloat64) }},
	"gauge negative seconds": {"negative", func(t time.Duration) pmetric.Metrics { return gauge("m", t, -1e9) }},
	"gauge no value": {"no_value", edit(gauge, func(dp pmetric.NumberDataPoint) {
		empty := pmetric.NewNumberDataPoint()
		empty.SetTimestamp(dp.Timestamp())
		dp.Attributes().CopyTo(empty.Attributes())
		empty.MoveTo(dp)
	})},
	"gauge no recorded value": {"no_recorded_value", edit(gauge, func(dp pmetric.NumberDataPoint) {
		dp.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	})},
	"gauge without a time": {"bad_timestamp", edit(gauge, func(dp pmetric.NumberDataPoint) { dp.SetTimestamp(0) })},
	"gauge at the last ns": {"bad_timestamp", edit(gauge, func(dp pmetric.NumberDataPoint) { dp.SetTimestamp(math.MaxUint64) })},
	"gauge in 250 years":   {"future", edit(gauge, func(dp pmetric.NumberDataPoint) { dp.SetTimestamp(math.MaxInt64) })},
	"sum without a temporality": {"no_temporality", func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) {
			m.SetEmptySum().SetIsMonotonic(true)
			number(m.Sum().DataPoints(), t-time.Minute, t, 9)
		})
	}},
	"delta sum below zero": {"negative", func(t time.Duration) pmetric.Metrics {
		return batch("m", "1", func(m pmetric.Metric) {
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			number(m.Sum().DataPoints(), t-time.Minute, t, -9)
		})
	}},
	"delta sum over no time": {"no_interval", func(t time.Duration) pmetric.Metrics {
		return batch("m", "1", func(m pmetric.Metric) {
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			number(m.Sum().DataPoints(), t, t, 9)
		})
	}},
	"histogram of nothing":            {"empty", hist(func(dp pmetric.HistogramDataPoint) { dp.SetCount(0); dp.BucketCounts().FromRaw([]uint64{0, 0}) })},
	"histogram without a sum":         {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) { dp.RemoveSum() })},
	"histogram of NaN":                {"not_finite", hist(func(dp pmetric.HistogramDataPoint) { dp.SetSum(math.NaN()) })},
	"histogram beyond sums":           {"not_finite", hist(func(dp pmetric.HistogramDataPoint) { dp.SetSum(math.MaxFloat64) })},
	"histogram of negative seconds":   {"negative", hist(func(dp pmetric.HistogramDataPoint) { dp.SetSum(-1) })},
	"histogram with a bucket too few": {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) { dp.BucketCounts().FromRaw([]uint64{2}) })},
	"histogram that does not add up":  {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) { dp.SetCount(3) })},
	"histogram that overflows": {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) {
		dp.BucketCounts().FromRaw([]uint64{math.MaxUint64, 3})
	})},
	"histogram with bounds in disorder": {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) {
		dp.ExplicitBounds().FromRaw([]float64{2, 1})
		dp.BucketCounts().FromRaw([]uint64{1, 1, 0})
	})},
	"histogram with a NaN bound": {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) { dp.ExplicitBounds().FromRaw([]float64{math.NaN()}) })},
	"histogram with 100000 buckets": {"inconsistent", hist(func(dp pmetric.HistogramDataPoint) {
		bounds := make([]float64, 100000)
		for i := range bounds {
			bounds[i] = float64(i)
		}
		dp.ExplicitBounds().FromRaw(bounds)
		dp.BucketCounts().FromRaw(append([]uint64{2}, make([]uint64, 100000)...))
	})},
	"exponential histogram of scale 300":   {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.SetScale(300) })},
	"exponential histogram of scale -300":  {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.SetScale(-300) })},
	"exponential histogram beyond float64": {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.Positive().SetOffset(math.MaxInt32) })},
	"exponential histogram below float64":  {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.Positive().SetOffset(math.MinInt32) })},
	"exponential histogram with 1e6 buckets": {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) {
		dp.Positive().BucketCounts().FromRaw(make([]uint64, 1000000))
	})},
	"exponential histogram, more zeros":       {"inconsistent", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.SetZeroCount(3) })},
	"exponential histogram, negative seconds": {"negative", expo(func(dp pmetric.ExponentialHistogramDataPoint) { dp.Positive().MoveTo(dp.Negative()) })},
	"summary of nothing": {"empty", func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) { m.SetEmptySummary().DataPoints().AppendEmpty().SetTimestamp(at(t)) })
	}},
	"summary without quantiles": {"no_value", func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) {
			dp := m.SetEmptySummary().DataPoints().AppendEmpty()
			dp.SetTimestamp(at(t))
			dp.SetCount(4)
		})
	}},
	"summary of NaN": {"not_finite", func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) {
			dp := m.SetEmptySummary().DataPoints().AppendEmpty()
			dp.SetTimestamp(at(t))
			dp.SetCount(4)
			q := dp.QuantileValues().AppendEmpty()
			q.SetQuantile(math.NaN())
			q = dp.QuantileValues().AppendEmpty()
			q.SetQuantile(0.95)
			q.SetValue(math.NaN())
		})
	}},
}

func edit(make func(string, time.Duration, float64) pmetric.Metrics, change func(pmetric.NumberDataPoint)) func(time.Duration) pmetric.Metrics {
	return func(t time.Duration) pmetric.Metrics {
		md := make("m", t, 99)
		change(md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().At(0))
		return md
	}
}

func hist(change func(pmetric.HistogramDataPoint)) func(time.Duration) pmetric.Metrics {
	return func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) {
			m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			dp := m.Histogram().DataPoints().AppendEmpty()
			dp.SetStartTimestamp(at(t - time.Minute))
			dp.SetTimestamp(at(t))
			dp.SetCount(2)
			dp.SetSum(9)
			dp.ExplicitBounds().FromRaw([]float64{1})
			dp.BucketCounts().FromRaw([]uint64{1, 1})
			change(dp)
		})
	}
}

func expo(change func(pmetric.ExponentialHistogramDataPoint)) func(time.Duration) pmetric.Metrics {
	return func(t time.Duration) pmetric.Metrics {
		return batch("m", "s", func(m pmetric.Metric) {
			m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
			dp.SetStartTimestamp(at(t - time.Minute))
			dp.SetTimestamp(at(t))
			dp.SetCount(2)
			dp.SetSum(9)
			dp.Positive().BucketCounts().FromRaw([]uint64{1, 1})
			change(dp)
		})
	}
}

func settings(tel *componenttest.Telemetry) processor.Settings {
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	return set
}

// pointsBy reads the own metric of points by outcome and reason.
func pointsBy(t *testing.T, tel *componenttest.Telemetry) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric("otelcol_degradation_points")
	require.NoError(t, err)
	out := map[string]int64{}
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		outcome, _ := dp.Attributes.Value(attribute.Key("outcome"))
		key := outcome.AsString()
		if reason, ok := dp.Attributes.Value(attribute.Key("reason")); ok {
			key += " " + reason.AsString()
		}
		out[key] = dp.Value
	}
	return out
}

func TestPoisonIsIgnoredAndCounted(t *testing.T) {
	for _, mode := range modes {
		for name, poison := range poisons {
			t.Run(string(mode)+" "+name, func(t *testing.T) { testPoison(t, mode, poison.reason, poison.md) })
		}
	}
}

func testPoison(t *testing.T, mode Mode, reason string, poison func(time.Duration) pmetric.Metrics) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	r := newRigWith(t, settings(tel), func(c *Config) { c.Mode, c.Emit, c.MinDuration, c.MinCount = mode, emitAll, 0, 0 })

	// Between points of the same kind that are good. What kind that is
	// follows from the poison's own metric.
	m := poison(0).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	good := map[pmetric.MetricType]int{
		pmetric.MetricTypeGauge: 0, pmetric.MetricTypeSummary: 3, pmetric.MetricTypeSum: 4,
		pmetric.MetricTypeHistogram: 6, pmetric.MetricTypeExponentialHistogram: 8,
	}
	enc := encodings()[good[m.Type()]]
	const n = 30
	for i := range n {
		when := time.Hour + time.Duration(i)*time.Minute
		md := enc.encode([]interval{{when, when + time.Minute, []float64{1.5}, true}}, 1)[0]
		one := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
		one.SetUnit(m.Unit())
		sameAttributes(one, m)
		got := verdicts(t, r.send(md))
		require.Len(t, got, 1)
		want := int64(-1)
		if i >= 14 {
			want = 0
			require.InDelta(t, 1, got[0].factor, 1e-9)
		}
		require.Equal(t, want, got[0].state)
		r.send(poison(when + 90*time.Second))
	}
	points := pointsBy(t, tel)
	require.EqualValues(t, n, points["ignored "+reason], "%v", points)
	require.EqualValues(t, n, points["evaluated"]+points["learning"])
	require.Len(t, points, 3)
}

// sameAttributes makes both points of one series.
func sameAttributes(to, from pmetric.Metric) { attributesOf(from, 0).CopyTo(attributesOf(to, 0)) }

// Whatever comes in, nothing panics, nothing is lost, nothing that comes out is
// not a number, and the count of points adds up.
func TestHostileInput(t *testing.T) {
	floats := []float64{0, 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1e-300, 0.1}
	counts := []uint64{0, 0, 0, 1, 2, 3, math.MaxUint32, 1 << 53, math.MaxUint64}
	times := []pcommon.Timestamp{0, 1, at(0), at(time.Minute), at(time.Hour), at(2 * time.Hour), at(-time.Hour), math.MaxInt64, math.MaxUint64}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		pick := func(n int) int { return rng.IntN(n) }
		float := func() float64 { return floats[pick(len(floats))] }
		count := func() uint64 { return counts[pick(len(counts))] }
		when := func() pcommon.Timestamp {
			return times[pick(len(times))] + pcommon.Timestamp(pick(3))*pcommon.Timestamp(time.Minute)
		}
		many := func() []uint64 {
			out := make([]uint64, pick(4))
			for i := range out {
				out[i] = count()
			}
			return out
		}
		attrs := func(m pcommon.Map) {
			switch pick(4) {
			case 0:
				m.PutStr("\xff\xfe", "\xc3\x28")
				m.PutEmpty("")
			case 1:
				m.PutEmptyMap("m").PutEmptySlice("s").AppendEmpty().SetDouble(math.NaN())
				m.PutEmptyBytes("b").FromRaw([]byte{0, 255})
			}
		}
		temporality := func() pmetric.AggregationTemporality { return pmetric.AggregationTemporality(pick(4)) }
		tel := componenttest.NewTelemetry()
		r := newRigWith(t, settings(tel), func(c *Config) {
			c.Metrics, c.MinSamples, c.MaxSeries = []string{"*"}, pick(3), 1+pick(5)
			c.Window, c.Pane = time.Hour, time.Hour/[]time.Duration{1, 2, 3, 4, 5, 6, 10, 12, 60}[pick(9)]
			c.Mode = modes[pick(len(modes))]
			c.MinDuration, c.MinCount = c.Pane*time.Duration(pick(2)), pick(3)
			c.Pending.M, c.Pending.N = 1+pick(2), 2
			c.Clear.Evaluations = 1 + pick(2)
			c.MaxDegraded = time.Hour
			c.Direction = []Direction{directionUp, directionDown, directionBoth}[pick(3)]
			if pick(2) == 0 {
				c.Emit = emitAll
			}
			if pick(2) == 0 {
				c.ExcludeAttributes = []string{"", "m"}[1:]
			}
			c.Current = []Current{currentMean, currentP50, currentP95, currentMax}[pick(4)]
		})
		sent := int64(0)
		for range 30 {
			md := pmetric.NewMetrics()
			rm := md.ResourceMetrics().AppendEmpty()
			attrs(rm.Resource().Attributes())
			metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
			for range 1 + pick(5) {
				m := metrics.AppendEmpty()
				m.SetName([]string{"", "a.duration", "\xff"}[pick(3)])
				switch pick(6) {
				case 0:
					dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
					dp.SetTimestamp(when())
					dp.SetDoubleValue(float())
					attrs(dp.Attributes())
				case 1:
					s := m.SetEmptySum()
					s.SetIsMonotonic(pick(2) == 0)
					s.SetAggregationTemporality(temporality())
					dp := s.DataPoints().AppendEmpty()
					dp.SetStartTimestamp(when())
					dp.SetTimestamp(when())
					dp.SetIntValue(int64(count()))
				case 2:
					h := m.SetEmptyHistogram()
					h.SetAggregationTemporality(temporality())
					dp := h.DataPoints().AppendEmpty()
					dp.SetStartTimestamp(when())
					dp.SetTimestamp(when())
					dp.SetSum(float())
					counts := many()
					dp.BucketCounts().FromRaw(counts)
					total := uint64(0)
					for _, n := range counts {
						total += n
					}
					dp.SetCount(total)
					for i := 1; i < len(counts); i++ {
						dp.ExplicitBounds().Append(float64(i) + float()*float64(pick(2)))
					}
				case 3:
					h := m.SetEmptyExponentialHistogram()
					h.SetAggregationTemporality(temporality())
					dp := h.DataPoints().AppendEmpty()
					dp.SetStartTimestamp(when())
					dp.SetTimestamp(when())
					dp.SetSum(float())
					dp.SetScale([]int32{0, 3, -3, -10, 20, 21, math.MaxInt32, math.MinInt32}[pick(8)])
					offsets := []int32{0, 1, -1, 1000, -1000, 1 << 29, -(1 << 29), math.MaxInt32, math.MinInt32}
					positive, negative := many(), many()
					dp.Positive().SetOffset(offsets[pick(len(offsets))])
					dp.Positive().BucketCounts().FromRaw(positive)
					dp.Negative().SetOffset(offsets[pick(len(offsets))])
					dp.Negative().BucketCounts().FromRaw(negative)
					dp.SetZeroCount(count())
					dp.SetZeroThreshold(float())
					total := dp.ZeroCount()
					for _, n := range append(positive, negative...) {
						total += n
					}
					dp.SetCount(total)
				case 4:
					dp := m.SetEmptySummary().DataPoints().AppendEmpty()
					dp.SetTimestamp(when())
					dp.SetCount(count())
					for range pick(3) {
						q := dp.QuantileValues().AppendEmpty()
						q.SetQuantile(float())
						q.SetValue(float())
					}
				}
			}
			sent += int64(md.DataPointCount())
			before := pmetric.NewMetrics()
			md.CopyTo(before)
			out := r.send(md)
			require.Equal(t, encoded(t, before.ResourceMetrics().At(0).ScopeMetrics().At(0)), encoded(t, out.ResourceMetrics().At(0).ScopeMetrics().At(0)), "seed %d", seed)
			for _, v := range verdicts(t, out) {
				require.Contains(t, []int64{-1, 0, 1}, v.state)
				require.False(t, math.IsInf(v.factor, 0) || math.IsInf(v.current, 0) || math.IsInf(v.mean, 0) || math.IsInf(v.p95, 0), "seed %d: %+v", seed, v)
			}
		}
		counted := int64(0)
		for _, n := range pointsBy(t, tel) {
			counted += n
		}
		require.Equal(t, sent, counted, "seed %d", seed)
		require.NoError(t, tel.Shutdown(context.Background()))
	}
}

// encoded is the scope as it goes over the wire: NaN does not equal itself.
func encoded(t *testing.T, sm pmetric.ScopeMetrics) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	sm.CopyTo(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty())
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	return b
}

func TestOwnMetrics(t *testing.T) {
	tel := componenttest.NewTelemetry()
	r := newRigWith(t, settings(tel), func(c *Config) { c.MaxSeries = 2 })
	for i := range 30 {
		r.send(gauge("m1", time.Duration(i)*time.Minute, 1))
	}
	r.send(gauge("m1", 30*time.Minute, 3))
	r.send(gauge("m1", -2*time.Hour, 3))
	r.send(gauge("m2", 30*time.Minute, 3))
	r.send(gauge("m3", 30*time.Minute, 3))
	require.Equal(t, map[string]int64{"evaluated": 16, "learning": 16, "late": 1, "refused": 1}, pointsBy(t, tel))
	value := func(name string) int64 {
		m, err := tel.GetMetric(name)
		require.NoError(t, err)
		return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
	}
	require.EqualValues(t, 2, value("otelcol_degradation_series"))
	require.EqualValues(t, 1, value("otelcol_degradation_degraded_series"))
	require.NoError(t, tel.Shutdown(context.Background()))
}

func TestNoAllocationsPerGaugePoint(t *testing.T) {
	for _, mode := range []Mode{modeStrict, modeGuarded} {
		t.Run(string(mode), func(t *testing.T) {
			md := manyGauges(1000)
			p := bare(t, mode)
			var when time.Duration
			allocs := testing.AllocsPerRun(200, func() {
				when += time.Minute
				setTimes(md, when)
				var points tally
				p.detector.Begin(epoch.Add(when).UnixNano())
				p.observe(md, &points)
				told := p.detector.Finish()
				points.take(p.detector)
				if len(told) > 0 || points.total() != 1000 || points.outcomes[detector.Evaluated] != 1000 {
					t.Fatal("not the steady state")
				}
			})
			require.LessOrEqual(t, allocs, 1.0, "one a metric, of 1000 points")
		})
	}
}

func manyGauges(n int) pmetric.Metrics {
	return batch("m", "s", func(m pmetric.Metric) {
		g := m.SetEmptyGauge()
		for i := range n {
			dp := g.DataPoints().AppendEmpty()
			dp.SetDoubleValue(1 + float64(i%7)/10)
			dp.Attributes().PutStr("route", "/cart")
			dp.Attributes().PutInt("shard", int64(i))
		}
	})
}

func setTimes(md pmetric.Metrics, when time.Duration) {
	for _, dp := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Gauge().DataPoints().All() {
		dp.SetTimestamp(at(when))
	}
}

func bare(t *testing.T, mode Mode) *degradation {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Metrics = []string{"m"}
	cfg.Mode = mode
	p, err := newDegradation(processortest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	var points tally
	md := manyGauges(1000)
	for i := range 200 { // until every pane has its memory
		setTimes(md, time.Duration(i-200)*time.Minute)
		p.detector.Begin(epoch.UnixNano())
		p.observe(md, &points)
		p.detector.Finish()
	}
	return p
}
