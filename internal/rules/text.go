package rules

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	promtemplate "github.com/prometheus/prometheus/template"
)

// templateDefs are the variables that Prometheus gives every alert template.
const templateDefs = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

// templateVars is the number of nodes that templateDefs makes.
const templateVars = 4

// text is a label or annotation: a literal, or a template parsed once.
type text struct {
	name    string
	literal string
	tmpl    *template.Template
	need    need
}

// expander runs a rule's templates. The functions are bound when a template is
// parsed, so what they need at run time (the context, the time, the query
// function) lies here and is exchanged for every evaluation; a rule is
// evaluated by one goroutine at a time.
type expander struct {
	rule     string
	external map[string]string
	url      *url.URL
	now      model.Time
	query    func(q string) (promql.Vector, error)
}

func newExpander(rule string, opt Options) *expander {
	x := &expander{rule: rule, external: opt.ExternalLabels, url: opt.ExternalURL}
	if x.url == nil {
		x.url = &url.URL{}
	}
	return x
}

// parse parses all values of a rule's map, in the order of its keys.
func (x *expander) parse(what string, m map[string]string) ([]text, error) {
	texts := make([]text, 0, len(m))
	for _, p := range sortedPairs(m) {
		t := text{name: p.Name, literal: p.Value}
		if strings.Contains(p.Value, "{{") {
			var err error
			t.tmpl, err = template.New("__alert_" + x.rule).Funcs(x.funcs()).Option("missingkey=zero").Parse(templateDefs + p.Value)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", what, p.Name, err)
			}
		}
		t.need = t.needOf()
		texts = append(texts, t)
	}
	return texts, nil
}

// expansion is the expander at one element of one evaluation.
type expansion struct {
	x    *expander
	data any
	s    promql.Sample
}

// begin makes the expander ready for an evaluation.
func (x *expander) begin(ctx context.Context, e evaluation) {
	x.now = model.Time(timestamp.FromTime(e.at))
	x.query = func(q string) (promql.Vector, error) { return e.query(ctx, q, x.now.Time()) }
}

// expand returns the text. A template that fails gives its error as text: an
// alert with a broken summary is better than no alert.
func (x *expansion) expand(t text) (out string) {
	if t.tmpl == nil {
		return t.literal
	}
	if x.data == nil {
		x.data = promtemplate.AlertTemplateData(x.s.Metric.Map(), x.x.external, x.x.url.String(), x.s)
	}
	defer func() {
		if p := recover(); p != nil {
			out = fmt.Sprintf("<error expanding template: panic expanding template %v: %v>", t.tmpl.Name(), p)
		}
	}()
	var b strings.Builder
	if err := t.tmpl.Execute(&b, x.data); err != nil {
		return fmt.Sprintf("<error expanding template: error executing template %v: %v>", t.tmpl.Name(), err)
	}
	return b.String()
}

func secondsToTime(v float64) (*time.Time, error) {
	ns := v * 1e9
	if !(ns <= 1<<63-1 && ns >= -1<<63) { // NaN too
		return nil, fmt.Errorf("%v is no time", v)
	}
	t := model.TimeFromUnixNano(int64(ns)).Time().UTC()
	return &t, nil
}
