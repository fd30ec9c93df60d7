package layerenricher

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Preset names a table of presets/.
type Preset string

const (
	// PresetFoundationOS knows Foundation OS. It is the default, also of the
	// empty Preset.
	PresetFoundationOS Preset = "foundation_os"
	// PresetNone knows nothing.
	PresetNone Preset = "none"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// String is the preset's name in the configuration.
func (p Preset) String() string {
	if p == "" {
		return string(PresetFoundationOS)
	}
	return string(p)
}

// UnmarshalText reads a preset's name.
func (p *Preset) UnmarshalText(text []byte) error {
	switch v := Preset(text); v {
	case PresetFoundationOS, PresetNone:
		*p = v
		return nil
	}
	return fmt.Errorf("preset: is %q, must be one of %s, %s", text, PresetFoundationOS, PresetNone)
}

// Validate refuses names that did not come through UnmarshalText.
func (p *Preset) Validate() error {
	if *p == "" {
		return nil
	}
	var known Preset
	return known.UnmarshalText([]byte(*p))
}

// table is a preset file.
type table struct {
	Layers struct {
		Rules []struct {
			Layer      string   `yaml:"layer"`
			NamePrefix []string `yaml:"name_prefix"`
		} `yaml:"rules"`
		Services     map[string]string `yaml:"services"`
		IgnoreScopes []string          `yaml:"ignore_scopes"`
	} `yaml:"layers"`
	Names struct {
		Phases       map[string]string `yaml:"phases"`
		Parts        []string          `yaml:"parts"`
		Rename       map[string]string `yaml:"rename"`
		RenameEvents map[string]string `yaml:"rename_events"`
		Operations   map[string]string `yaml:"operations"`
		Roots        []string          `yaml:"roots"`
	} `yaml:"names"`
	Attributes  map[string]tableRow `yaml:"attributes"`
	Fields      map[string][]string `yaml:"fields"`
	TimeUnits   map[string]string   `yaml:"time_units"`
	MetricUnits []string            `yaml:"metric_units"`
	Numbers     []string            `yaml:"numbers"`
	Values      struct {
		Success      []string          `yaml:"success"`
		Failure      []string          `yaml:"failure"`
		States       []string          `yaml:"states"`
		Environments map[string]string `yaml:"environments"`
	} `yaml:"values"`
	Correlation struct {
		TraceWide     []string `yaml:"trace_wide"`
		Subtree       []string `yaml:"subtree"`
		AlternateKeys []string `yaml:"alternate_keys"`
		NoKeys        []string `yaml:"no_keys"`
	} `yaml:"correlation"`
	Mirrors    map[string]mirror `yaml:"mirrors"` // by the name of their switch
	NilStrings []string          `yaml:"nil_strings"`
}

// mirror repeats what was found under the names of another convention.
type mirror struct {
	Copies map[string]string            `yaml:"copies"` // canonical attribute -> attribute
	Events map[string]map[string]string `yaml:"events"` // attribute -> canonical event name -> value
}

const mirrorGenAI = "gen_ai"

// tableRow says how one canonical attribute is read.
type tableRow struct {
	Kind         kind     `yaml:"kind"`
	From         []string `yaml:"from"`
	FromOnEvents []string `yaml:"from_on_events"`
	Events       string   `yaml:"events"`
	FromOnOurs   []string `yaml:"from_on_ours"`
	On           []place  `yaml:"on"`
}

func (p Preset) load() (*table, error) {
	t := &table{}
	if p == PresetNone {
		return t, nil
	}
	text, err := presetFiles.ReadFile("presets/" + p.String() + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("preset %s: %w", p, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("preset %s: %w", p, err)
	}
	return t, nil
}

// place is a kind of thing that has attributes; several as a set.
type place uint8

const (
	onSpan place = 1 << iota
	onLog
	onSpanEvent
	onDataPoint
	onResource
	onExemplar
)

var places = map[string]place{"span": onSpan, "log": onLog, "span_event": onSpanEvent, "data_point": onDataPoint, "resource": onResource, "exemplar": onExemplar}

// UnmarshalText reads a place's name in a preset.
func (p *place) UnmarshalText(text []byte) error {
	v, ok := places[string(text)]
	if !ok {
		return fmt.Errorf("unknown place %q", text)
	}
	*p = v
	return nil
}

// kind says how a value is read.
type kind uint8

const (
	kindAtom kind = iota // text without the colon of an atom
	kindID
	kindLayer
	kindEventName
	kindPhase
	kindInt
	kindOutcome
	kindDuration
	kindStateFrom
	kindStateTo
	kindTags
	kindCustom
	kindError
	kindNode
	kindEnvironment
	// The kinds below fill fields of the item or change a value in place.
	kindNumber
	kindTraceID
	kindSpanID
	kindParentSpan
	kindTimestamp
	kindSeverity
	kindFailed
	kindTimeUnit
	kindKey // joins traces
)

var kinds = map[string]kind{
	"atom": kindAtom, "id": kindID, "layer": kindLayer, "event_name": kindEventName, "phase": kindPhase, "int": kindInt,
	"outcome": kindOutcome, "duration": kindDuration, "state_from": kindStateFrom, "state_to": kindStateTo, "tags": kindTags,
	"custom": kindCustom, "error": kindError, "node": kindNode, "environment": kindEnvironment,
}

// fields are the names under `fields` in a preset, and where each makes sense.
var fields = map[string]struct {
	kind kind
	on   place
}{
	"trace_id":       {kindTraceID, onLog},
	"span_id":        {kindSpanID, onLog},
	"parent_span_id": {kindParentSpan, onSpan},
	"timestamp":      {kindTimestamp, onLog},
	"severity":       {kindSeverity, onLog},
	"failed":         {kindFailed, onSpan},
	"time_unit":      {kindTimeUnit, onSpan | onLog},
}

// UnmarshalText reads a kind's name in a preset.
func (k *kind) UnmarshalText(text []byte) error {
	v, ok := kinds[string(text)]
	if !ok {
		return fmt.Errorf("unknown kind %q", text)
	}
	*k = v
	return nil
}

// extend lays the user's configuration over the preset.
func (t *table) extend(cfg *Config) {
	for service, layer := range cfg.Layers.Services {
		if t.Layers.Services == nil {
			t.Layers.Services = map[string]string{}
		}
		t.Layers.Services[service] = strings.TrimSpace(layer)
	}
	t.Layers.IgnoreScopes = append(t.Layers.IgnoreScopes, cfg.Layers.IgnoreScopes...)
	if t.Attributes == nil {
		t.Attributes = map[string]tableRow{}
	}
	// Without these three there is nothing to enrich, so every preset has them.
	core := func(name string, k kind, on ...place) {
		if _, ok := t.Attributes[name]; !ok {
			t.Attributes[name] = tableRow{Kind: k, On: on}
		}
	}
	core(attributeLayer, kindLayer, onSpan, onLog, onDataPoint)
	core(attributeEventName, kindEventName, onSpan, onLog, onSpanEvent)
	core(attributePhase, kindPhase, onSpan, onLog, onSpanEvent)
	for name, from := range cfg.Aliases {
		row, ok := t.Attributes[name]
		if !ok {
			row = tableRow{Kind: kindAtom, On: []place{onSpan, onLog}}
		}
		row.From, row.FromOnEvents, row.FromOnOurs = from, nil, nil
		t.Attributes[name] = row
	}
	if cfg.Correlation.TraceWide != nil {
		t.Correlation.TraceWide = cfg.Correlation.TraceWide
	}
	if cfg.Correlation.Subtree != nil {
		t.Correlation.Subtree = cfg.Correlation.Subtree
	}
	if cfg.Correlation.AlternateKeys != nil {
		t.Correlation.AlternateKeys = cfg.Correlation.AlternateKeys
	}
	for _, name := range append(append([]string(nil), t.Correlation.TraceWide...), t.Correlation.Subtree...) {
		row := t.Attributes[name]
		if row.Kind == kindAtom { // a text becomes an id by being carried
			row.Kind = kindID
		}
		row.On = append(slices.Clone(row.On), onSpan, onLog, onExemplar)
		t.Attributes[name] = row
	}
	if !cfg.Mirror.GenAI {
		delete(t.Mirrors, mirrorGenAI)
	}
	if t.TimeUnits == nil {
		t.TimeUnits = map[string]string{}
	}
	maps.Copy(t.TimeUnits, cfg.Normalize.TimeUnits)
	if cfg.Normalize.NilStrings != nil {
		t.NilStrings = cfg.Normalize.NilStrings
	}
}
