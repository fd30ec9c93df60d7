package datadogfoundation

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/naming"
)

// preparer makes a batch fit for the queue: checked, named, delta, and one data
// point for each point that will be sent. It changes the batch.
type preparer struct {
	prefix       string
	mode         HistogramMode
	aggregations bool
	tracker      *delta.Tracker
	ours         uint64 // when the exporter started

	// Of the batch in work.
	now    time.Time
	tally  tally
	hasher hasher
	extra  pmetric.MetricSlice // made from histograms and summaries
}

// stateless is a preparer for batches without cumulative points.
func (p *preparer) stateless() *preparer {
	return &preparer{prefix: p.prefix, mode: p.mode, aggregations: p.aggregations, tracker: delta.New(0, time.Hour)}
}

// prepare works through md. The caller holds the tracker and commits it once
// the queue has taken md, or discards it.
func (p *preparer) prepare(md pmetric.Metrics, now time.Time) tally {
	p.now, p.tally = now, tally{}
	p.tracker.Begin(now)
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		p.hasher.resource(rm.Resource())
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			p.hasher.scope(sm.Scope())
			p.extra = pmetric.NewMetricSlice()
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool { return !p.metric(m) })
			p.extra.MoveAndAppendTo(sm.Metrics())
			return sm.Metrics().Len() == 0
		})
		return rm.ScopeMetrics().Len() == 0
	})
	return p.tally
}

// cumulative says whether the tracker is needed for md.
func cumulative(md pmetric.Metrics) bool {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				t := pmetric.AggregationTemporalityDelta
				switch m.Type() {
				case pmetric.MetricTypeSum:
					if m.Sum().IsMonotonic() {
						t = m.Sum().AggregationTemporality()
					}
				case pmetric.MetricTypeHistogram:
					t = m.Histogram().AggregationTemporality()
				case pmetric.MetricTypeExponentialHistogram:
					t = m.ExponentialHistogram().AggregationTemporality()
				case pmetric.MetricTypeSummary:
					t = pmetric.AggregationTemporalityCumulative // a summary has no other
				}
				if t == pmetric.AggregationTemporalityCumulative {
					return true
				}
			}
		}
	}
	return false
}

// metric reports whether anything of m is left to send.
func (p *preparer) metric(m pmetric.Metric) bool {
	raw := m.Name()
	name, changed := naming.Metric(p.prefix, raw, "")
	if name == "" {
		p.tally.drop(reasonName, points(m))
		return false
	}
	if changed {
		p.tally.names++
	}
	p.hasher.metric(m)
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		dps := m.Gauge().DataPoints()
		dps.RemoveIf(func(dp pmetric.NumberDataPoint) bool { return !p.number(dp) })
		m.SetName(name)
		return dps.Len() > 0
	case pmetric.MetricTypeSum:
		m.SetName(name)
		return p.sum(m.Sum())
	case pmetric.MetricTypeHistogram:
		return p.histogram(m, raw, name)
	case pmetric.MetricTypeExponentialHistogram:
		return p.exponential(m, raw, name)
	case pmetric.MetricTypeSummary:
		p.summary(m, raw)
		return false
	}
	return false // a metric without data
}

// number checks a data point of a gauge or sum.
func (p *preparer) number(dp pmetric.NumberDataPoint) bool {
	switch dp.ValueType() {
	case pmetric.NumberDataPointValueTypeInt:
	case pmetric.NumberDataPointValueTypeDouble:
		if v := dp.DoubleValue(); math.IsNaN(v) || math.IsInf(v, 0) {
			p.tally.drop(reasonNotFinite, 1)
			return false
		}
	default:
		p.tally.drop(reasonNoValue, 1)
		return false
	}
	p.tags(dp.Attributes())
	return true
}

func (p *preparer) sum(s pmetric.Sum) bool {
	switch s.AggregationTemporality() {
	case pmetric.AggregationTemporalityUnspecified:
		p.tally.drop(reasonTemporality, s.DataPoints().Len())
		return false
	case pmetric.AggregationTemporalityCumulative:
		if !s.IsMonotonic() {
			s.DataPoints().RemoveIf(func(dp pmetric.NumberDataPoint) bool { return !p.number(dp) })
			break
		}
		s.DataPoints().RemoveIf(func(dp pmetric.NumberDataPoint) bool { return !p.number(dp) || !p.counter(dp) })
		s.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	default:
		s.DataPoints().RemoveIf(func(dp pmetric.NumberDataPoint) bool { return !p.number(dp) })
	}
	return s.DataPoints().Len() > 0
}

// counter turns a cumulative point into a delta.
func (p *preparer) counter(dp pmetric.NumberDataPoint) bool {
	v := delta.Number{IsInt: dp.ValueType() == pmetric.NumberDataPointValueTypeInt}
	if v.IsInt {
		v.Int = dp.IntValue()
	} else {
		v.Float = dp.DoubleValue()
	}
	d, at, verdict := delta.Next(p.tracker, p.hasher.point(dp.Attributes()), p.now, p.ours, span(dp), v)
	if !p.judge(verdict) {
		return false
	}
	if !d.IsInt && !finite(d.Float) { // from one end of the numbers to the other
		p.tally.drop(reasonNotFinite, 1)
		return false
	}
	dp.SetStartTimestamp(stamp(at.Start))
	if d.IsInt {
		dp.SetIntValue(d.Int)
	} else {
		dp.SetDoubleValue(d.Float)
	}
	return true
}

func span(dp interface {
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
},
) delta.Point {
	return delta.Point{Start: uint64(dp.StartTimestamp()), Time: uint64(dp.Timestamp())}
}

func stamp(nanos uint64) pcommon.Timestamp { return pcommon.Timestamp(nanos) }

// judge counts a verdict and says whether there is a delta to send.
func (p *preparer) judge(v delta.Verdict) bool {
	switch v {
	case delta.Emit:
		return true
	case delta.Reset:
		p.tally.restarts++
		return true
	case delta.Seed:
		p.tally.drop(reasonSeed, 1)
	case delta.Late:
		p.tally.drop(reasonLate, 1)
	case delta.Incomparable:
		p.tally.drop(reasonBuckets, 1)
	case delta.Full:
		p.tally.drop(reasonFull, 1)
	}
	return false
}

// tags counts the attributes that will have to be changed to be tags. The change
// itself is made in the push: it needs no state and costs a batch in the queue nothing.
func (p *preparer) tags(attributes pcommon.Map) {
	for k, v := range attributes.All() {
		value := v.Str()
		if v.Type() != pcommon.ValueTypeStr {
			value = v.AsString()
		}
		if value == "" || naming.IsPair(tagOf(k), value) {
			continue
		}
		if _, changed := naming.Tag(tagOf(k) + ":" + value); changed {
			p.tally.tags++
		}
	}
}

func points(m pmetric.Metric) int {
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
