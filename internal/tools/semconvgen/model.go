package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

type model struct {
	Layers     []layer     `yaml:"layers"`
	Attributes []attribute `yaml:"attributes"`
	Events     []event     `yaml:"events"`
	Metrics    []metric    `yaml:"metrics"`
}

type layer struct {
	Name            string   `yaml:"name"`
	Prefixes        []string `yaml:"prefixes"`
	ScrapedPrefixes []string `yaml:"scraped_prefixes"`
	Brief           string   `yaml:"brief"`
}

type attribute struct {
	Name       string   `yaml:"name"`
	Type       string   `yaml:"type"`
	Unit       string   `yaml:"unit"`
	Enum       []string `yaml:"enum"`
	EnumPrefix string   `yaml:"enum_prefix"`
	Aliases    []string `yaml:"aliases"`
	Events     []string `yaml:"events"`
	On         []string `yaml:"on"`
	Brief      string   `yaml:"brief"`
}

type event struct {
	Name         string         `yaml:"name"`
	Numbers      map[string]int `yaml:"numbers"`
	Layer        string         `yaml:"layer"`
	Kind         string         `yaml:"kind"`
	Operation    bool           `yaml:"operation"`
	Severity     string         `yaml:"severity"`
	SeverityWhen string         `yaml:"severity_when"`
	SamplingRate float64        `yaml:"sampling_rate"`
	Aliases      []string       `yaml:"aliases"`
	Ours         bool           `yaml:"ours"`
	Brief        string         `yaml:"brief"`
}

type metric struct {
	Name       string      `yaml:"name"`
	Row        int         `yaml:"row"`
	Tag        string      `yaml:"tag"`
	Instrument string      `yaml:"instrument"`
	Unit       string      `yaml:"unit"`
	Prometheus string      `yaml:"prometheus"`
	Buckets    buckets     `yaml:"buckets"`
	Watched    bool        `yaml:"watched"`
	State      string      `yaml:"state"`
	By         string      `yaml:"by"`
	Attributes []metricKey `yaml:"attributes"`
	Sources    []source    `yaml:"sources"`
	Brief      string      `yaml:"brief"`
}

type metricKey struct {
	Key     string `yaml:"key"`
	From    string `yaml:"from"`
	Default string `yaml:"default"`
	Cap     int    `yaml:"cap"`
	Max     int    `yaml:"max"`
	Form    string `yaml:"form"`
}

func (k metricKey) from() string {
	if k.From == "" {
		return k.Key
	}
	return k.From
}

type source struct {
	Events    []string    `yaml:"events"`
	Except    []string    `yaml:"except"`
	Count     string      `yaml:"count"`
	SpansOnly bool        `yaml:"spans_only"`
	When      []condition `yaml:"when"`
	Value     value       `yaml:"value"`
}

type condition struct {
	Attribute string   `yaml:"attribute"`
	Is        []string `yaml:"is"`
}

// buckets is a set's name or a list of bounds.
type buckets struct {
	Set    string
	Bounds []float64
}

func (b *buckets) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		b.Set = "fixed"
		return n.Decode(&b.Bounds)
	}
	return n.Decode(&b.Set)
}

// value is one, duration, or an attribute that is read or measured.
type value struct {
	Kind      string
	Attribute string
}

func (v *value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&v.Kind)
	}
	var m map[string]string
	if err := n.Decode(&m); err != nil {
		return err
	}
	if len(m) != 1 {
		return fmt.Errorf("line %d: value: one of attribute, length", n.Line)
	}
	for k, a := range m {
		v.Kind, v.Attribute = k, a
	}
	return nil
}

func load(dir string) (*model, error) {
	m := &model{}
	for _, name := range []string{"layers", "attributes", "events", "metrics"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".yaml"))
		if err != nil {
			return nil, err
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(m); err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", name, err)
		}
	}
	for i := range m.Metrics {
		for j := range m.Metrics[i].Sources {
			if v := &m.Metrics[i].Sources[j].Value; v.Kind == "" {
				v.Kind = "one"
			}
		}
		if m.Metrics[i].By == "" {
			m.Metrics[i].By = "foundation_metrics"
		}
	}
	return m, nil
}

// check finds what would compile but mean nothing: names that nobody defines.
func (m *model) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(path, got string, allowed ...string) {
		if !slices.Contains(allowed, got) {
			bad("%s: %q, allowed are %s", path, got, strings.Join(allowed, ", "))
		}
	}
	layers, attributes, events := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, l := range m.Layers {
		layers[l.Name] = true
	}
	for _, a := range m.Attributes {
		if attributes[a.Name] {
			bad("attributes: %s twice", a.Name)
		}
		attributes[a.Name] = true
		oneOf(a.Name+".type", a.Type, "string", "int", "double", "bool", "string[]", "map")
		for _, on := range a.On {
			oneOf(a.Name+".on", on, "span", "log", "span_event", "data_point", "exemplar", "resource")
		}
	}
	for _, e := range m.Events {
		if events[e.Name] {
			bad("events: %s twice", e.Name)
		}
		events[e.Name] = true
		if !layers[e.Layer] {
			bad("%s.layer: no layer %q", e.Name, e.Layer)
		}
		oneOf(e.Name+".kind", e.Kind, "span", "log")
	}
	for _, a := range m.Attributes {
		for _, e := range a.Events {
			if !events[e] {
				bad("%s.events: no event %q", a.Name, e)
			}
		}
	}
	seen := map[string]bool{}
	for _, x := range m.Metrics {
		if seen[x.Name] {
			bad("metrics: %s twice", x.Name)
		}
		seen[x.Name] = true
		oneOf(x.Name+".instrument", x.Instrument, "counter", "gauge", "histogram")
		oneOf(x.Name+".state", x.State, "", "agents", "breakers", "runs")
		oneOf(x.Name+".buckets", x.Buckets.Set, "", "fixed", "duration", "count", "score", "value")
		if (x.Instrument == "histogram") != (x.Buckets.Set != "") {
			bad("%s.buckets: histograms have them, others do not", x.Name)
		}
		if x.By == "foundation_metrics" && len(x.Sources) == 0 {
			bad("%s.sources: none", x.Name)
		}
		for _, k := range x.Attributes {
			if !attributes[k.from()] {
				bad("%s.attributes: no attribute %q", x.Name, k.from())
			}
			oneOf(x.Name+".attributes."+k.Key+".form", k.Form, "", "int", "success", "operation_outcome")
		}
		for _, s := range x.Sources {
			oneOf(x.Name+".sources.count", s.Count, "operation", "start", "event")
			oneOf(x.Name+".sources.value", s.Value.Kind, "one", "duration", "attribute", "length")
			if s.Value.Attribute != "" && !attributes[s.Value.Attribute] {
				bad("%s.sources.value: no attribute %q", x.Name, s.Value.Attribute)
			}
			for _, c := range s.When {
				if !attributes[c.Attribute] {
					bad("%s.sources.when: no attribute %q", x.Name, c.Attribute)
				}
			}
			for _, e := range append(slices.Clone(s.Events), s.Except...) {
				if !strings.HasSuffix(e, "*") && !events[e] {
					bad("%s.sources.events: no event %q", x.Name, e)
				}
			}
		}
	}
	return errors.Join(errs...)
}

// withAliases is the canonical name followed by its aliases.
func (m *model) withAliases(name string) []string {
	names := []string{name}
	for _, a := range m.Attributes {
		if a.Name == name {
			names = append(names, a.Aliases...)
		}
	}
	return names
}
