package layerenricher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// plan is the configuration compiled: what to do with an attribute is found by
// one look at its key.
type plan struct {
	layers      *inference.Layers
	names       *inference.Names
	clean       *inference.Cleaner
	outcomes    *inference.Outcomes
	states      []string
	envs        map[string]string
	events      map[string]*event
	defaultName string
	record      bool
	reparent    bool
	writeNames  bool
	writeUnits  bool
	metricUnits map[string]inference.Unit // that become seconds

	keys      *keys
	slots     []slotInfo
	layer     uint8 // slots of the attributes that the code itself asks for
	eventName uint8
	phase     uint8
	operation uint8 // noSlot when the preset has none
	traceWide []uint8
	subtree   []uint8
	joiners   *inference.Keys // reads the values of alternate keys
	mirrored  int             // how many slots are repeated under another name

	transitions [][]string
}

// event is what is known about the items of one canonical name.
type event struct {
	root   bool           // its layer is its trace's
	unit   inference.Unit // of its bare durations
	values []keyValue
}

type keyValue struct{ key, value string }

var noEvent event // of the names that nothing is known about

func (p *plan) event(name string) *event {
	if e, ok := p.events[name]; ok {
		return e
	}
	return &noEvent
}

// slotInfo is a canonical attribute, or a field of the item.
type slotInfo struct {
	name   string
	mirror string // the attribute that repeats it; "" for none
	kind   kind
	events string // what a gated value needs
}

const noSlot = 255

// entry is what a key means.
type entry struct {
	targets []target
}

// target is a slot that a key can fill.
type target struct {
	slot uint8
	rank uint8 // 0 is the canonical attribute itself
	kind kind
	on   place
	gate gate
	unit inference.Unit // of a duration, from the key's suffix
	key  uint8          // which alternate key
	pair bool           // the key has two states
}

// pairs marks a key from which both states of a change are read: one state
// alone says nothing about the one before.
func (e *entry) pairs() {
	has := func(k kind) bool { return slices.ContainsFunc(e.targets, func(t target) bool { return t.kind == k }) }
	for i := range e.targets {
		e.targets[i].pair = has(kindStateFrom) && has(kindStateTo)
	}
}

// gate is a condition on a value whose key is a common word.
type gate uint8

const (
	gateNone gate = iota
	gateEvent
	gateOurs
)

func newPlan(cfg *Config) (*plan, error) {
	t, err := cfg.Preset.load()
	if err != nil {
		return nil, err
	}
	t.extend(cfg)
	p := &plan{
		clean:       inference.NewCleaner(t.NilStrings),
		outcomes:    inference.NewOutcomes(outcomeSuccess, outcomeFailure, t.Values.Success, t.Values.Failure),
		states:      t.Values.States,
		envs:        t.Values.Environments,
		events:      events(t),
		defaultName: cfg.Layers.Default,
		record:      cfg.Layers.RecordSource,
		reparent:    cfg.ReparentOrphans,
		writeNames:  cfg.Normalize.Names,
		writeUnits:  cfg.Normalize.Units,
		operation:   noSlot,
	}
	var rules []inference.Rule
	for _, r := range t.Layers.Rules {
		rules = append(rules, inference.Rule{Layer: r.Layer, Prefixes: r.NamePrefix})
	}
	for _, r := range cfg.Layers.Rules {
		rules = append(rules, inference.Rule{Layer: strings.TrimSpace(r.Layer), Prefixes: r.NamePrefix})
	}
	p.layers, err = inference.NewLayers(rules, t.Layers.Services, t.Layers.IgnoreScopes, cfg.Layers.Default)
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	p.names = inference.NewNames(inference.Grammar{
		Phases: t.Names.Phases, Parts: t.Names.Parts, Rename: t.Names.Rename,
		RenameEvents: t.Names.RenameEvents, Operations: t.Names.Operations,
	}, p.layers)
	if err := errors.Join(p.unitRules(t.TimeUnits), p.compile(t)); err != nil {
		return nil, err
	}
	if p.writeUnits {
		if p.metricUnits, err = parseMetricUnits(t.MetricUnits); err != nil {
			return nil, fmt.Errorf("preset %s: %w", cfg.Preset, err)
		}
	}
	p.transitions = transitions(p.layers)
	return p, nil
}

func (p *plan) compile(t *table) error {
	built := map[string]*entry{}
	add := func(key string, to target) {
		e := built[key]
		if e == nil {
			e = &entry{}
			built[key] = e
		}
		e.targets = append(e.targets, to)
	}
	slot := func(info slotInfo) (uint8, error) {
		if len(p.slots) >= noSlot {
			return 0, fmt.Errorf("aliases: more than %d canonical attributes", noSlot)
		}
		p.slots = append(p.slots, info)
		return uint8(len(p.slots) - 1), nil
	}
	copies := map[string]string{}
	for _, m := range t.Mirrors {
		maps.Copy(copies, m.Copies)
	}
	byName := map[string]uint8{}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		row := t.Attributes[name]
		id, err := slot(slotInfo{name: name, mirror: copies[name], kind: row.Kind, events: row.Events})
		if err != nil {
			return err
		}
		byName[name] = id
		if copies[name] != "" {
			p.mirrored++
		}
		to := target{slot: id, kind: row.Kind}
		for _, on := range row.On {
			to.on |= on
		}
		if len(row.From)+len(row.FromOnEvents)+len(row.FromOnOurs) >= unset {
			return fmt.Errorf("aliases.%s: more than %d attributes", name, unset-1)
		}
		if row.Kind != kindCustom { // its canonical name is only a prefix
			add(name, to)
		}
		gated := func(keys []string, g gate) {
			for _, key := range keys {
				to.rank++
				to.gate = g
				to.unit = inference.SuffixUnit(key)
				add(key, to)
			}
		}
		gated(row.From, gateNone)
		gated(row.FromOnEvents, gateEvent)
		gated(row.FromOnOurs, gateOurs)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		f, ok := fields[name]
		if !ok {
			return fmt.Errorf("preset: unknown field %q", name)
		}
		id, err := slot(slotInfo{kind: f.kind})
		if err != nil {
			return err
		}
		for i, key := range t.Fields[name] {
			add(key, target{slot: id, rank: uint8(i + 1), kind: f.kind, on: f.on})
		}
	}
	for _, name := range t.Numbers {
		add(name, target{slot: noSlot, kind: kindNumber, on: onSpan | onLog | onSpanEvent})
	}
	for i, name := range t.Correlation.AlternateKeys {
		if _, ok := t.Attributes[name]; ok {
			return fmt.Errorf("correlation.alternate_keys[%d]: %q is a canonical attribute, which may have been filled in; must be one that only the application writes", i, name)
		}
		add(name, target{slot: noSlot, kind: kindKey, on: onSpan | onLog, key: uint8(i)})
	}
	p.joiners = inference.NewKeys(t.Correlation.AlternateKeys, t.Correlation.NoKeys)
	for _, e := range built {
		e.pairs()
	}
	p.keys = newKeys(built)
	p.layer, p.eventName, p.phase = byName[attributeLayer], byName[attributeEventName], byName[attributePhase]
	if id, ok := byName[attributeOperation]; ok {
		p.operation = id
	}
	carried := func(list string, names []string) (ids []uint8, err error) {
		for _, name := range names {
			if t.Attributes[name].Kind != kindID {
				return nil, fmt.Errorf("correlation.%s: %s is no id, must be a text attribute of spans or logs", list, name)
			}
			ids = append(ids, byName[name])
		}
		return ids, nil
	}
	var errWide, errBelow error
	p.traceWide, errWide = carried("trace_wide", t.Correlation.TraceWide)
	p.subtree, errBelow = carried("subtree", t.Correlation.Subtree)
	if err := errors.Join(errWide, errBelow); err != nil {
		return err
	}
	if len(p.traceWide) > correlation.MaxTraceWide || len(p.subtree) > correlation.MaxSubtree {
		return fmt.Errorf("preset: more than %d trace-wide or %d subtree ids", correlation.MaxTraceWide, correlation.MaxSubtree)
	}
	return nil
}

// events joins what the table says in several places about one event.
func events(t *table) map[string]*event {
	all := map[string]*event{}
	for _, name := range t.Names.Roots {
		all[name] = &event{root: true}
	}
	for _, m := range t.Mirrors {
		for key, byName := range m.Events {
			for name, value := range byName {
				if all[name] == nil {
					all[name] = &event{}
				}
				all[name].values = append(all[name].values, keyValue{key, value})
			}
		}
	}
	return all
}

// transitions are the texts "from>to" of all pairs, so that a span with one
// costs no text of its own. Users with very many layers pay for theirs.
func transitions(l *inference.Layers) [][]string {
	if l.Len() > 32 {
		return nil
	}
	all := make([][]string, l.Len())
	for from := range all {
		for to := range l.Len() {
			all[from] = append(all[from], l.Name(inference.Layer(from))+">"+l.Name(inference.Layer(to)))
		}
	}
	return all
}

func (p *plan) transition(from, to inference.Layer) string {
	if p.transitions != nil {
		return p.transitions[from][to]
	}
	return p.layers.Name(from) + ">" + p.layers.Name(to)
}
