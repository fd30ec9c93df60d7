package foundationmetrics

import (
	"strconv"

	"github.com/lightstep/go-expohisto/structure"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	otelattribute "go.opentelemetry.io/otel/attribute"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/series"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// reasonKey is the attribute of the connector's own counter of unusable samples.
const reasonKey = otelattribute.Key("reason")

// snapshot writes all series.
func (c *core) snapshot() pmetric.Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.agg.Flush(now)
	e := emitter{table: c.agg.Series, start: pcommon.NewTimestampFromTime(c.start), now: pcommon.NewTimestampFromTime(now)}
	md := pmetric.NewMetrics()
	for i, r := range c.agg.Series.Resources {
		e.resource(md, i, r)
	}
	return md
}

type emitter struct {
	table      *series.Table
	start, now pcommon.Timestamp
}

func (e *emitter) resource(md pmetric.Metrics, i int, r *series.Resource) {
	var metrics pmetric.MetricSlice
	begun := false
	for m := range e.table.Definitions {
		all := e.table.Of(i, m)
		if len(all) == 0 {
			continue
		}
		if !begun {
			rm := md.ResourceMetrics().AppendEmpty()
			put(rm.Resource().Attributes(), r.Attrs)
			sm := rm.ScopeMetrics().AppendEmpty()
			sm.Scope().SetName(metadata.ScopeName)
			metrics, begun = sm.Metrics(), true
		}
		e.metric(metrics.AppendEmpty(), &e.table.Definitions[m], all)
	}
}

func (e *emitter) metric(out pmetric.Metric, d *series.Definition, all []*series.Series) {
	out.SetName(d.Name)
	out.SetUnit(d.Unit)
	out.SetDescription(d.Brief)
	switch d.Kind {
	case series.Counter:
		sum := out.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for _, s := range all {
			dp := sum.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(e.start)
			e.number(dp, s)
			dp.SetIntValue(int64(s.Sum))
			exemplar(dp.Exemplars(), s)
		}
	case series.Gauge:
		points := out.SetEmptyGauge().DataPoints()
		for _, s := range all {
			dp := points.AppendEmpty()
			e.number(dp, s)
			dp.SetDoubleValue(s.Sum)
		}
	case series.Histogram:
		h := out.SetEmptyHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for _, s := range all {
			dp := h.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(e.start)
			dp.SetTimestamp(e.now)
			dp.SetCount(s.Count)
			dp.SetSum(s.Sum)
			dp.SetMin(s.Min)
			dp.SetMax(s.Max)
			dp.ExplicitBounds().FromRaw(d.Bounds)
			dp.BucketCounts().FromRaw(s.Buckets)
			attributes(dp.Attributes(), s)
			exemplar(dp.Exemplars(), s)
		}
	case series.Exponential:
		h := out.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for _, s := range all {
			dp := h.DataPoints().AppendEmpty()
			dp.SetStartTimestamp(e.start)
			dp.SetTimestamp(e.now)
			dp.SetCount(s.Count)
			dp.SetSum(s.Sum)
			dp.SetMin(s.Min)
			dp.SetMax(s.Max)
			dp.SetScale(s.Expo.Scale())
			dp.SetZeroCount(s.Expo.ZeroCount())
			buckets(dp.Positive(), s.Expo.Positive())
			buckets(dp.Negative(), s.Expo.Negative())
			attributes(dp.Attributes(), s)
			exemplar(dp.Exemplars(), s)
		}
	}
}

func (e *emitter) number(dp pmetric.NumberDataPoint, s *series.Series) {
	dp.SetTimestamp(e.now)
	attributes(dp.Attributes(), s)
}

func buckets(out pmetric.ExponentialHistogramDataPointBuckets, b *structure.Buckets) {
	out.SetOffset(b.Offset())
	counts := out.BucketCounts()
	counts.EnsureCapacity(int(b.Len()))
	for i := range b.Len() {
		counts.Append(b.At(i))
	}
}

func attributes(m pcommon.Map, s *series.Series) {
	if s.Overflow {
		m.PutBool(semconv.AttributeOtelMetricOverflow, true)
		return
	}
	put(m, s.Attrs)
}

// put writes attributes; the number of agents is a number, unless it is unknown.
func put(m pcommon.Map, attrs []item.Pair) {
	m.EnsureCapacity(len(attrs))
	for _, p := range attrs {
		if p.Key == semconv.AttributeAgentCount {
			if n, err := strconv.ParseInt(p.Value, 10, 64); err == nil {
				m.PutInt(p.Key, n)
				continue
			}
		}
		m.PutStr(p.Key, p.Value)
	}
}

// exemplar writes the measurement kept since the last flush and forgets it.
func exemplar(out pmetric.ExemplarSlice, s *series.Series) {
	x := &s.Exemplar
	if !x.Set {
		return
	}
	x.Set = false
	ex := out.AppendEmpty()
	ex.SetDoubleValue(x.Value)
	ex.SetTimestamp(pcommon.Timestamp(x.Time))
	ex.SetTraceID(x.TraceID)
	ex.SetSpanID(x.SpanID)
	put(ex.FilteredAttributes(), x.Attrs)
}
