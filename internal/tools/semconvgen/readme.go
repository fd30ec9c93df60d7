package main

import (
	"fmt"
	"os"
	"strings"
)

// readme replaces the tables between the markers of the README and leaves the rest
// to its authors.
func (m *model) readme(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := string(text)
	for _, t := range []struct {
		name  string
		table string
	}{
		{"layers", m.layerTable()},
		{"attributes", m.attributeTable()},
		{"events", m.eventTable()},
		{"metrics", m.metricTable()},
	} {
		begin, end := "<!-- begin generated: "+t.name+" -->\n", "<!-- end generated: "+t.name+" -->"
		head, rest, ok := strings.Cut(s, begin)
		if !ok {
			return nil, fmt.Errorf("%s: no line %q", path, strings.TrimSpace(begin))
		}
		_, tail, ok := strings.Cut(rest, end)
		if !ok {
			return nil, fmt.Errorf("%s: no line %q", path, end)
		}
		s = head + begin + t.table + end + tail
	}
	return []byte(s), nil
}

type table struct{ b strings.Builder }

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", "\\|")
	}
	t.b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func newTable(head ...string) *table {
	t := &table{}
	t.row(head...)
	t.b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	return t
}

func code(values ...string) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if v != "" {
			out = append(out, "`"+v+"`")
		}
	}
	return strings.Join(out, " ")
}

func (m *model) layerTable() string {
	t := newTable("layer", "names", "scraped names", "what it is")
	for _, l := range m.Layers {
		t.row(code(l.Name), code(l.Prefixes...), code(l.ScrapedPrefixes...), l.Brief)
	}
	return t.b.String()
}

func (m *model) attributeTable() string {
	t := newTable("attribute", "type", "also accepted, first wins", "on", "meaning")
	for _, a := range m.Attributes {
		brief := a.Brief
		if len(a.Enum) > 0 {
			brief += " One of " + strings.Join(a.Enum, ", ") + "."
		}
		aliases := code(a.Aliases...)
		if len(a.Events) > 0 {
			aliases += " (only on " + code(a.Events...) + ")"
		}
		t.row(code(a.Name), a.Type, aliases, strings.Join(a.On, ", "), brief)
	}
	return t.b.String()
}

func (m *model) eventTable() string {
	t := newTable("no.", "event", "layer", "arrives as", "severity", "sampling rate", "meaning")
	for _, e := range m.Events {
		numbers := make([]string, 0, len(e.Numbers))
		for _, p := range e.occurrences() {
			numbers = append(numbers, strings.TrimSpace(fmt.Sprintf("%d %s", e.Numbers[p], p)))
		}
		rate := ""
		if e.SamplingRate != 0 {
			rate = number(e.SamplingRate)
		}
		severity := e.Severity
		if e.SeverityWhen != "" {
			severity += " when " + e.SeverityWhen
		}
		t.row(strings.Join(numbers, ", "), code(e.Name), e.Layer, e.Kind, severity, rate, e.Brief)
	}
	return t.b.String()
}

func (m *model) metricTable() string {
	t := newTable("row", "metric", "instrument, unit", "attributes (when missing)", "from", "meaning")
	for _, x := range m.Metrics {
		row := ""
		if x.Row > 0 {
			row = fmt.Sprint(x.Row)
		}
		name := code(x.Name)
		if x.Prometheus != "" {
			name += " (Prometheus: " + code(x.Prometheus) + ")"
		}
		keys := make([]string, 0, len(x.Attributes))
		for _, k := range x.Attributes {
			key := code(k.Key)
			if k.Default != "" {
				key += " (" + k.Default + ")"
			}
			keys = append(keys, key)
		}
		from := make([]string, 0, len(x.Sources))
		for _, s := range x.Sources {
			from = append(from, s.String())
		}
		if x.By != "foundation_metrics" {
			from = append(from, "written by "+x.By)
		}
		t.row(row, name, strings.TrimSuffix(x.Instrument+", "+code(x.Unit), ", "), strings.Join(keys, ", "), strings.Join(from, "; "), x.Brief)
	}
	return t.b.String()
}

// String says in words what makes a sample.
func (s source) String() string {
	what := map[string]string{"operation": "ended ", "start": "started ", "event": ""}[s.Count]
	text := what + code(s.Events...)
	if s.SpansOnly {
		text += " (spans only)"
	}
	for _, c := range s.When {
		text += fmt.Sprintf(" when %s is %s", code(c.Attribute), strings.Join(c.Is, " or "))
	}
	switch s.Value.Kind {
	case "duration":
		text += ": duration"
	case "attribute":
		text += ": " + code(s.Value.Attribute)
	case "length":
		text += ": number of " + code(s.Value.Attribute)
	}
	return text
}
