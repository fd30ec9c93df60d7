package drive

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Gauge is a batch of one point.
func Gauge(series string, at time.Time, v float64) pmetric.Metrics {
	md, m := batch()
	AddGauge(m.SetEmptyGauge().DataPoints(), series, at, v)
	return md
}

// Gauges is a batch that fill adds its points to, by AddGauge.
func Gauges(fill func(pmetric.NumberDataPointSlice)) pmetric.Metrics {
	md, m := batch()
	fill(m.SetEmptyGauge().DataPoints())
	return md
}

// AddGauge appends a point.
func AddGauge(to pmetric.NumberDataPointSlice, series string, at time.Time, v float64) {
	dp := to.AppendEmpty()
	dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
	dp.SetDoubleValue(v)
	dp.Attributes().PutStr(Series, series)
}

// Histograms is a batch of delta histograms that fill adds its points to.
func Histograms(fill func(pmetric.ExponentialHistogramDataPointSlice)) pmetric.Metrics {
	md, m := batch()
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	fill(h.DataPoints())
	return md
}

func batch() (pmetric.Metrics, pmetric.Metric) {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(Metric)
	return md, m
}
