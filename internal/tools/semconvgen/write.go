package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func (m *model) writeLayers(f *goFile) {
	f.line("// The layers.\nconst (")
	for _, l := range m.Layers {
		f.constant("Layer"+camel(l.Name), "Layer", l.Name, l.Brief)
	}
	f.line(")\n\n// Layers are all layers.\nvar Layers = []LayerInfo{")
	for _, l := range m.Layers {
		f.line("\t{")
		f.line("\t\tLayer: Layer%s,", camel(l.Name))
		f.list("Prefixes", l.Prefixes)
		f.list("ScrapedPrefixes", l.ScrapedPrefixes)
		f.text("Brief", l.Brief)
		f.line("\t},")
	}
	f.line("}")
}

func (m *model) writeAttributes(f *goFile) {
	f.line("// The attributes' canonical names.\nconst (")
	for _, a := range m.Attributes {
		f.constant("Attribute"+camel(strings.TrimPrefix(a.Name, "foundation_os.")), "", a.Name, a.Brief)
	}
	f.line(")")
	for _, a := range m.Attributes {
		if a.EnumPrefix == "" {
			continue
		}
		f.line("\n// Values of %s.\nconst (", a.Name)
		for _, v := range a.Enum {
			f.constant(a.EnumPrefix+camel(v), "", v, "")
		}
		f.line(")")
	}
	f.line("\n// Attributes are all attributes.\nvar Attributes = []Attribute{")
	for _, a := range m.Attributes {
		f.line("\t{")
		f.text("Name", a.Name)
		f.text("Type", a.Type)
		f.text("Unit", a.Unit)
		f.list("Enum", a.Enum)
		f.list("Aliases", a.Aliases)
		f.list("Events", a.Events)
		f.line("\t\tOn: []Signal{%s},", names("Signal", a.On))
		f.text("Brief", a.Brief)
		f.line("\t},")
	}
	f.line("}")
}

// occurrences of an event in the order of their numbers.
func (e event) occurrences() []string {
	phases := make([]string, 0, len(e.Numbers))
	for p := range e.Numbers {
		phases = append(phases, p)
	}
	slices.SortFunc(phases, func(a, b string) int { return cmp.Compare(e.Numbers[a], e.Numbers[b]) })
	return phases
}

func (m *model) writeEvents(f *goFile) {
	f.line("// The events' canonical names.\nconst (")
	for _, e := range m.Events {
		f.constant("Event"+camel(m.short(e.Name)), "", e.Name, e.Brief)
	}
	f.line(")\n\n// Events are all events.\nvar Events = []Event{")
	for _, e := range m.Events {
		f.line("\t{")
		f.text("Name", e.Name)
		if len(e.Numbers) > 0 {
			f.line("\t\tOccurrences: []Occurrence{")
			for _, p := range e.occurrences() {
				if p == "" {
					f.line("\t\t\t{Number: %d},", e.Numbers[p])
					continue
				}
				f.line("\t\t\t{Number: %d, Phase: %q},", e.Numbers[p], p)
			}
			f.line("\t\t},")
		}
		f.line("\t\tLayer: Layer%s,", camel(e.Layer))
		f.line("\t\tKind: Kind%s,", camel(e.Kind))
		f.flag("Operation", e.Operation)
		f.text("Severity", e.Severity)
		f.text("SeverityWhen", e.SeverityWhen)
		if e.SamplingRate != 0 {
			f.line("\t\tSamplingRate: %s,", number(e.SamplingRate))
		}
		f.list("Aliases", e.Aliases)
		f.flag("Ours", e.Ours)
		f.text("Brief", e.Brief)
		f.line("\t},")
	}
	f.line("}")
}

func (m *model) writeMetrics(f *goFile) {
	f.line("// The metrics' names.\nconst (")
	for _, x := range m.Metrics {
		f.constant("Metric"+camel(m.short(x.Name)), "", x.Name, x.Brief)
	}
	f.line(")\n\n// Metrics are all metrics.\nvar Metrics = []Metric{")
	for _, x := range m.Metrics {
		f.line("\t{")
		f.text("Name", x.Name)
		f.whole("Row", x.Row)
		f.text("Tag", x.Tag)
		f.line("\t\tInstrument: Instrument%s,", camel(x.Instrument))
		f.text("Unit", x.Unit)
		f.text("Prometheus", x.Prometheus)
		f.name("Buckets", "Buckets", x.Buckets.Set)
		if len(x.Buckets.Bounds) > 0 {
			bounds := make([]string, len(x.Buckets.Bounds))
			for i, b := range x.Buckets.Bounds {
				bounds[i] = number(b)
			}
			f.line("\t\tBounds: []float64{%s},", strings.Join(bounds, ", "))
		}
		f.flag("Watched", x.Watched)
		f.name("State", "State", x.State)
		f.text("By", x.By)
		if len(x.Attributes) > 0 {
			f.line("\t\tAttributes: []MetricAttribute{")
			for _, k := range x.Attributes {
				f.line("\t\t\t{%s},", m.metricKey(k))
			}
			f.line("\t\t},")
		}
		if len(x.Sources) > 0 {
			f.line("\t\tSources: []Source{")
			for _, s := range x.Sources {
				m.writeSource(f, s)
			}
			f.line("\t\t},")
		}
		f.text("Brief", x.Brief)
		f.line("\t},")
	}
	f.line("}")
}

func (m *model) metricKey(k metricKey) string {
	parts := []string{fmt.Sprintf("Key: %q", k.Key), "From: " + list(m.withAliases(k.from()))}
	if k.Default != "" {
		parts = append(parts, fmt.Sprintf("Default: %q", k.Default))
	}
	if k.Cap != 0 {
		parts = append(parts, fmt.Sprintf("Cap: %d", k.Cap))
	}
	if k.Max != 0 {
		parts = append(parts, fmt.Sprintf("Max: %d", k.Max))
	}
	if k.Form != "" {
		parts = append(parts, "Form: Form"+camel(k.Form))
	}
	return strings.Join(parts, ", ")
}

func (m *model) writeSource(f *goFile, s source) {
	f.line("\t\t\t{")
	f.list("Events", s.Events)
	f.list("Except", s.Except)
	f.line("Count: Count%s,", camel(s.Count))
	f.flag("SpansOnly", s.SpansOnly)
	if len(s.When) > 0 {
		f.line("When: []Condition{")
		for _, c := range s.When {
			f.line("{Attribute: %q, Is: %s},", c.Attribute, list(c.Is))
		}
		f.line("},")
	}
	f.line("Value: Value%s,", camel(s.Value.Kind))
	if s.Value.Attribute != "" {
		f.list("From", m.withAliases(s.Value.Attribute))
	}
	f.line("\t\t\t},")
}

// The field writers leave zero values out.

func (f *goFile) text(field, v string) {
	if v != "" {
		f.line("%s: %q,", field, v)
	}
}

func (f *goFile) list(field string, v []string) {
	if len(v) > 0 {
		f.line("%s: %s,", field, list(v))
	}
}

func (f *goFile) flag(field string, v bool) {
	if v {
		f.line("%s: true,", field)
	}
}

func (f *goFile) whole(field string, v int) {
	if v != 0 {
		f.line("%s: %d,", field, v)
	}
}

func (f *goFile) name(field, prefix, v string) {
	if v != "" {
		f.line("%s: %s%s,", field, prefix, camel(v))
	}
}

func names(prefix string, values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = prefix + camel(v)
	}
	return strings.Join(out, ", ")
}
