package layerenricher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
)

// Config is the configuration of layer_enricher. Lists and tables that the
// preset has too are empty by default; the comment of each says whether a value
// extends or replaces the preset's.
type Config struct {
	// Preset is the table of names to start from: "foundation_os" (default) or
	// "none", which knows nothing but what stands below.
	Preset Preset `mapstructure:"preset"`

	// Layers says which layer an item belongs to.
	Layers LayersConfig `mapstructure:"layers"`

	// Aliases names the attributes that a canonical attribute is read from, in
	// order of precedence: {foundation_os.request.id: [request_id]}. A key
	// replaces the preset's list of that key, an empty list switches the
	// attribute's aliases off; a key that the preset does not have adds a
	// canonical text attribute on spans and logs. Default: the preset's.
	Aliases map[string][]string `mapstructure:"aliases"`

	// Correlation says which ids are carried through a trace, and how much is
	// remembered for it.
	Correlation CorrelationConfig `mapstructure:"correlation"`

	// Normalize says how values are cleaned.
	Normalize NormalizeConfig `mapstructure:"normalize"`

	// Mirror says which other conventions' attributes are written as well.
	Mirror MirrorConfig `mapstructure:"mirror"`

	// ReparentOrphans makes the span of a trace's request the parent of the
	// trace's other spans that have none. Default: false.
	ReparentOrphans bool `mapstructure:"reparent_orphans"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// LayersConfig says which layer an item belongs to. The first that answers wins:
// explicit attribute, longest prefix of the name, instrumentation scope, service,
// parent span, root of the trace, default.
type LayersConfig struct {
	// Rules give names to layers. They extend the preset's; where both have the
	// same prefix, these win.
	Rules []RuleConfig `mapstructure:"rules"`

	// Services gives whole services (service.name) to layers. Extends the
	// preset's. Default: empty.
	Services map[string]string `mapstructure:"services"`

	// IgnoreScopes lists instrumentation scopes that say nothing about the layer,
	// such as bridges. Extends the preset's.
	IgnoreScopes []string `mapstructure:"ignore_scopes"`

	// Default is the layer of items that nothing is known about. It must not be
	// empty. Default: unknown.
	Default string `mapstructure:"default"`

	// RecordSource writes what the layer was inferred from to
	// foundation_os.layer.source, on spans and logs. Default: false.
	RecordSource bool `mapstructure:"record_source"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RuleConfig gives the names that begin with one of the prefixes to a layer.
type RuleConfig struct {
	// Layer is the layer's name.
	Layer string `mapstructure:"layer"`

	// NamePrefix lists the prefixes, for spans, events and metrics alike: write
	// "my_ml." and also "my_ml_" when metrics are scraped.
	NamePrefix []string `mapstructure:"name_prefix"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// CorrelationConfig says which ids are carried through a trace.
type CorrelationConfig struct {
	// TraceWide lists the attributes that are the same for the whole trace: an
	// item without one gets it from any other item of its trace. At most 8.
	// Replaces the preset's list; [] carries none.
	TraceWide []string `mapstructure:"trace_wide"`

	// Subtree lists the attributes that hold for a span and what lies below it:
	// an item without one gets it from its nearest ancestor that has one. At
	// most 4. Replaces the preset's list; [] carries none.
	Subtree []string `mapstructure:"subtree"`

	// AlternateKeys lists attributes that join traces: items of different traces
	// that have the same value share their trace-wide ids. A value that is a trace
	// id also joins that trace. At most 4. Replaces the preset's list; [] joins
	// nothing.
	AlternateKeys []string `mapstructure:"alternate_keys"`

	// Cache bounds what is remembered.
	Cache CacheConfig `mapstructure:"cache"`

	// Hold is how long spans and log records wait for what comes later in their
	// trace; it must be shorter than cache.ttl. 0 sends everything on at once,
	// filled with what is known by then. Default: 0s.
	Hold time.Duration `mapstructure:"hold"`

	// MaxHeldSpans is how many spans and log records may wait at a time; further
	// ones do not wait and are counted. Must be greater than 0. Default: 100000.
	MaxHeldSpans int `mapstructure:"max_held_spans"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// CacheConfig bounds what is remembered of traces. All must be greater than 0.
type CacheConfig struct {
	// MaxTraces is how many traces are remembered; the one used least recently
	// goes first. Default: 50000.
	MaxTraces int `mapstructure:"max_traces"`

	// TTL is how long a trace is remembered after its last item; older ones go
	// as new ones come. Default: 5m.
	TTL time.Duration `mapstructure:"ttl"`

	// MaxSpansPerTrace is how many spans of one trace are remembered; at most
	// 65534. Spans above it still get ids and pass on trace-wide ones.
	// Default: 2000.
	MaxSpansPerTrace int `mapstructure:"max_spans_per_trace"`

	// MaxBytes is how much memory the cache may hold, by its own count.
	// Default: 268435456 (256 MiB).
	MaxBytes int64 `mapstructure:"max_bytes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// NormalizeConfig says how values are cleaned.
type NormalizeConfig struct {
	// Names reads event names: foundation_os.event.name, foundation_os.phase, and
	// a log's EventName. Default: true.
	Names bool `mapstructure:"names"`

	// Units writes durations in seconds to foundation_os.duration, and turns
	// metrics of the unit native into seconds. Default: true.
	Units bool `mapstructure:"units"`

	// TimeUnits says in which unit an event's duration comes when neither a
	// suffix nor time_unit tells it: {my.event: us}. The event's name stands
	// without phase; a unit is native, ns, us, ms or s. Extends the preset's.
	// Default: empty.
	TimeUnits map[string]string `mapstructure:"time_units"`

	// NilStrings lists the texts that mean "no value". Replaces the preset's;
	// [] means that every text is a value.
	NilStrings []string `mapstructure:"nil_strings"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// MirrorConfig says which other conventions' attributes are written as well, on
// spans and logs that do not have them already.
type MirrorConfig struct {
	// GenAI writes gen_ai.agent.id and gen_ai.operation.name of OpenTelemetry's
	// conventions for generative AI. Default: true.
	GenAI bool `mapstructure:"gen_ai"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const maxSpansPerTrace = 65534

func createDefaultConfig() *Config {
	return &Config{
		Preset: PresetFoundationOS,
		Layers: LayersConfig{Default: "unknown"},
		Correlation: CorrelationConfig{
			Cache: CacheConfig{
				MaxTraces:        50000,
				TTL:              5 * time.Minute,
				MaxSpansPerTrace: 2000,
				MaxBytes:         256 << 20,
			},
			MaxHeldSpans: 100000,
		},
		Normalize: NormalizeConfig{Names: true, Units: true},
		Mirror:    MirrorConfig{GenAI: true},
	}
}

// Validate checks what concerns more than one block, the preset included.
func (c *Config) Validate() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Aliases)) {
		if name == "" {
			errs = append(errs, errors.New("aliases: a canonical attribute needs a name"))
		}
		for i, a := range c.Aliases[name] {
			switch {
			case a == "":
				errs = append(errs, fmt.Errorf("aliases.%s[%d]: is empty, must be an attribute's name", name, i))
			case a == name:
				errs = append(errs, fmt.Errorf("aliases.%s[%d]: is the canonical name itself, must be another attribute's name", name, i))
			case slices.Contains(c.Aliases[name][:i], a):
				errs = append(errs, fmt.Errorf("aliases.%s[%d]: %q stands there twice", name, i, a))
			}
		}
	}
	// The rest shows when everything is put together, which wants sound parts;
	// these report their errors themselves.
	if errors.Join(append(errs, c.Preset.Validate(), c.Layers.Validate(), c.Correlation.Validate(), c.Normalize.Validate())...) == nil {
		_, err := newPlan(c)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Validate checks the rules' layers and the default.
func (c *LayersConfig) Validate() error {
	var errs []error
	if strings.TrimSpace(c.Default) == "" {
		errs = append(errs, errors.New("default: is empty, must be a layer's name, such as unknown"))
	}
	for _, service := range slices.Sorted(maps.Keys(c.Services)) {
		if service == "" {
			errs = append(errs, errors.New("services: a service needs a name"))
		}
		if strings.TrimSpace(c.Services[service]) == "" {
			errs = append(errs, fmt.Errorf("services.%s: is empty, must be a layer's name", service))
		}
	}
	for i, s := range c.IgnoreScopes {
		if s == "" {
			errs = append(errs, fmt.Errorf("ignore_scopes[%d]: is empty, must be a scope's name", i))
		}
	}
	return errors.Join(errs...)
}

// Validate checks one rule.
func (c *RuleConfig) Validate() error {
	var errs []error
	if strings.TrimSpace(c.Layer) == "" {
		errs = append(errs, errors.New("layer: is empty, must be a layer's name"))
	}
	if len(c.NamePrefix) == 0 {
		errs = append(errs, errors.New("name_prefix: is empty, must list at least one prefix"))
	}
	for i, p := range c.NamePrefix {
		if p == "" {
			errs = append(errs, fmt.Errorf("name_prefix[%d]: is empty and would match every name, must be the beginning of a name", i))
		}
	}
	return errors.Join(errs...)
}

// Validate checks the lists of ids.
func (c *CorrelationConfig) Validate() error {
	var errs []error
	if len(c.TraceWide) > correlation.MaxTraceWide {
		errs = append(errs, fmt.Errorf("trace_wide: %d attributes, at most %d are allowed", len(c.TraceWide), correlation.MaxTraceWide))
	}
	if len(c.Subtree) > correlation.MaxSubtree {
		errs = append(errs, fmt.Errorf("subtree: %d attributes, at most %d are allowed", len(c.Subtree), correlation.MaxSubtree))
	}
	if len(c.AlternateKeys) > correlation.MaxKeys {
		errs = append(errs, fmt.Errorf("alternate_keys: %d attributes, at most %d are allowed", len(c.AlternateKeys), correlation.MaxKeys))
	}
	for i, key := range c.AlternateKeys {
		switch {
		case key == "":
			errs = append(errs, fmt.Errorf("alternate_keys[%d]: is empty, must be an attribute's name", i))
		case slices.Contains(c.AlternateKeys[:i], key):
			errs = append(errs, fmt.Errorf("alternate_keys[%d]: %q stands there twice", i, key))
		}
	}
	switch {
	case c.Hold < 0:
		errs = append(errs, fmt.Errorf("hold: is %s, must be 0s or greater", c.Hold))
	case c.Hold > 0 && c.Hold >= c.Cache.TTL:
		errs = append(errs, fmt.Errorf("hold: is %s, must be shorter than cache.ttl (%s), or what is waited for is forgotten first", c.Hold, c.Cache.TTL))
	}
	if c.MaxHeldSpans <= 0 {
		errs = append(errs, fmt.Errorf("max_held_spans: is %d, must be greater than 0 (hold: 0s switches waiting off)", c.MaxHeldSpans))
	}
	seen := map[string]string{}
	check := func(list string, names []string) {
		for i, n := range names {
			path := fmt.Sprintf("%s[%d]", list, i)
			if n == "" {
				errs = append(errs, fmt.Errorf("%s: is empty, must be an attribute's name", path))
				continue
			}
			if other, ok := seen[n]; ok {
				errs = append(errs, fmt.Errorf("%s: %q stands in %s already, an id is either trace-wide or of a subtree", path, n, other))
			}
			seen[n] = path
		}
	}
	check("trace_wide", c.TraceWide)
	check("subtree", c.Subtree)
	return errors.Join(errs...)
}

// Validate checks the units of events.
func (c *NormalizeConfig) Validate() error {
	var errs []error
	for _, event := range slices.Sorted(maps.Keys(c.TimeUnits)) {
		_, err := parseUnitRule(event, c.TimeUnits[event])
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Validate checks the bounds.
func (c *CacheConfig) Validate() error {
	var errs []error
	if c.MaxTraces <= 0 {
		errs = append(errs, fmt.Errorf("max_traces: is %d, must be greater than 0", c.MaxTraces))
	}
	if c.TTL <= 0 {
		errs = append(errs, fmt.Errorf("ttl: is %s, must be greater than 0", c.TTL))
	}
	if c.MaxSpansPerTrace <= 0 || c.MaxSpansPerTrace > maxSpansPerTrace {
		errs = append(errs, fmt.Errorf("max_spans_per_trace: is %d, must be from 1 to %d", c.MaxSpansPerTrace, maxSpansPerTrace))
	}
	if c.MaxBytes <= 0 {
		errs = append(errs, fmt.Errorf("max_bytes: is %d, must be greater than 0", c.MaxBytes))
	}
	return errors.Join(errs...)
}
