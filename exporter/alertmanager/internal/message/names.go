package message

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxText caps a value, in bytes. It is what alert_rules caps its texts at:
// others may write alert events too.
const maxText = 4096

// Naming is what becomes of the names of labels and annotations.
type Naming uint8

// The values of Naming.
const (
	// Underscore keeps ASCII letters and digits. Everything else becomes _, and a
	// name that begins with a digit gets one in front. Every Alertmanager accepts that.
	Underscore Naming = iota
	// UTF8 leaves names as they are. Alertmanager accepts them since v0.27.
	UTF8
)

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Set gives each pair its legal name. Values that get the same name are joined
// by ; in the order of their original names, each different one once, as
// OpenTelemetry's rules for Prometheus say: nothing depends on the order of the
// pairs, and two alerts that differ stay two. Names or values that are empty are
// left out: to Alertmanager they are not there. joined counts the pairs that had
// to share a name.
func (n Naming) Set(pairs []Pair) (set map[string]string, joined int) {
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	values := map[string][]string{}
	for _, p := range sorted {
		name, value := n.name(p.Name), capped(p.Value)
		if name == "" || value == "" {
			continue
		}
		if len(values[name]) > 0 {
			joined++
		}
		if !slices.Contains(values[name], value) {
			values[name] = append(values[name], value)
		}
	}
	set = make(map[string]string, len(values))
	for name, v := range values {
		set[name] = capped(strings.Join(v, ";"))
	}
	return set, joined
}

func (n Naming) name(s string) string {
	if n == UTF8 {
		return strings.ToValidUTF8(s, "�")
	}
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}

// capped makes a text legal UTF-8 and cuts it between two characters.
func capped(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
