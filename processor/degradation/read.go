package degradation

import (
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
)

// reader is the memory that reading points needs again and again.
type reader struct {
	histograms measure.Reader
	quantile   float64 // of summaries

	bounds []float64
	counts []uint64
	expo   baseline.Expo
}

// metricBatch is the points of one metric in one batch.
type metricBatch struct {
	*degradation
	points   *tally
	key      detector.Key // of the metric
	ref      detector.Ref
	duration bool

	// of the present point
	point  measure.Point
	series *detector.Series
	stream detector.Key
}

func (b *metricBatch) read(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for i, dp := range m.Gauge().DataPoints().All() {
			if b.enter(i, dp.Attributes(), dp.StartTimestamp(), dp.Timestamp(), dp.Flags()) {
				b.scalar(numberOf(dp))
			}
		}
	case pmetric.MetricTypeSum:
		b.readSum(m.Sum())
	case pmetric.MetricTypeHistogram:
		b.readHistogram(m.Histogram())
	case pmetric.MetricTypeExponentialHistogram:
		b.readExponentialHistogram(m.ExponentialHistogram())
	case pmetric.MetricTypeSummary:
		for i, dp := range m.Summary().DataPoints().All() {
			if b.enter(i, dp.Attributes(), dp.StartTimestamp(), dp.Timestamp(), dp.Flags()) {
				b.scalar(quantileOf(dp, b.reader.quantile))
			}
		}
	}
}

func (b *metricBatch) readSum(sum pmetric.Sum) {
	temporality := sum.AggregationTemporality()
	for i, dp := range sum.DataPoints().All() {
		if !b.enter(i, dp.Attributes(), dp.StartTimestamp(), dp.Timestamp(), dp.Flags()) {
			continue
		}
		value, r := numberOf(dp)
		if r != measure.OK || !sum.IsMonotonic() {
			b.scalar(value, r)
			continue
		}
		if stream := b.enterStream(temporality); stream != nil {
			b.scalar(stream.Rate(b.point, value, b.detector.Window()))
		}
	}
}

func (b *metricBatch) readHistogram(h pmetric.Histogram) {
	temporality := h.AggregationTemporality()
	for i, dp := range h.DataPoints().All() {
		if !b.enter(i, dp.Attributes(), dp.StartTimestamp(), dp.Timestamp(), dp.Flags()) {
			continue
		}
		rd := &b.reader
		rd.bounds, rd.counts = rd.bounds[:0], rd.counts[:0]
		for _, bound := range dp.ExplicitBounds().All() {
			rd.bounds = append(rd.bounds, bound)
		}
		for _, n := range dp.BucketCounts().All() {
			rd.counts = append(rd.counts, n)
		}
		b.histogram(temporality, measure.Histogram{
			Count: dp.Count(), Sum: dp.Sum(), HasSum: dp.HasSum(),
			Bounds: rd.bounds, Counts: rd.counts,
		})
	}
}

func (b *metricBatch) readExponentialHistogram(h pmetric.ExponentialHistogram) {
	temporality := h.AggregationTemporality()
	for i, dp := range h.DataPoints().All() {
		if !b.enter(i, dp.Attributes(), dp.StartTimestamp(), dp.Timestamp(), dp.Flags()) {
			continue
		}
		e := &b.reader.expo
		e.Scale, e.Zero = dp.Scale(), dp.ZeroCount()
		e.PositiveOffset, e.Positive = buckets(dp.Positive(), e.Positive)
		e.NegativeOffset, e.Negative = buckets(dp.Negative(), e.Negative)
		b.histogram(temporality, measure.Histogram{
			Count: dp.Count(), Sum: dp.Sum(), HasSum: dp.HasSum(),
			Expo: e, ZeroThreshold: dp.ZeroThreshold(),
		})
	}
}

func buckets(from pmetric.ExponentialHistogramDataPointBuckets, to []uint64) (int32, []uint64) {
	to = to[:0]
	for _, n := range from.BucketCounts().All() {
		to = append(to, n)
	}
	return from.Offset(), to
}

// enter begins with the next point: it finds its series. False when there is
// nothing to measure, which is counted.
func (b *metricBatch) enter(i int, attrs pcommon.Map, start, time pcommon.Timestamp, flags pmetric.DataPointFlags) bool {
	b.ref.Point = int32(i)
	if flags.NoRecordedValue() {
		b.points.ignored[measure.NoRecordedValue]++
		return false
	}
	if time == 0 || time > math.MaxInt64 {
		b.points.ignored[measure.BadTimestamp]++
		return false
	}
	if !b.detector.Admit(int64(time)) {
		b.points.ignored[measure.Future]++
		return false
	}
	if start > time {
		start = 0 // nothing is known that could be believed
	}
	b.point = measure.Point{Start: int64(start), Time: int64(time), Duration: b.duration}
	if b.series = b.detector.Series(withMap(b.key, attrs, b.exclude)); b.series == nil {
		b.points.refused++
		return false
	}
	if len(b.exclude) > 0 {
		b.stream = withMap(b.key, attrs, nil)
	}
	return true
}

// enterStream finds what is remembered of the point's stream. Nil when there is
// nothing to measure, which is counted.
func (b *metricBatch) enterStream(t pmetric.AggregationTemporality) *measure.Stream {
	if t != pmetric.AggregationTemporalityCumulative && t != pmetric.AggregationTemporalityDelta {
		b.points.ignored[measure.NoTemporality]++
		return nil
	}
	b.point.Cumulative = t == pmetric.AggregationTemporalityCumulative
	stream := b.detector.Stream(b.series, b.stream)
	if stream == nil {
		b.points.refused++
	}
	return stream
}

func (b *metricBatch) scalar(value float64, r measure.Reason) {
	switch {
	case r != measure.OK:
	case !measure.Finite(value):
		r = measure.NotFinite
	case b.duration && value < 0:
		r = measure.Negative
	default:
		m := baseline.ScalarMeasurement(value)
		b.judge(&m)
		return
	}
	b.ignore(r)
}

func (b *metricBatch) histogram(t pmetric.AggregationTemporality, h measure.Histogram) {
	stream := b.enterStream(t)
	if stream == nil {
		return
	}
	m, r := b.reader.histograms.Histogram(stream, b.point, h, b.detector.Window())
	if r == measure.OK {
		b.judge(&m)
		return
	}
	b.ignore(r)
}

// ignore counts a point that measures nothing. One that says that nothing
// happened repeats the last verdict: the series is alive and nothing new is
// known of it, so that whoever watches its state must not see it vanish.
func (b *metricBatch) ignore(r measure.Reason) {
	b.points.ignored[r]++
	if r == measure.Empty {
		b.detector.Repeat(b.series, b.point.Time, b.ref)
	}
}

func (b *metricBatch) judge(m *baseline.Measurement) {
	b.detector.Observe(b.series, b.point.Time, m, b.ref)
}

func numberOf(dp pmetric.NumberDataPoint) (float64, measure.Reason) {
	switch dp.ValueType() {
	case pmetric.NumberDataPointValueTypeDouble:
		return dp.DoubleValue(), measure.OK
	case pmetric.NumberDataPointValueTypeInt:
		return float64(dp.IntValue()), measure.OK
	}
	return 0, measure.NoValue
}

// quantileOf is the summary's value at the quantile nearest to q, the higher of
// two equally near.
func quantileOf(dp pmetric.SummaryDataPoint, q float64) (float64, measure.Reason) {
	if dp.Count() == 0 {
		return 0, measure.Empty
	}
	best, found := math.Inf(1), false
	var value float64
	for _, at := range dp.QuantileValues().All() {
		// tolerance: 1-0.95 and 0.95-0.9 are not equal in floating point
		if d := math.Abs(at.Quantile() - q); d < best-1e-9 || d < best+1e-9 && at.Quantile() > q {
			best, value, found = d, at.Value(), true
		}
	}
	if !found {
		return 0, measure.NoValue
	}
	return value, measure.OK
}

// isDuration says whether a metric measures time, by its unit (UCUM), or when
// it has none, by its name: scraped metrics come without.
func isDuration(name, unit string) bool {
	switch unit {
	case "ns", "us", "µs", "ms", "s", "min", "h", "d", "seconds", "milliseconds", "microseconds", "nanoseconds":
		return true
	case "":
		return strings.Contains(name, "duration") || strings.Contains(name, "latency")
	}
	return false
}
