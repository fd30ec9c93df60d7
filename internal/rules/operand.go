package rules

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Op is a comparison.
type Op int

const (
	OpUnset Op = iota
	OpGT
	OpGTE
	OpLT
	OpLTE
	OpEQ
	OpNEQ
)

const opsAllowed = "gt, gte, lt, lte, eq, neq"

// table of names and PromQL tokens, by Op.
func (o Op) row() (name string, token parser.ItemType) {
	switch o {
	case OpGT:
		return "gt", parser.GTR
	case OpGTE:
		return "gte", parser.GTE
	case OpLT:
		return "lt", parser.LSS
	case OpLTE:
		return "lte", parser.LTE
	case OpEQ:
		return "eq", parser.EQLC
	case OpNEQ:
		return "neq", parser.NEQ
	}
	return "", 0
}

func (o Op) String() string {
	name, _ := o.row()
	return name
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Op) UnmarshalText(text []byte) error {
	for op := OpGT; op <= OpNEQ; op++ {
		if op.String() == string(text) {
			*o = op
			return nil
		}
	}
	return fmt.Errorf("%q is no comparison, allowed are %s", text, opsAllowed)
}

func opOf(token parser.ItemType) Op {
	for op := OpGT; op <= OpNEQ; op++ {
		if _, t := op.row(); t == token {
			return op
		}
	}
	return OpUnset
}

// Operand is what a rule compares with what: the leftmost `expr op literal` of
// its expression.
type Operand struct {
	Known     bool
	Left      string // the expression that is compared
	Metric    string // the name of the first series that it selects; may be empty
	Op        Op
	Threshold float64
}

// operandOf looks through and, or, unless, from left to right. It does not look
// into functions and sums: there the compared value is not the alert's.
func operandOf(e parser.Expr) Operand {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return operandOf(n.Expr)
	case *parser.BinaryExpr:
		if n.Op.IsSetOperator() {
			if o := operandOf(n.LHS); o.Known {
				return o
			}
			return operandOf(n.RHS)
		}
		op := opOf(n.Op)
		if op == OpUnset {
			return Operand{}
		}
		if v, ok := literal(n.RHS); ok {
			return Operand{Known: true, Left: n.LHS.String(), Metric: metricOf(n.LHS), Op: op, Threshold: v}
		}
		if v, ok := literal(n.LHS); ok {
			return Operand{Known: true, Left: n.RHS.String(), Metric: metricOf(n.RHS), Op: op.mirrored(), Threshold: v}
		}
	}
	return Operand{}
}

// holds compares a value with the threshold.
func (o Operand) holds(v float64) bool {
	switch o.Op {
	case OpGT:
		return v > o.Threshold
	case OpGTE:
		return v >= o.Threshold
	case OpLT:
		return v < o.Threshold
	case OpLTE:
		return v <= o.Threshold
	case OpEQ:
		return v == o.Threshold
	case OpNEQ:
		return v != o.Threshold
	}
	return false
}

// mirrored is the comparison with its sides exchanged: 5 < x is x > 5.
func (o Op) mirrored() Op {
	switch o {
	case OpGT:
		return OpLT
	case OpGTE:
		return OpLTE
	case OpLT:
		return OpGT
	case OpLTE:
		return OpGTE
	}
	return o
}

func literal(e parser.Expr) (float64, bool) {
	switch n := e.(type) {
	case *parser.ParenExpr:
		return literal(n.Expr)
	case *parser.NumberLiteral:
		return n.Val, true
	case *parser.UnaryExpr:
		v, ok := literal(n.Expr)
		if n.Op == parser.SUB {
			v = -v
		}
		return v, ok
	}
	return 0, false
}

func metricOf(e parser.Expr) string {
	name := ""
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		vs, ok := n.(*parser.VectorSelector)
		if !ok || name != "" {
			return nil
		}
		for _, m := range vs.LabelMatchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				name = strings.Clone(m.Value)
			}
		}
		return nil
	})
	return name
}
