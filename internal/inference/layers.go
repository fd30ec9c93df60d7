package inference

import (
	"fmt"
	"slices"
	"strings"
)

// Layer numbers a layer within one Layers table. The zero value means that the
// layer is not known.
type Layer uint8

// MaxLayers is how many layers a table can hold: a Layer is one byte, so that a
// cached span stays small.
const MaxLayers = 254

// Rule gives a layer the names that begin with one of the prefixes.
type Rule struct {
	Layer    string
	Prefixes []string
}

// Layers answers which layer a name, a scope, a service or a value stands for.
type Layers struct {
	names    []string // names[0] is the default
	byValue  map[string]Layer
	byFirst  [256][]prefix // longest first
	services map[string]Layer
	ignored  map[string]struct{}
}

type prefix struct {
	text  string
	layer Layer
}

// NewLayers builds the table. Where two rules have the same prefix, the later
// one wins: a user's rule stands behind the preset's.
func NewLayers(rules []Rule, services map[string]string, ignoreScopes []string, defaultLayer string) (*Layers, error) {
	l := &Layers{
		names:    []string{defaultLayer},
		byValue:  map[string]Layer{},
		services: make(map[string]Layer, len(services)),
		ignored:  make(map[string]struct{}, len(ignoreScopes)),
	}
	winner := map[string]Layer{}
	for _, r := range rules {
		id, err := l.intern(r.Layer)
		if err != nil {
			return nil, err
		}
		for _, p := range r.Prefixes {
			if p != "" {
				winner[p] = id
			}
		}
	}
	for service, layer := range services {
		id, err := l.intern(layer)
		if err != nil {
			return nil, err
		}
		l.services[service] = id
	}
	for text, id := range winner {
		l.byFirst[text[0]] = append(l.byFirst[text[0]], prefix{text, id})
	}
	for i := range l.byFirst {
		slices.SortFunc(l.byFirst[i], func(a, b prefix) int { return len(b.text) - len(a.text) })
	}
	for _, s := range ignoreScopes {
		l.ignored[s] = struct{}{}
	}
	return l, nil
}

func (l *Layers) intern(name string) (Layer, error) {
	key := strings.ToLower(name)
	if id, ok := l.byValue[key]; ok {
		return id, nil
	}
	if len(l.names) > MaxLayers {
		return 0, fmt.Errorf("more than %d layers", MaxLayers)
	}
	id := Layer(len(l.names))
	l.names = append(l.names, name)
	l.byValue[key] = id
	return id, nil
}

// Name is the layer's name; the default's for a layer that is not known.
func (l *Layers) Name(id Layer) string { return l.names[id] }

// Len is how many layers there are, the default at 0 included.
func (l *Layers) Len() int { return len(l.names) }

// ByName is the layer of the longest prefix of name.
func (l *Layers) ByName(name string) Layer {
	if name == "" {
		return 0
	}
	for _, p := range l.byFirst[name[0]] {
		if strings.HasPrefix(name, p.text) {
			return p.layer
		}
	}
	return 0
}

// ByScope is the layer of an instrumentation scope: the scope may be a layer's
// prefix without its last dot, or begin with a prefix. Scopes of bridges, which
// pass on what others measured, say nothing.
func (l *Layers) ByScope(scope string) Layer {
	scope = strings.TrimPrefix(scope, elixirPrefix)
	if scope == "" {
		return 0
	}
	if _, ok := l.ignored[scope]; ok {
		return 0
	}
	// Before ByName: "foundation_jido" also begins with the prefix foundation_.
	for _, p := range l.byFirst[scope[0]] {
		if len(p.text) == len(scope)+1 && p.text[len(scope)] == '.' && strings.HasPrefix(p.text, scope) {
			return p.layer
		}
	}
	return l.ByName(scope)
}

// ByService is the layer that the service map names.
func (l *Layers) ByService(service string) Layer { return l.services[service] }

// ByValue is the layer that an attribute's value names: ":dspex" and "DSPEx" are
// dspex. Words that are no layer of this table (the default's "unknown", the 3
// of a network layer) are not known.
func (l *Layers) ByValue(value string) Layer {
	value = strings.TrimPrefix(value, ":")
	if id, ok := l.byValue[value]; ok {
		return id
	}
	value = strings.TrimPrefix(value, elixirPrefix)
	return l.byValue[strings.ToLower(value)]
}
