package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// malformed says what is wrong with a rule file that does not decode: an unknown
// key, or a value of the wrong type, ends upstream's parser with the line alone,
// and hides what else is wrong. Here each rule is decoded by itself. With known,
// unknown keys are errors.
func malformed(content []byte, known bool, p parser.Parser) (errs []error) {
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return []error{err}
	}
	if len(root.Content) == 0 {
		return nil
	}
	budget := maxNodes
	doc := withoutAliases(root.Content[0], &budget)
	if budget < 0 {
		return nil
	}
	errs = append(errs, decodes[struct {
		Groups []yaml.Node `yaml:"groups"`
	}](doc, "", "", "groups", known)...)
	seen := map[string]bool{}
	for _, group := range itemsOf(valueOf(doc, "groups")) {
		name := textOf(group, "name")
		path := fmt.Sprintf("group %q", name)
		if seen[name] {
			errs = append(errs, placed(group, fmt.Errorf("%s: the name is repeated in the same file", path)))
		}
		seen[name] = true
		rules := valueOf(group, "rules")
		errs = append(errs, decodes[rulefmt.RuleGroup](group, "rules", path+": ", "name, interval, query_offset, limit, labels, rules", known)...)
		for i, r := range itemsOf(rules) {
			path := fmt.Sprintf("group %q, rule %d, %q: ", name, i+1, textOf(r, "alert")+textOf(r, "record"))
			found := decodes[rulefmt.Rule](r, "", path, "alert, record, expr, for, keep_firing_for, labels, annotations", known)
			if len(found) == 0 {
				found = validates(r, path, known, p)
			}
			errs = append(errs, found...)
		}
	}
	return errs
}

// maxNodes bounds a file whose aliases stand for ever more of itself.
const maxNodes = 100_000

// withoutAliases puts in place what aliases stand for, so that each part can be
// read alone. A negative budget says that there was too much of it.
func withoutAliases(n *yaml.Node, budget *int) *yaml.Node {
	if *budget--; *budget < 0 {
		return n
	}
	if n.Kind == yaml.AliasNode {
		return withoutAliases(n.Alias, budget)
	}
	plain := *n
	plain.Anchor, plain.Content = "", make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		plain.Content[i] = withoutAliases(c, budget)
	}
	return &plain
}

// decodes tells why a mapping is no T. The value of the key without is left out.
func decodes[T any](n *yaml.Node, without, path, keys string, known bool) (errs []error) {
	if n.Kind != yaml.MappingNode {
		return []error{placed(n, fmt.Errorf("%smust be a mapping with the keys %s", path, keys))}
	}
	part := *n
	part.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if without == "" || n.Content[i].Value != without {
			part.Content = append(part.Content, n.Content[i], n.Content[i+1])
		}
	}
	text, err := yaml.Marshal(&part)
	if err != nil {
		return []error{placed(n, fmt.Errorf("%s%w", path, err))}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(known)
	var v T
	err = d.Decode(&v)
	var several *yaml.TypeError
	switch {
	case err == nil || errors.Is(err, io.EOF):
	case errors.As(err, &several):
		for _, text := range several.Errors {
			errs = append(errs, placed(n, errors.New(path+readable(text, keys))))
		}
	default:
		errs = append(errs, placed(n, errors.New(path+readable(err.Error(), keys))))
	}
	return errs
}

var (
	linePrefix = regexp.MustCompile(`^(yaml: )?(unmarshal errors:\s+)?line \d+: `)
	unknownKey = regexp.MustCompile(`^field (.*) not found in type .*$`)
	scalarType = regexp.MustCompile("cannot unmarshal !!(\\w+) `(.*)` into .*")
	otherType  = regexp.MustCompile(`cannot unmarshal !!(\w+) into .*`)
)

// readable takes the words of the decoder's own types out of its errors.
func readable(text, keys string) string {
	text = linePrefix.ReplaceAllString(text, "")
	text = unknownKey.ReplaceAllString(text, `unknown key "$1", allowed are `+keys)
	text = scalarType.ReplaceAllString(text, `"$2" ($1) has the wrong type`)
	return otherType.ReplaceAllString(text, `a value ($1) has the wrong type`)
}

// validates runs upstream's own checks on one rule.
func validates(n *yaml.Node, path string, known bool, p parser.Parser) (errs []error) {
	var alone struct {
		Groups [1]struct {
			Name  string       `yaml:"name"`
			Rules []*yaml.Node `yaml:"rules"`
		} `yaml:"groups"`
	}
	alone.Groups[0].Name, alone.Groups[0].Rules = "alone", []*yaml.Node{n}
	text, err := yaml.Marshal(alone)
	if err != nil {
		return []error{placed(n, fmt.Errorf("%s%w", path, err))}
	}
	_, found := rulefmt.Parse(text, !known, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	for _, err := range found {
		var of *rulefmt.Error
		if errors.As(err, &of) {
			err = of.Err.Unwrap()
		}
		errs = append(errs, placed(n, fmt.Errorf("%s%w", path, err)))
	}
	return errs
}

func placed(n *yaml.Node, err error) error { return fmt.Errorf("%d:%d: %w", n.Line, n.Column, err) }

// valueOf is the value of a mapping's key; nil = it has none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func itemsOf(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func textOf(n *yaml.Node, key string) string {
	v := valueOf(n, key)
	if v == nil || v.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(v.Value)
}
