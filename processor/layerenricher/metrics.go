package layerenricher

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// metrics writes the layer on every data point, and node and environment on the
// resource. A data point belongs to no trace.
func (e *enricher) metrics(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	s := e.acquire()
	now := e.now()
	for _, rm := range md.ResourceMetrics().All() {
		service := e.resource(s, rm.Resource())
		for _, sm := range rm.ScopeMetrics().All() {
			scope := e.plan.layers.ByScope(sm.Scope().Name())
			for _, m := range sm.Metrics().All() {
				e.metric(s, now, m, hints{scope, service})
			}
		}
	}
	e.release(ctx, s, onDataPoint)
	return md, nil
}

func (e *enricher) metric(s *scratch, now time.Time, m pmetric.Metric, h hints) {
	s.unknown += int64(e.plan.toSeconds(m))
	name := inference.Name{Canonical: m.Name(), Layer: e.plan.layers.ByName(m.Name())}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		points(e, s, now, m.Gauge().DataPoints(), name, h, pmetric.NumberDataPoint.Exemplars)
	case pmetric.MetricTypeSum:
		points(e, s, now, m.Sum().DataPoints(), name, h, pmetric.NumberDataPoint.Exemplars)
	case pmetric.MetricTypeHistogram:
		points(e, s, now, m.Histogram().DataPoints(), name, h, pmetric.HistogramDataPoint.Exemplars)
	case pmetric.MetricTypeExponentialHistogram:
		points(e, s, now, m.ExponentialHistogram().DataPoints(), name, h, pmetric.ExponentialHistogramDataPoint.Exemplars)
	case pmetric.MetricTypeSummary:
		points(e, s, now, m.Summary().DataPoints(), name, h, nil)
	}
}

// pointSlice is what pdata's lists of data points have in common.
type pointSlice[P item] interface {
	Len() int
	At(i int) P
}

func points[P item](e *enricher, s *scratch, now time.Time, all pointSlice[P], name inference.Name, h hints, exemplars func(P) pmetric.ExemplarSlice) {
	p, f := e.plan, s.facts
	for i := range all.Len() {
		point := all.At(i)
		attrs := point.Attributes()
		f.reset()
		p.scan(f, attrs, onDataPoint)
		f.name = name
		layer, from, explicit := p.own(f, h)
		p.settle(f, 0, h)
		attrs.EnsureCapacity(attrs.Len() + len(f.touched) + 1)
		p.write(f, attrs)
		if from == fromNothing {
			from = fromDefault
		}
		s.sources[from]++
		if !explicit {
			attrs.PutStr(attributeLayer, p.layers.Name(layer))
		}
		if exemplars != nil {
			for _, x := range exemplars(point).All() {
				e.exemplar(s, now, x)
			}
		}
	}
}

// exemplar reads the ids of an exemplar, and gives it those of its trace that it
// lacks: it is where a metric says which request it measured, as ids are no
// attributes of data points.
func (e *enricher) exemplar(s *scratch, now time.Time, x pmetric.Exemplar) {
	p, f := e.plan, s.event
	attrs := x.FilteredAttributes()
	f.reset()
	f.plain = true
	p.scan(f, attrs, onExemplar)
	p.settle(f, 0, hints{})
	wide, below := p.ids(f, &s.item)
	p.write(f, attrs)
	if wide == 0 && below == 0 {
		return
	}
	ref := e.cache.Find(now, correlation.TraceID(x.TraceID()), correlation.Ref{}, &s.stats)
	if !ref.Found() {
		return
	}
	e.cache.Ask(ref, correlation.SpanID(x.SpanID()), &s.answer)
	give := func(slots []uint8, missing uint8, values []string) {
		for i, at := range slots {
			if missing&(1<<i) != 0 && values[i] != "" {
				attrs.PutStr(p.slots[at].name, values[i])
				s.filled[at]++
			}
		}
	}
	give(p.traceWide, wide, s.answer.TraceIDs[:])
	give(p.subtree, below, s.answer.Subtree[:])
}
