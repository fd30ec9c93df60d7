package alertrules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// degradations turns the edges of the metric degradation.state into events. It
// is safe for concurrent use.
type degradations struct {
	mu      sync.Mutex
	max     int
	promote []string
	series  map[string]*degraded
	began   []*degraded // since the last call of edges
	ended   []*degraded
	refused int
}

// degraded is a series while it is degraded.
type degraded struct {
	key        string
	metric     string
	attributes pcommon.Map
	heard      time.Time
	values     map[string]float64 // by the sibling metric's name
}

// silence is how long a degraded series may say nothing: as long as Prometheus
// believes a sample. Its processor sends a closing point, unless it died.
const silence = 5 * time.Minute

// siblings are the metrics that tell how bad it is, and what they are called in
// the event.
var siblings = []struct{ metric, key string }{
	{semconv.MetricDegradationCurrent, "current"},
	{semconv.MetricDegradationBaselineMean, "baseline_mean"},
	{semconv.MetricDegradationBaselineP95, "baseline_p95"},
	{semconv.MetricDegradationFactor, "degradation_factor"},
}

func newDegradations(maxSeries int, promote []string) *degradations {
	return &degradations{max: maxSeries, promote: promote, series: map[string]*degraded{}}
}

// consume reads the states of a batch and, of the series that are degraded, the
// values beside them.
func (d *degradations) consume(md pmetric.Metrics, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, rm := range md.ResourceMetrics().All() {
		var states pmetric.NumberDataPointSlice
		var values []pmetric.Metric
		found := false
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() != pmetric.MetricTypeGauge {
					continue
				}
				switch {
				case m.Name() == semconv.MetricDegradationState:
					if !found {
						states, found = pmetric.NewNumberDataPointSlice(), true
					}
					for _, p := range m.Gauge().DataPoints().All() {
						p.CopyTo(states.AppendEmpty())
					}
				case isSibling(m.Name()):
					values = append(values, m)
				}
			}
		}
		if !found {
			continue
		}
		for _, p := range states.All() {
			d.state(rm.Resource(), p, now)
		}
		for _, m := range values {
			for _, p := range m.Gauge().DataPoints().All() {
				if p.Flags().NoRecordedValue() {
					continue
				}
				if s := d.series[d.keyOf(rm.Resource(), p.Attributes())]; s != nil {
					s.values[strings.Clone(m.Name())] = number(p)
				}
			}
		}
	}
}

func isSibling(name string) bool {
	return slices.ContainsFunc(siblings, func(s struct{ metric, key string }) bool { return s.metric == name })
}

func (d *degradations) state(res pcommon.Resource, p pmetric.NumberDataPoint, now time.Time) {
	key := d.keyOf(res, p.Attributes())
	s, known := d.series[key]
	if number(p) != 1 || p.Flags().NoRecordedValue() {
		if known {
			d.end(s)
		}
		return
	}
	if known {
		s.heard = now
		return
	}
	if len(d.series) >= d.max || len(d.began) >= d.max {
		d.refused++
		return
	}
	s = &degraded{key: key, attributes: pcommon.NewMap(), heard: now, values: map[string]float64{}}
	for _, name := range d.promote {
		if v, ok := res.Attributes().Get(name); ok {
			v.CopyTo(s.attributes.PutEmpty(name))
		}
	}
	for k, v := range p.Attributes().All() {
		switch k {
		case semconv.AttributeDegradationMetricName:
			s.metric = v.AsString()
		case semconv.AttributeDegradationReason:
		default:
			v.CopyTo(s.attributes.PutEmpty(k))
		}
	}
	d.series[key] = s
	d.began = append(d.began, s)
}

func (d *degradations) end(s *degraded) {
	delete(d.series, s.key)
	d.ended = append(d.ended, s)
}

// keyOf identifies a series: resource and attributes, without the reason, which
// changes while the series stays the same.
func (d *degradations) keyOf(res pcommon.Resource, attrs pcommon.Map) string {
	var parts []string
	for _, m := range []pcommon.Map{res.Attributes(), attrs} {
		from := len(parts)
		for k, v := range m.All() {
			if k != semconv.AttributeDegradationReason {
				parts = append(parts, k+"\x00"+v.AsString())
			}
		}
		slices.Sort(parts[from:])
		parts = append(parts, "\x01")
	}
	return strings.Join(parts, "\x02")
}

func number(p pmetric.NumberDataPoint) float64 {
	if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(p.IntValue())
	}
	return p.DoubleValue()
}

// edges writes one record for the series that became degraded since the last
// call, and one for those that recovered or fell silent, and tells whether there
// were any.
func (d *degradations) edges(to plog.LogRecordSlice, at, now time.Time) (changed bool, refused int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.series {
		if now.Sub(s.heard) >= silence {
			d.end(s)
		}
	}
	writeDegradations(to, semconv.EventPerformanceDegradation, plog.SeverityNumberWarn, d.began, at, now)
	writeDegradations(to, semconv.EventPerformanceDegradationRecovered, plog.SeverityNumberInfo, d.ended, at, now)
	changed = len(d.began) > 0 || len(d.ended) > 0
	d.began, d.ended = nil, nil
	refused, d.refused = d.refused, 0
	return changed, refused
}

// told copies which series are degraded as far as it was told: what began or
// ended since the last edges is told by whoever goes on with the copy.
func (d *degradations) told() []*degraded {
	d.mu.Lock()
	defer d.mu.Unlock()
	told, untold := maps.Clone(d.series), map[*degraded]bool{}
	for _, s := range d.began {
		delete(told, s.key)
		untold[s] = true
	}
	for _, s := range d.ended {
		if !untold[s] {
			told[s.key] = s
		}
	}
	all := make([]*degraded, 0, len(told))
	for _, s := range told {
		c := *s
		c.values = maps.Clone(s.values)
		all = append(all, &c)
	}
	return all
}

// restore goes on with series that are degraded and were told.
func (d *degradations) restore(kept []*degraded, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range kept {
		s.heard = now // while nobody listened it was not silent
		d.series[s.key] = s
	}
}

func writeDegradations(to plog.LogRecordSlice, event string, severity plog.SeverityNumber, list []*degraded, at, now time.Time) {
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, func(a, b *degraded) int { return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.key, b.key)) })
	lr := to.AppendEmpty()
	lr.SetEventName(event)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now))
	lr.SetSeverityNumber(severity)
	lr.SetSeverityText(strings.ToUpper(severity.String()))
	lr.Attributes().PutInt(semconv.AttributeDegradedMetricsCount, int64(len(list)))
	items := lr.Attributes().PutEmptySlice(semconv.AttributeDegradations)
	for _, s := range list {
		m := items.AppendEmpty().SetEmptyMap()
		m.PutStr("metric", s.metric)
		s.attributes.CopyTo(m.PutEmptyMap("attributes"))
		for _, sib := range siblings {
			if v, ok := s.values[sib.metric]; ok {
				m.PutDouble(sib.key, v)
			}
		}
	}
}
