package ruletest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// checkAlertTests reports expectations of no alert in particular.
func (r *runner) checkAlertTests() error {
	var errs []error
	for _, a := range r.test.AlertRuleTests {
		if a.Alertname != "" {
			continue
		}
		in := ""
		if r.test.Name != "" {
			in = fmt.Sprintf(" (in TestGroup %s)", r.test.Name)
		}
		errs = append(errs, fmt.Errorf("an item under alert_rule_test misses required attribute alertname at eval_time %v%s", a.EvalTime, in))
	}
	return errors.Join(errs...)
}

// alertTests are the expectations of alerts by time.
func (r *runner) alertTests() []alertTest {
	all := slices.Clone(r.test.AlertRuleTests)
	slices.SortStableFunc(all, func(a, b alertTest) int { return int(a.EvalTime - b.EvalTime) })
	return all
}

// checkAlerts compares the firing alerts of one name with those expected.
func (r *runner) checkAlerts(t alertTest) []error {
	var got, want alerts
	for _, g := range r.groups {
		g.Alerts(func(rule rules.Rule, a rules.Alert) {
			if rule.Name == t.Alertname && a.State == rules.Firing {
				got = append(got, alert{a.Labels, a.Annotations})
			}
		})
	}
	for _, e := range t.ExpAlerts {
		ls := maps.Clone(e.ExpLabels)
		if ls == nil {
			ls = map[string]string{}
		}
		ls[labels.AlertName] = t.Alertname // which users leave out
		want = append(want, alert{labels.FromMap(ls), labels.FromMap(e.ExpAnnotations)})
	}
	slices.SortFunc(got, alert.compare)
	slices.SortFunc(want, alert.compare)
	if slices.EqualFunc(want, got, func(a, b alert) bool { return a.compare(b) == 0 }) {
		return nil
	}
	in := ""
	if r.test.Name != "" {
		in = fmt.Sprintf("    name: %s,\n", r.test.Name)
	}
	const margin = "            "
	if r.opt.Diff {
		return []error{fmt.Errorf("%s    alertname: %s, time: %s, \n        diff: %s", in, t.Alertname, t.EvalTime,
			indent(diff(want.lines(), got.lines()), margin))}
	}
	return []error{fmt.Errorf("%s    alertname: %s, time: %s, \n        exp:%s, \n        got:%s", in, t.Alertname, t.EvalTime,
		indent(want.String(), margin), indent(got.String(), margin))}
}

type alert struct{ labels, annotations labels.Labels }

func (a alert) compare(b alert) int {
	if c := labels.Compare(a.labels, b.labels); c != 0 {
		return c
	}
	return labels.Compare(a.annotations, b.annotations)
}

type alerts []alert

// String writes alerts as promtool does.
func (as alerts) String() string {
	if len(as) == 0 {
		return "[]"
	}
	each := make([]string, len(as))
	for i, a := range as {
		each[i] = "\n" + strconv.Itoa(i) + ":" + indent("\nLabels:"+a.labels.String()+"\nAnnotations:"+a.annotations.String(), "  ")
	}
	return "[" + strings.Join(each, ",") + "\n]"
}

// lines writes alerts with a line for each label and annotation.
func (as alerts) lines() []string {
	var out []string
	pairs := func(what string, ls labels.Labels) {
		out = append(out, "  "+what+":")
		ls.Range(func(l labels.Label) { out = append(out, fmt.Sprintf("    %s: %q", l.Name, l.Value)) })
	}
	for i, a := range as {
		out = append(out, strconv.Itoa(i)+":")
		pairs("Labels", a.labels)
		pairs("Annotations", a.annotations)
	}
	return out
}

// indent moves all lines but the first to the right.
func indent(s, by string) string { return strings.ReplaceAll(s, "\n", "\n"+by) }
