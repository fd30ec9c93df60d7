package intake

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// namer translates names as Prometheus' OTLP endpoint does.
type namer struct {
	metric otlptranslator.MetricNamer
	label  otlptranslator.LabelNamer
}

func newNamer(strategy otlptranslator.TranslationStrategyOption) namer {
	return namer{
		metric: otlptranslator.NewMetricNamer("", strategy),
		label:  otlptranslator.LabelNamer{UTF8Allowed: !strategy.ShouldEscape()},
	}
}

// add appends an attribute as a label. Prometheus knows no empty labels, and
// the metric's name is not an attribute's to set.
func (n *namer) add(to []labels.Label, key string, v pcommon.Value) []labels.Label {
	text := v.AsString()
	if key == "" || text == "" || key == model.MetricNameLabel {
		return to
	}
	if !utf8.ValidString(key) {
		key = strings.ToValidUTF8(key, "\uFFFD")
	}
	name, err := n.label.Build(key)
	if err != nil || name == model.MetricNameLabel {
		return to
	}
	return append(to, labels.Label{Name: name, Value: valid(text)})
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// resourceLabels are the labels that all series of a resource have: promoted
// attributes, and job and instance as OpenTelemetry defines them.
func (n *namer) resourceLabels(to []labels.Label, attrs pcommon.Map, promote []string) []labels.Label {
	for _, key := range promote {
		if v, ok := attrs.Get(key); ok {
			to = n.add(to, key, v)
		}
	}
	if name, ok := attrs.Get("service.name"); ok && name.AsString() != "" {
		job := name.AsString()
		if ns, ok := attrs.Get("service.namespace"); ok && ns.AsString() != "" {
			job = ns.AsString() + "/" + job
		}
		to = append(to, labels.Label{Name: "job", Value: valid(job)})
	}
	if id, ok := attrs.Get("service.instance.id"); ok && id.AsString() != "" {
		to = append(to, labels.Label{Name: "instance", Value: valid(id.AsString())})
	}
	return to
}

// series builds a series' labels, without a name if that is empty: what comes later in the list wins, so a
// point's own attribute wins over the resource's.
func (w *writer) series(name, extraName, extraValue string) labels.Labels {
	w.sb.Reset()
	ls := w.point
	for i, l := range ls {
		// Sorted and stable: of equal names the last one is the point's own.
		if i+1 < len(ls) && ls[i+1].Name == l.Name || l.Name == extraName {
			continue
		}
		w.sb.Add(l.Name, l.Value)
	}
	if name != "" {
		w.sb.Add(model.MetricNameLabel, name)
	}
	if extraName != "" {
		w.sb.Add(extraName, extraValue)
	}
	w.sb.Sort()
	return w.sb.Labels()
}

// labelsOf prepares the labels of a point for series.
func (w *writer) labelsOf(attrs pcommon.Map) {
	w.point = append(w.point[:0], w.base...)
	for k, v := range attrs.All() {
		w.point = w.in.names.add(w.point, k, v)
	}
	slices.SortStableFunc(w.point, func(a, b labels.Label) int { return strings.Compare(a.Name, b.Name) })
}

type familyKey struct {
	name, unit string
	typ        pmetric.MetricType
	monotonic  bool
}

// family is a metric that some rule may select, with the selectors of each
// series name that it has in Prometheus.
type family struct {
	name                       string
	value, bucket, sum, number *selectors
}

// maxFamilies bounds the cache of names; beyond it names are translated anew.
const maxFamilies = 100_000

// family returns nil for a metric that no rule selects: one look-up by name.
func (in *Intake) family(m pmetric.Metric) *family {
	k := familyKey{name: m.Name(), unit: m.Unit(), typ: m.Type()}
	if k.typ == pmetric.MetricTypeSum {
		k.monotonic = m.Sum().IsMonotonic()
	}
	if f, ok := in.families[k]; ok {
		return f
	}
	k.name, k.unit = strings.Clone(k.name), strings.Clone(k.unit)
	f := in.newFamily(k)
	if len(in.families) < maxFamilies {
		in.families[k] = f
	}
	return f
}

func (in *Intake) newFamily(k familyKey) *family {
	if k.name == "" {
		return nil
	}
	name, err := in.names.metric.Build(otlptranslator.Metric{Name: valid(k.name), Unit: k.unit, Type: typeOf(k)})
	if err != nil {
		return nil
	}
	f := &family{name: name, value: in.index.of(name)}
	if k.typ == pmetric.MetricTypeHistogram {
		f.value = nil
		f.bucket = in.index.of(name + "_bucket")
	}
	if k.typ == pmetric.MetricTypeHistogram || k.typ == pmetric.MetricTypeSummary {
		f.sum, f.number = in.index.of(name+"_sum"), in.index.of(name+"_count")
	}
	if f.value == nil && f.bucket == nil && f.sum == nil && f.number == nil {
		return nil
	}
	return f
}

func typeOf(k familyKey) otlptranslator.MetricType {
	switch k.typ {
	case pmetric.MetricTypeGauge:
		return otlptranslator.MetricTypeGauge
	case pmetric.MetricTypeSum:
		if k.monotonic {
			return otlptranslator.MetricTypeMonotonicCounter
		}
		return otlptranslator.MetricTypeNonMonotonicCounter
	case pmetric.MetricTypeHistogram:
		return otlptranslator.MetricTypeHistogram
	case pmetric.MetricTypeExponentialHistogram:
		return otlptranslator.MetricTypeExponentialHistogram
	case pmetric.MetricTypeSummary:
		return otlptranslator.MetricTypeSummary
	}
	return otlptranslator.MetricTypeUnknown
}

// hashAttributes depends on their order, which one source does not change.
func hashAttributes(m pcommon.Map) uint64 {
	var d xxhash.Digest
	d.Reset()
	for k, v := range m.All() {
		_, _ = d.WriteString(k)
		_, _ = d.Write([]byte{0})
		_, _ = d.WriteString(v.AsString())
		_, _ = d.Write([]byte{1})
	}
	return d.Sum64()
}
