package rules

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// parseFile reads a rule file. Upstream stops at the first value that it cannot
// read and names neither group nor rule; then each group and rule is looked at
// by itself, so that one report tells all that is wrong, and where.
func parseFile(content []byte, ignoreUnknown bool, p parser.Parser) (*rulefmt.RuleGroups, []error) {
	parsed, errs := rulefmt.Parse(content, ignoreUnknown, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	if parsed != nil || len(errs) == 0 {
		return parsed, errs
	}
	var doc yaml.Node
	if yaml.Unmarshal(content, &doc) != nil || len(doc.Content) != 1 {
		return nil, errs // no YAML
	}
	pl := placer{ignoreUnknown: ignoreUnknown, parser: p}
	pl.file(doc.Content[0])
	if len(pl.errs) == 0 {
		return nil, errs
	}
	return nil, pl.errs
}

// placer collects what is wrong in a file that does not decode.
type placer struct {
	ignoreUnknown bool
	parser        parser.Parser
	errs          []error
}

func (pl *placer) file(n *yaml.Node) {
	if !pl.fields(n, "", reflect.TypeFor[rulefmt.RuleGroups](), "groups") {
		return
	}
	names := map[string]bool{}
	for _, g := range items(n, "groups") {
		var name string
		if v := field(g, "name"); v != nil {
			name = v.Value
		}
		where := fmt.Sprintf("group %q: ", name)
		if names[name] {
			pl.add(g, where, "the name is repeated in the same file")
		}
		names[name] = true
		if pl.fields(g, where, reflect.TypeFor[rulefmt.RuleGroup](), "rules") {
			for i, r := range items(g, "rules") {
				pl.rule(r, name, i+1)
			}
		}
	}
}

func (pl *placer) rule(n *yaml.Node, group string, number int) {
	var name string
	for _, key := range []string{"record", "alert"} {
		if v := field(n, key); v != nil {
			name = v.Value
		}
	}
	where := fmt.Sprintf("group %q, rule %d, %q: ", group, number, name)
	pl.fields(n, where, reflect.TypeFor[rulefmt.Rule](), "")
	var r rulefmt.Rule
	var nodes rulefmt.RuleNode
	if n.Decode(&r) != nil || n.Decode(&nodes) != nil {
		return // one of its fields was reported
	}
	for _, err := range r.Validate(nodes, model.UTF8Validation, pl.parser) {
		pl.errs = append(pl.errs, &rulefmt.Error{Group: group, Rule: number, RuleName: name, Err: err})
	}
}

// fields checks the fields of a mapping against those of a type; the field list
// is looked at elsewhere and must only be a list. It tells whether the node is a
// mapping.
func (pl *placer) fields(n *yaml.Node, where string, t reflect.Type, list string) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		pl.add(n, where, "must be a mapping with the fields "+strings.Join(fieldNames(t), ", "))
		return false
	}
	known, seen := fieldNames(t), map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			pl.add(key, where, fmt.Sprintf("field %q is there twice", key.Value))
		}
		seen[key.Value] = true
		switch {
		case key.Value == "<<": // a merge: the decoder looks at it
		case !slices.Contains(known, key.Value):
			if !pl.ignoreUnknown {
				pl.add(key, where, fmt.Sprintf("field %q is not known, allowed are %s", key.Value, strings.Join(known, ", ")))
			}
		case key.Value == list:
			if value.Kind != yaml.SequenceNode && value.Kind != yaml.AliasNode && value.Tag != "!!null" {
				pl.add(value, where, list+" must be a list")
			}
		default:
			one := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}}
			if err := one.Decode(reflect.New(t).Interface()); err != nil {
				pl.add(value, where, key.Value+": "+brief(err))
			}
		}
	}
	return true
}

func (pl *placer) add(at *yaml.Node, where, what string) {
	pl.errs = append(pl.errs, fmt.Errorf("%d:%d: %s%s", at.Line, at.Column, where, what))
}

// brief is a decoding error without the place, which is told better.
func brief(err error) string {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return err.Error()
	}
	each := slices.Clone(te.Errors)
	for i, e := range each {
		if _, what, ok := strings.Cut(e, ": "); ok {
			each[i] = what
		}
	}
	return strings.Join(each, "; ")
}

// fieldNames are the names of a struct's fields in YAML.
func fieldNames(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// field finds the value of a mapping's key; nil = there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// items are the elements of a mapping's list.
func items(n *yaml.Node, key string) []*yaml.Node {
	list := field(n, key)
	if list != nil && list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}
