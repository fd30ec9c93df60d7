package intake

import (
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/exemplars"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

func kindOf(t pmetric.AggregationTemporality) store.Kind {
	if t == pmetric.AggregationTemporalityDelta {
		return store.Delta
	}
	return store.Cumulative
}

func (w *writer) metric(m pmetric.Metric, f *family) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		w.numbers(m.Gauge().DataPoints(), store.Gauge, f)
	case pmetric.MetricTypeSum:
		kind := kindOf(m.Sum().AggregationTemporality())
		if kind == store.Cumulative && !m.Sum().IsMonotonic() {
			kind = store.Gauge // goes down without a reset
		}
		w.numbers(m.Sum().DataPoints(), kind, f)
	case pmetric.MetricTypeHistogram:
		kind := kindOf(m.Histogram().AggregationTemporality())
		for _, p := range m.Histogram().DataPoints().All() {
			w.histogram(p, kind, f)
		}
	case pmetric.MetricTypeExponentialHistogram:
		kind := kindOf(m.ExponentialHistogram().AggregationTemporality())
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			w.exponential(p, kind, f)
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			w.summary(p, f)
		}
	}
}

// float writes one number under a name, if a rule selects it.
func (w *writer) float(sel *selectors, name, extraName, extraValue string, p store.Point, v float64) (wanted bool) {
	if sel == nil {
		return false
	}
	ls := w.series(name, extraName, extraValue)
	if !sel.match(ls) {
		return false
	}
	if !finite(v) && !p.Stale {
		w.counts.NotFinite++
		return false
	}
	w.batch.Float(ls, p, v)
	return true
}

// exemplars keeps those of a point that lead to a trace.
func (w *writer) exemplars(f *family, p store.Point, all pmetric.ExemplarSlice) {
	if all.Len() == 0 || w.in.opt.Exemplars == nil {
		return
	}
	var ls labels.Labels
	known := false
	for _, x := range all.All() {
		e := exemplars.Exemplar{At: millis(x.Timestamp()), Value: x.DoubleValue(), Trace: x.TraceID(), Span: x.SpanID()}
		if x.ValueType() == pmetric.ExemplarValueTypeInt {
			e.Value = float64(x.IntValue())
		}
		if e.At == 0 {
			e.At = p.Time
		}
		if x.TraceID().IsEmpty() || !finite(e.Value) || e.At < w.oldest || e.At > w.newest {
			continue
		}
		if !known {
			ls, known = w.series("", "", ""), true
		}
		w.in.opt.Exemplars.Add(f.name, ls, e)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (w *writer) numbers(points pmetric.NumberDataPointSlice, kind store.Kind, f *family) {
	for _, dp := range points.All() {
		p, ok := w.at(kind, dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
		if !ok {
			continue
		}
		v := dp.DoubleValue()
		switch dp.ValueType() {
		case pmetric.NumberDataPointValueTypeInt:
			v = float64(dp.IntValue())
		case pmetric.NumberDataPointValueTypeEmpty:
			if !p.Stale {
				w.counts.Invalid++
				continue
			}
		}
		w.labelsOf(dp.Attributes())
		if w.float(f.value, f.name, "", "", p, v) {
			w.exemplars(f, p, dp.Exemplars())
		}
	}
}

// histogram writes a classic histogram: cumulated buckets, sum and count.
func (w *writer) histogram(dp pmetric.HistogramDataPoint, kind store.Kind, f *family) {
	p, ok := w.at(kind, dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
	if !ok {
		return
	}
	bounds, counts := dp.ExplicitBounds(), dp.BucketCounts()
	if counts.Len() != 0 && counts.Len() != bounds.Len()+1 || !increasing(bounds) {
		w.counts.Invalid++
		return
	}
	w.labelsOf(dp.Attributes())
	wanted := false
	if f.bucket != nil {
		below := uint64(0)
		for i, bound := range bounds.All() {
			if i < counts.Len() {
				below += counts.At(i)
			}
			if math.IsInf(bound, 1) {
				break // the last bucket, written below
			}
			wanted = w.float(f.bucket, f.name+"_bucket", "le", strconv.FormatFloat(bound, 'f', -1, 64), p, float64(below)) || wanted
		}
		wanted = w.float(f.bucket, f.name+"_bucket", "le", "+Inf", p, float64(dp.Count())) || wanted
	}
	if dp.HasSum() || p.Stale {
		wanted = w.float(f.sum, f.name+"_sum", "", "", p, dp.Sum()) || wanted
	}
	if w.float(f.number, f.name+"_count", "", "", p, float64(dp.Count())) || wanted {
		w.exemplars(f, p, dp.Exemplars())
	}
}

// increasing is false for NaN too.
func increasing(bounds pcommon.Float64Slice) bool {
	for i, b := range bounds.All() {
		if math.IsNaN(b) || i > 0 && b <= bounds.At(i-1) {
			return false
		}
	}
	return true
}

func (w *writer) summary(dp pmetric.SummaryDataPoint, f *family) {
	p, ok := w.at(store.Cumulative, dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
	if !ok {
		return
	}
	w.labelsOf(dp.Attributes())
	for _, q := range dp.QuantileValues().All() {
		asGauge := p
		asGauge.Kind = store.Gauge
		w.float(f.value, f.name, "quantile", strconv.FormatFloat(q.Quantile(), 'f', -1, 64), asGauge, q.Value())
	}
	w.float(f.sum, f.name+"_sum", "", "", p, dp.Sum())
	w.float(f.number, f.name+"_count", "", "", p, float64(dp.Count()))
}

// exponential writes a native histogram.
func (w *writer) exponential(dp pmetric.ExponentialHistogramDataPoint, kind store.Kind, f *family) {
	p, ok := w.at(kind, dp.StartTimestamp(), dp.Timestamp(), dp.Flags())
	if !ok {
		return
	}
	w.labelsOf(dp.Attributes())
	ls := w.series(f.name, "", "")
	if !f.value.match(ls) {
		return
	}
	if !finite(dp.Sum()) && !p.Stale {
		w.counts.NotFinite++
		return
	}
	h, ok := native(dp)
	if !ok {
		w.counts.Invalid++
		return
	}
	w.batch.Histogram(ls, p, h)
	w.exemplars(f, p, dp.Exemplars())
}
