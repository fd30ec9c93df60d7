package inference

import (
	"maps"
	"slices"
	"strings"
)

// Grammar is what event names are made of.
type Grammar struct {
	Phases       map[string]string // last word of a name, or the attribute phase -> canonical phase
	Parts        []string          // words that stand where phases stand and yet belong to the name
	Rename       map[string]string // canonical name of a name that a system spells in two ways
	RenameEvents map[string]string // the same for logs and span events only
	Operations   map[string]string // prefix -> name; what follows the prefix is the operation
}

// Names reads event names.
type Names struct {
	grammar    Grammar
	parts      map[string]struct{}
	operations []operation
	layers     *Layers
}

type operation struct{ prefix, name string }

// Name is what a raw name says.
type Name struct {
	Canonical string // dotted, without phase
	Phase     string // "" when the name has none
	Operation string // "" when the name has none
	Layer     Layer  // 0: outside the taxonomy, Canonical is the raw name in dotted form
}

// NewNames builds a reader; layers tells which names belong to the taxonomy.
func NewNames(g Grammar, layers *Layers) *Names {
	n := &Names{grammar: g, parts: make(map[string]struct{}, len(g.Parts)), layers: layers}
	for _, p := range g.Parts {
		n.parts[p] = struct{}{}
	}
	for _, prefix := range slices.Sorted(maps.Keys(g.Operations)) {
		n.operations = append(n.operations, operation{prefix, g.Operations[prefix]})
	}
	return n
}

// Parse reads a name: dotted, or the inspected list `[:a, :b]`. Names outside
// the taxonomy keep their last word: an HTTP client's "session.start" is not
// known to be a phase. Parsing a canonical name gives it back.
func (n *Names) Parse(raw string) Name {
	name := strings.TrimSpace(raw)
	if dotted, ok := Dotted(name); ok {
		name = dotted
	}
	layer := n.layers.ByName(name)
	if layer == 0 || len(name) > maxName {
		return Name{Canonical: name, Layer: layer}
	}
	out := Name{Canonical: name, Layer: layer}
	for {
		head, last, ok := cutLast(out.Canonical)
		if !ok || n.layers.ByName(head) == 0 {
			break
		}
		phase, ok := n.grammar.Phases[last]
		if !ok {
			break
		}
		if out.Phase == "" {
			out.Phase = phase
		}
		out.Canonical = head
	}
	if renamed, ok := n.grammar.Rename[out.Canonical]; ok {
		out.Canonical = renamed
	}
	for _, op := range n.operations {
		if rest, ok := strings.CutPrefix(out.Canonical, op.prefix); ok && rest != "" {
			out.Canonical, out.Operation = op.name, rest
		}
	}
	return out
}

// Complete adds what the attribute phase says, and (for logs and span events)
// writes out names that an event abbreviates. It reports the same name when
// there is nothing to add.
func (n *Names) Complete(name Name, phase string, event bool) Name {
	if name.Layer == 0 {
		return name
	}
	if phase != "" && name.Phase == "" {
		phase = strings.ToLower(strings.TrimPrefix(phase, ":"))
		if p, ok := n.grammar.Phases[phase]; ok {
			name.Phase = p
		} else if _, ok := n.parts[phase]; ok && !hasLast(name.Canonical, phase) {
			name.Canonical += "." + phase
		}
	}
	if event {
		if renamed, ok := n.grammar.RenameEvents[name.Canonical]; ok {
			name.Canonical = renamed
		}
	}
	return name
}

// Full is the dotted name with its phase.
func (n Name) Full() string {
	if n.Phase == "" {
		return n.Canonical
	}
	return n.Canonical + "." + n.Phase
}

func cutLast(name string) (head, last string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

func hasLast(name, part string) bool {
	_, last, ok := cutLast(name)
	return ok && last == part
}

// Dotted turns the inspected list `[:foundation_jido, :coordination]` into
// "foundation_jido.coordination". It is false for anything else, also for a
// list with other things than words in it.
func Dotted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' || len(s) > maxName {
		return "", false
	}
	words := strings.Split(s[1:len(s)-1], ",")
	for i, w := range words {
		w = Word(w)
		if w == "" {
			return "", false
		}
		words[i] = w
	}
	return strings.Join(words, "."), true
}

// Word is one element of an event's list: `:auction`, `"auction"` or `auction`.
// It is "" when that is no single word.
func Word(w string) string {
	w = strings.TrimPrefix(strings.TrimSpace(w), ":")
	if len(w) >= 2 && w[0] == '"' && w[len(w)-1] == '"' {
		w = w[1 : len(w)-1]
	}
	if len(w) > maxName {
		return ""
	}
	for i := range len(w) {
		c := w[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '?' || c == '!' || c == '-' {
			continue
		}
		return ""
	}
	return w
}

// maxName bounds what is looked at as a name: longer texts are bodies.
const maxName = 512
