package datadogfoundation

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/naming"
)

// expansion makes further metrics of one, before the queue: behind it a data
// point is either delivered or not, and there is no half of it to send again.
type expansion struct {
	p       *preparer
	raw     string
	unit    string
	metrics map[string]pmetric.Metric
}

func (p *preparer) expansion(raw, unit string) *expansion {
	return &expansion{p: p, raw: raw, unit: unit}
}

func (x *expansion) metric(suffix, unit string) (m pmetric.Metric, isNew bool) {
	if m, ok := x.metrics[suffix]; ok {
		return m, false
	}
	name, _ := naming.Metric(x.p.prefix, x.raw, suffix) // legal: the plain name was
	m = x.p.extra.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	if x.metrics == nil {
		x.metrics = map[string]pmetric.Metric{}
	}
	x.metrics[suffix] = m
	return m, true
}

func (x *expansion) count(suffix, unit string) pmetric.NumberDataPoint {
	m, isNew := x.metric(suffix, unit)
	if isNew {
		m.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	}
	return m.Sum().DataPoints().AppendEmpty()
}

func (x *expansion) gauge(suffix, unit string) pmetric.NumberDataPoint {
	m, isNew := x.metric(suffix, unit)
	if isNew {
		m.SetEmptyGauge()
	}
	return m.Gauge().DataPoints().AppendEmpty()
}

// source is what histogram points have in common.
type source interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
	Count() uint64
	Sum() float64
	HasSum() bool
	Min() float64
	HasMin() bool
	Max() float64
	HasMax() bool
}

func like(dp pmetric.NumberDataPoint, s interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
},
) pmetric.NumberDataPoint {
	s.Attributes().CopyTo(dp.Attributes())
	dp.SetStartTimestamp(s.StartTimestamp())
	dp.SetTimestamp(s.Timestamp())
	return dp
}

// bucket counts the values of one bucket; empty ones are not sent.
func (x *expansion) bucket(s source, lo, hi float64, n uint64) {
	dp := like(x.count(".bucket", ""), s)
	dp.Attributes().PutStr("lower_bound", bound(lo))
	dp.Attributes().PutStr("upper_bound", bound(hi))
	dp.SetDoubleValue(float64(n))
}

func bound(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func (x *expansion) aggregations(s source) {
	like(x.count(".count", ""), s).SetDoubleValue(float64(s.Count()))
	if s.HasSum() {
		like(x.count(".sum", x.unit), s).SetDoubleValue(s.Sum())
	}
	if s.HasMin() {
		like(x.gauge(".min", x.unit), s).SetDoubleValue(s.Min())
	}
	if s.HasMax() {
		like(x.gauge(".max", x.unit), s).SetDoubleValue(s.Max())
	}
}

// summary makes count and sum (deltas) and one gauge per quantile of m.
func (p *preparer) summary(m pmetric.Metric, raw string) {
	x := p.expansion(raw, m.Unit())
	for _, dp := range m.Summary().DataPoints().All() {
		if dp.Flags().NoRecordedValue() {
			p.tally.drop(reasonNoValue, 1)
			continue
		}
		p.tags(dp.Attributes())
		for _, q := range dp.QuantileValues().All() {
			if !finite(q.Value()) || !(q.Quantile() >= 0 && q.Quantile() <= 1) {
				continue // clients write NaN when there was no value
			}
			g := like(x.gauge(".quantile", m.Unit()), dp)
			g.Attributes().PutStr("quantile", bound(q.Quantile()))
			g.SetDoubleValue(q.Value())
		}
		v := &delta.Histogram{Count: dp.Count(), Sum: dp.Sum(), HasSum: finite(dp.Sum())}
		d, at, verdict := delta.Next(p.tracker, p.hasher.point(dp.Attributes()), p.now, p.ours, span(dp), v)
		if !p.judge(verdict) {
			continue
		}
		dp.SetStartTimestamp(stamp(at.Start))
		like(x.count(".count", ""), dp).SetDoubleValue(float64(d.Count))
		if d.HasSum && finite(d.Sum) {
			like(x.count(".sum", m.Unit()), dp).SetDoubleValue(d.Sum)
		}
	}
}
