package datadogfoundation

import (
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/naming"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/payload"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/sketch"
)

// Datadog takes points from one hour ago to ten minutes ahead.
const (
	windowPast   = time.Hour
	windowFuture = 10 * time.Minute
)

// status of a data point in a push.
type status uint8

const (
	pending status = iota
	pendingMoved
	settled // delivered, or given up and counted
)

// mapped is a batch in Datadog's terms. Data points are numbered in the order
// of the batch.
type mapped struct {
	series, sketches []*payload.Item
	status           []status
	tally            tally
}

// mapper maps prepared batches. It keeps no state: mapping the same batch again
// gives the same.
type mapper struct {
	resourceTags []string // attributes of the resource that become tags
	tags         []string // legal, on everything
	outOfWindow  OutOfWindow
}

func newMapper(cfg *Config) *mapper {
	m := &mapper{resourceTags: cfg.ResourceAttributesAsTags, outOfWindow: cfg.OutOfWindow}
	for _, t := range cfg.Tags {
		if legal, _ := naming.Tag(t); legal != "" {
			m.tags = append(m.tags, legal)
		}
	}
	return m
}

// mapping is one run of a mapper.
type mapping struct {
	*mapper
	out              mapped
	set, sketches    *payload.Set
	builder          sketch.Builder
	earliest, latest int64
	base, tags       []string // the resource's tags; with the point's
	host             string
}

func (m *mapper) run(md pmetric.Metrics, now time.Time) mapped {
	r := mapping{
		mapper: m, set: payload.NewSet(), sketches: payload.NewSet(),
		earliest: now.Add(-windowPast).UnixNano(), latest: now.Add(windowFuture).UnixNano(),
	}
	r.out.status = make([]status, 0, md.DataPointCount())
	for _, rm := range md.ResourceMetrics().All() {
		r.base, r.host = m.resource(r.base[:0], rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				r.metric(metric)
			}
		}
	}
	var a, b int
	r.out.series, a = r.set.Items()
	r.out.sketches, b = r.sketches.Items()
	r.out.tally.merged = int64(a + b)
	return r.out
}

func (m *mapper) resource(tags []string, attributes pcommon.Map) ([]string, string) {
	tags = append(tags, m.tags...)
	for _, u := range unified() {
		for _, name := range u.attributes {
			if v, ok := attributes.Get(name); ok && v.AsString() != "" {
				tags = appendTag(tags, u.tag, v)
				break
			}
		}
	}
	for _, name := range m.resourceTags {
		if v, ok := attributes.Get(name); ok {
			tags = appendTag(tags, tagOf(name), v)
		}
	}
	return tags, hostOf(attributes)
}

func hostOf(attributes pcommon.Map) string {
	for _, name := range hostAttributes() {
		if v, ok := attributes.Get(name); ok && v.AsString() != "" {
			host := v.AsString()
			return strings.ToValidUTF8(host[:min(len(host), 255)], "_")
		}
	}
	return ""
}

// appendTag appends key:value, or nothing when it cannot be a tag. An empty
// value becomes n/a, as with Datadog's agent.
func appendTag(tags []string, key string, v pcommon.Value) []string {
	value := v.Str()
	if v.Type() != pcommon.ValueTypeStr {
		value = v.AsString()
	}
	if value == "" {
		value = "n/a"
	}
	tag := key + ":" + value
	if !naming.IsPair(key, value) {
		if tag, _ = naming.Tag(tag); tag == "" {
			return tags
		}
	}
	return append(tags, tag)
}

func (r *mapping) metric(m pmetric.Metric) {
	unit := naming.Unit(m.Unit())
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, dp := range m.Gauge().DataPoints().All() {
			r.number(payload.Gauge, m.Name(), unit, dp)
		}
	case pmetric.MetricTypeSum:
		kind := payload.Count
		if m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityDelta {
			kind = payload.Gauge // what goes up and down and is sent as its present value
		}
		for _, dp := range m.Sum().DataPoints().All() {
			r.number(kind, m.Name(), unit, dp)
		}
	case pmetric.MetricTypeHistogram:
		for _, dp := range m.Histogram().DataPoints().All() {
			if p, ok := r.point(dp.Timestamp()); ok {
				s := explicitSketch(&r.builder, dp)
				p.Sketch = &s
				r.sketches.Add(payload.Distribution, m.Name(), r.host, "", r.tagsOf(dp.Attributes()), 0, p)
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, dp := range m.ExponentialHistogram().DataPoints().All() {
			if p, ok := r.point(dp.Timestamp()); ok {
				s := exponentialSketch(&r.builder, dp)
				p.Sketch = &s
				r.sketches.Add(payload.Distribution, m.Name(), r.host, "", r.tagsOf(dp.Attributes()), 0, p)
			}
		}
	case pmetric.MetricTypeSummary:
		// The preparer leaves none. Numbered all the same, so that numbers hold.
		for range m.Summary().DataPoints().Len() {
			r.out.status = append(r.out.status, settled)
		}
	}
}

func (r *mapping) number(kind payload.Kind, name, unit string, dp pmetric.NumberDataPoint) {
	p, ok := r.point(dp.Timestamp())
	if !ok {
		return
	}
	p.Value = dp.DoubleValue()
	if dp.ValueType() == pmetric.NumberDataPointValueTypeInt {
		p.Value = float64(dp.IntValue())
	}
	interval := int64(0)
	if kind == payload.Count {
		interval = intervalOf(dp)
	}
	r.set.Add(kind, name, r.host, unit, r.tagsOf(dp.Attributes()), interval, p)
}

// intervalOf is the whole seconds that a delta covers, 0 when unknown. A day and
// more is not an interval but the age of a stream.
func intervalOf(dp pmetric.NumberDataPoint) int64 {
	start, end := dp.StartTimestamp(), dp.Timestamp()
	if start == 0 || end <= start {
		return 0
	}
	seconds := int64(math.Round(float64(end-start) / 1e9))
	if seconds >= 86400 {
		return 0
	}
	return max(seconds, 1)
}

// point numbers the next data point and places it in time.
func (r *mapping) point(ts pcommon.Timestamp) (payload.Point, bool) {
	p := payload.Point{Nanos: int64(min(uint64(ts), math.MaxInt64)), Ref: len(r.out.status)}
	state := pending
	if p.Nanos < r.earliest || p.Nanos > r.latest {
		switch r.outOfWindow {
		case Drop:
			r.out.status = append(r.out.status, settled)
			r.out.tally.outOfWindow(Drop.String(), 1)
			return p, false
		case Clamp:
			p.Nanos = min(max(p.Nanos, r.earliest), r.latest)
		}
		state = pendingMoved
	}
	r.out.status = append(r.out.status, state)
	return p, true
}

// tagsOf are the sorted tags of a point; they hold until the next call.
func (r *mapping) tagsOf(attributes pcommon.Map) []string {
	r.tags = append(r.tags[:0], r.base...)
	for k, v := range attributes.All() {
		r.tags = appendTag(r.tags, tagOf(k), v)
	}
	slices.Sort(r.tags)
	r.tags = slices.Compact(r.tags)
	return r.tags
}

// settle marks the points of parts as done and returns how many they are. Moved
// points that were delivered are counted now: before, a retry would count again.
func (m *mapped) settle(parts []payload.Part, moved string) (n int) {
	one := func(ref int) {
		if m.status[ref] == pendingMoved && moved != "" {
			m.tally.outOfWindow(moved, 1)
		}
		m.status[ref] = settled
		n++
	}
	for _, part := range parts {
		for _, p := range part.Points() {
			one(p.Ref)
			for _, ref := range p.More {
				one(ref)
			}
		}
	}
	return n
}

// pending counts the points that are not settled.
func (m *mapped) pending() (n int) {
	for _, s := range m.status {
		if s != settled {
			n++
		}
	}
	return n
}

// rest is the part of md that is not settled.
func (m *mapped) rest(md pmetric.Metrics) pmetric.Metrics {
	left := pmetric.NewMetrics()
	md.CopyTo(left)
	i := -1
	gone := func() bool { i++; return m.status[i] == settled }
	left.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			sm.Metrics().RemoveIf(func(metric pmetric.Metric) bool {
				switch metric.Type() {
				case pmetric.MetricTypeGauge:
					metric.Gauge().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return gone() })
				case pmetric.MetricTypeSum:
					metric.Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return gone() })
				case pmetric.MetricTypeHistogram:
					metric.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { return gone() })
				case pmetric.MetricTypeExponentialHistogram:
					metric.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { return gone() })
				case pmetric.MetricTypeSummary:
					metric.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { return gone() })
				}
				return points(metric) == 0
			})
			return sm.Metrics().Len() == 0
		})
		return rm.ScopeMetrics().Len() == 0
	})
	return left
}
