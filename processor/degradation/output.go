package degradation

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// append adds the results to the batch, each to the resource of its series,
// under a scope of this processor's.
func (p *degradation) append(md pmetric.Metrics, results []detector.Result) {
	if len(results) == 0 {
		return
	}
	scopes := map[int32]*verdictScope{}
	for _, r := range results {
		rm := md.ResourceMetrics().At(int(r.Ref.Resource))
		out := scopes[r.Ref.Resource]
		if out == nil {
			out = &verdictScope{metrics: p.newScope(rm)}
			scopes[r.Ref.Resource] = out
		}
		m := rm.ScopeMetrics().At(int(r.Ref.Scope)).Metrics().At(int(r.Ref.Metric))
		p.appendResult(out, r, m.Name(), attributesOf(m, int(r.Ref.Point)))
	}
}

func (p *degradation) newScope(rm pmetric.ResourceMetrics) pmetric.MetricSlice {
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(metadata.ScopeName)
	sm.Scope().SetVersion(p.version)
	return sm.Metrics()
}

func (p *degradation) appendResult(out *verdictScope, r detector.Result, name string, attrs pcommon.Map) {
	add := func(metric string, reason verdict.Reason) pmetric.NumberDataPoint {
		dp := out.gauge(metric).AppendEmpty()
		dp.SetTimestamp(pcommon.Timestamp(r.Time))
		to := dp.Attributes()
		attrs.CopyTo(to)
		if len(p.exclude) > 0 {
			to.RemoveIf(func(k string, _ pcommon.Value) bool {
				_, excluded := p.exclude[k]
				return excluded
			})
		}
		to.PutStr(semconv.AttributeDegradationMetricName, name)
		if reason != verdict.None {
			to.PutStr(semconv.AttributeDegradationReason, reason.String())
		}
		return dp
	}
	v := r.Verdict
	add(semconv.MetricDegradationState, r.Reason).SetIntValue(int64(v.State))
	if r.Rebaselined {
		add(semconv.MetricDegradationState, verdict.Rebaselined).SetIntValue(int64(verdict.OK))
		p.logger.Info("a degradation lasted and is the new baseline",
			zap.String("metric", name), zap.Any("attributes", attrs.AsRaw()), zap.Float64("baseline_mean", v.Baseline.Mean))
	}
	if f, ok := v.Factor(); ok {
		add(semconv.MetricDegradationFactor, r.Reason).SetDoubleValue(f)
	}
	if v.State != verdict.Degraded {
		return
	}
	add(semconv.MetricDegradationCurrent, r.Reason).SetDoubleValue(v.Current)
	add(semconv.MetricDegradationBaselineMean, r.Reason).SetDoubleValue(v.Baseline.Mean)
	if !math.IsNaN(v.Baseline.P95) {
		add(semconv.MetricDegradationBaselineP95, r.Reason).SetDoubleValue(v.Baseline.P95)
	}
}

// appendCount adds how many series are degraded. It is a fact of this collector,
// not of a sender, and so is its resource: two collectors' counts then differ in
// service.instance.id and add up.
func (p *degradation) appendCount(md pmetric.Metrics, now time.Time, degraded int) {
	rm := md.ResourceMetrics().AppendEmpty()
	p.resource.CopyTo(rm.Resource())
	out := verdictScope{metrics: p.newScope(rm)}
	dp := out.gauge(semconv.MetricPerformanceDegradedMetricsCount).AppendEmpty()
	dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
	dp.SetIntValue(int64(degraded))
}

// verdictScope makes each gauge when its first point comes. None has a unit: one
// gauge stands for metrics of many units, and an exporter would make the unit
// part of the name.
type verdictScope struct {
	metrics pmetric.MetricSlice
	gauges  [len(ownMetrics)]pmetric.NumberDataPointSlice
	made    [len(ownMetrics)]bool
}

func (s *verdictScope) gauge(name string) pmetric.NumberDataPointSlice {
	i := 0
	for ownMetrics[i] != name {
		i++
	}
	if !s.made[i] {
		m := s.metrics.AppendEmpty()
		m.SetName(name)
		m.SetDescription(descriptions[name])
		s.gauges[i], s.made[i] = m.SetEmptyGauge().DataPoints(), true
	}
	return s.gauges[i]
}

var descriptions = func() map[string]string {
	d := map[string]string{}
	for _, own := range ownMetrics {
		for _, m := range semconv.Metrics {
			if m.Name == own {
				d[own] = m.Brief
			}
		}
	}
	return d
}()

func attributesOf(m pmetric.Metric, i int) pcommon.Map {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().At(i).Attributes()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().At(i).Attributes()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().At(i).Attributes()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().At(i).Attributes()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().At(i).Attributes()
	}
	return pcommon.NewMap()
}
