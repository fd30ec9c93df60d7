package layerenricher

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// metrics writes the layer on every data point, and node and environment on the
// resource. A data point belongs to no trace.
func (e *enricher) metrics(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	s := e.acquire()
	for _, rm := range md.ResourceMetrics().All() {
		service := e.resource(s, rm.Resource())
		for _, sm := range rm.ScopeMetrics().All() {
			scope := e.plan.layers.ByScope(sm.Scope().Name())
			for _, m := range sm.Metrics().All() {
				e.metric(s, m, scope, service)
			}
		}
	}
	e.release(ctx, s, onDataPoint)
	return md, nil
}

func (e *enricher) metric(s *scratch, m pmetric.Metric, scope, service inference.Layer) {
	name := inference.Name{Canonical: m.Name(), Layer: s.parse(e.plan, m.Name()).Layer}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		points(e, s, m.Gauge().DataPoints(), name, scope, service)
	case pmetric.MetricTypeSum:
		points(e, s, m.Sum().DataPoints(), name, scope, service)
	case pmetric.MetricTypeHistogram:
		points(e, s, m.Histogram().DataPoints(), name, scope, service)
	case pmetric.MetricTypeExponentialHistogram:
		points(e, s, m.ExponentialHistogram().DataPoints(), name, scope, service)
	case pmetric.MetricTypeSummary:
		points(e, s, m.Summary().DataPoints(), name, scope, service)
	}
}

// pointSlice is what pdata's lists of data points have in common.
type pointSlice[P item] interface {
	Len() int
	At(i int) P
}

func points[P item](e *enricher, s *scratch, all pointSlice[P], name inference.Name, scope, service inference.Layer) {
	p, f := e.plan, s.facts
	for i := range all.Len() {
		attrs := all.At(i).Attributes()
		f.reset()
		p.scan(f, attrs, onDataPoint)
		f.name = name
		layer, from, explicit := p.own(f, scope, service)
		p.settle(f, 0, layer)
		attrs.EnsureCapacity(attrs.Len() + len(f.touched) + 1)
		p.write(f, attrs)
		if from == fromNothing {
			from = fromDefault
		}
		s.sources[from]++
		if !explicit {
			attrs.PutStr(attributeLayer, p.layers.Name(layer))
		}
	}
}
