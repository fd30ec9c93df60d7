package rules

import "text/template/parse"

// need is what the result of a template depends on beside the element's labels.
type need int

const (
	needNothing need = iota
	needValue        // the element's value
	needAll          // the time, or other series
)

// needOf finds out what a template looks at. It errs on the side of more: what
// is not plainly a label counts as the value.
func (t text) needOf() need {
	if t.tmpl == nil {
		return needNothing
	}
	n := needNothing
	for _, one := range t.tmpl.Templates() {
		if one.Tree == nil {
			continue
		}
		root := one.Root
		if one.Name() == t.tmpl.Name() {
			// Without the definitions of the variables, of which one is the value's.
			root = &parse.ListNode{NodeType: parse.NodeList, Nodes: root.Nodes[min(templateVars, len(root.Nodes)):]}
		}
		inspectTemplate(root, func(node parse.Node) { n = max(n, needOfNode(node)) })
	}
	return n
}

func needOfNode(node parse.Node) need {
	switch node := node.(type) {
	case *parse.IdentifierNode:
		if node.Ident == "query" || node.Ident == "now" {
			return needAll
		}
	case *parse.FieldNode:
		switch node.Ident[0] {
		case "Labels", "ExternalLabels", "ExternalURL":
		default:
			return needValue
		}
	case *parse.VariableNode:
		if node.Ident[0] == "$value" || node.Ident[0] == "$" {
			return needValue
		}
	case *parse.DotNode:
		return needValue
	}
	return needNothing
}

// needOfAll is the most that any of several texts depends on.
func needOfAll(texts []text) need {
	n := needNothing
	for _, t := range texts {
		n = max(n, t.need)
	}
	return n
}

// inspectTemplate calls visit for a template's node and all below it.
func inspectTemplate(n parse.Node, visit func(parse.Node)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, c := range l.Nodes {
				inspectTemplate(c, visit)
			}
		}
	}
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			for _, c := range p.Cmds {
				for _, a := range c.Args {
					inspectTemplate(a, visit)
				}
			}
		}
	}
	branch := func(b *parse.BranchNode) {
		pipe(b.Pipe)
		list(b.List)
		list(b.ElseList)
	}
	visit(n)
	switch n := n.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.PipeNode:
		pipe(n)
	case *parse.ChainNode:
		inspectTemplate(n.Node, visit)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}
