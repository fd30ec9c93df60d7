package rules

import (
	"context"
	"errors"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sink takes everything.
type sink struct{}

func (sink) AppenderV2(context.Context) storage.AppenderV2 { return sink{} }
func (sink) Commit() error                                 { return nil }
func (sink) Rollback() error                               { return nil }
func (sink) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AppendV2Options) (storage.SeriesRef, error) {
	return 1, nil
}

// answers maps expressions to what they give.
type answers map[string]func() (promql.Vector, error)

func (a answers) env() Env {
	return Env{Appendable: sink{}, Query: func(_ context.Context, expr string, _ time.Time) (promql.Vector, error) {
		if f, ok := a[expr]; ok {
			return f()
		}
		return nil, nil
	}}
}

func vec(v ...float64) func() (promql.Vector, error) {
	return func() (promql.Vector, error) {
		var out promql.Vector
		for i, f := range v {
			out = append(out, promql.Sample{F: f, Metric: labels.FromStrings("__name__", "m", "i", string(rune('a'+i)))})
		}
		return out, nil
	}
}

func load(t *testing.T, opt Options, file string) *Group {
	t.Helper()
	opt.Interval = time.Minute
	gs, err := Load("file.yaml", []byte(file), opt)
	require.NoError(t, err)
	require.Len(t, gs, 1)
	return gs[0]
}

var t0 = time.Unix(1_700_000_000, 0).UTC()

func at(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }

func TestPanicsStayInTheirRule(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: Bad, expr: bad}, {alert: Good, expr: good}]}]`)
	a := answers{"bad": func() (promql.Vector, error) { panic("boom") }, "good": vec(1)}
	res := g.Eval(t.Context(), at(0), a.env())
	require.Len(t, res.Failures, 1)
	assert.Equal(t, "Bad", res.Failures[0].Rule)
	assert.ErrorContains(t, res.Failures[0].Err, "boom")
	require.Len(t, res.Changes, 1)
	assert.Equal(t, "Good", res.Changes[0].Rule.Name)
	assert.Equal(t, 2, res.Evaluated)
}

// fragile is a sink that panics, and remembers whether it was let go: a tsdb
// waits for every appender before it drops anything.
type fragile struct {
	sink
	rolledBack *bool
}

func (f fragile) AppenderV2(context.Context) storage.AppenderV2 { return f }
func (f fragile) Rollback() error                               { *f.rolledBack = true; return nil }
func (fragile) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AppendV2Options) (storage.SeriesRef, error) {
	panic("boom")
}

func TestAPanicLeavesNoAppenderOpen(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{record: r, expr: m}]}]`)
	rolledBack := false
	env := answers{"m": vec(1)}.env()
	env.Appendable = fragile{rolledBack: &rolledBack}
	assert.Len(t, g.Eval(t.Context(), at(0), env).Failures, 1)
	assert.True(t, rolledBack)
}

func TestFailedQueryKeepsState(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]`)
	a := answers{"m > 1": vec(2)}
	require.Len(t, g.Eval(t.Context(), at(0), a.env()).Changes, 1)
	a["m > 1"] = func() (promql.Vector, error) { return nil, errors.New("no") }
	res := g.Eval(t.Context(), at(1), a.env())
	assert.Len(t, res.Failures, 1)
	assert.Empty(t, res.Changes)
	a["m > 1"] = vec(3)
	assert.Empty(t, g.Eval(t.Context(), at(2), a.env()).Changes, "it fires on, and nothing new began")
}

func TestNaNNeverFires(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: A, expr: m != 1}]}]`)
	a := answers{"m != 1": vec(math.NaN())}
	assert.Empty(t, g.Eval(t.Context(), at(0), a.env()).Changes)
	a["m != 1"] = vec(2)
	require.Len(t, g.Eval(t.Context(), at(1), a.env()).Changes, 1)
	a["m != 1"] = vec(math.NaN())
	res := g.Eval(t.Context(), at(2), a.env())
	require.Len(t, res.Changes, 1)
	assert.Equal(t, Resolved, res.Changes[0].Alert.State)
	assert.Equal(t, ReasonNoData, res.Changes[0].Reason)
	assert.Equal(t, 2.0, res.Changes[0].Alert.Value, "the last value there was")
}

func TestResolveTellsValueAndReason(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: A, expr: m > 1, labels: {severity: error}}]}]`)
	a := answers{"m > 1": vec(2, 3), "m": vec(2, 3)}
	first := g.Eval(t.Context(), at(0), a.env())
	require.Len(t, first.Changes, 2)
	assert.Equal(t, ReasonMet, first.Changes[0].Reason)
	a["m > 1"], a["m"] = vec(), vec(0.5)
	res := g.Eval(t.Context(), at(3), a.env())
	require.Len(t, res.Changes, 2)
	assert.Equal(t, 0.5, res.Changes[0].Alert.Value)
	assert.Equal(t, ReasonCleared, res.Changes[0].Reason)
	assert.Equal(t, 3.0, res.Changes[1].Alert.Value)
	assert.Equal(t, ReasonNoData, res.Changes[1].Reason)
	for i, c := range res.Changes {
		assert.Equal(t, at(0), c.Alert.FiredAt)
		assert.Equal(t, first.Changes[i].Alert.EpisodeID(), c.Alert.EpisodeID())
		assert.Equal(t, first.Changes[i].Alert.ID(), c.Alert.ID())
	}
	a["m > 1"] = vec(5)
	again := g.Eval(t.Context(), at(4), a.env())
	require.Len(t, again.Changes, 1)
	assert.Equal(t, first.Changes[0].Alert.ID(), again.Changes[0].Alert.ID())
	assert.NotEqual(t, first.Changes[0].Alert.EpisodeID(), again.Changes[0].Alert.EpisodeID())
}

// Only a rule with a minimum can say that there were too few.
func TestARuleEndsThatComparesMoreThanOnce(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: A, expr: m > 1 and n > 0}]}]`)
	a := answers{"m > 1 and n > 0": vec(2), "m": vec(2)}
	require.Len(t, g.Eval(t.Context(), at(0), a.env()).Changes, 1)
	a["m > 1 and n > 0"] = vec()
	res := g.Eval(t.Context(), at(1), a.env())
	require.Len(t, res.Changes, 1)
	assert.Equal(t, ReasonCleared, res.Changes[0].Reason)
}

func TestLimits(t *testing.T) {
	t.Run("of the group ends all alerts, as upstream, and says so", func(t *testing.T) {
		g := load(t, Options{}, `groups: [{name: g, limit: 1, rules: [{alert: A, expr: m}]}]`)
		a := answers{"m": vec(1)}
		require.Len(t, g.Eval(t.Context(), at(0), a.env()).Changes, 1)
		a["m"] = vec(1, 2)
		res := g.Eval(t.Context(), at(1), a.env())
		require.Len(t, res.Failures, 1)
		assert.ErrorContains(t, res.Failures[0].Err, "exceeded limit of 1 with 2 alerts")
		require.Len(t, res.Changes, 1, "the one that had begun ends; the other never began")
		assert.Equal(t, ReasonLimit, res.Changes[0].Reason)
	})
	t.Run("of alerts per rule refuses what is new", func(t *testing.T) {
		g := load(t, Options{AlertsPerRule: 1}, `groups: [{name: g, rules: [{alert: A, expr: m}]}]`)
		a := answers{"m": vec(1)}
		require.Len(t, g.Eval(t.Context(), at(0), a.env()).Changes, 1)
		a["m"] = vec(1, 2)
		res := g.Eval(t.Context(), at(1), a.env())
		assert.Empty(t, res.Changes)
		assert.Empty(t, res.Failures)
		assert.Equal(t, 1, res.Refused)
	})
	t.Run("of alerts per rule has room for what takes the place of what ends", func(t *testing.T) {
		g := load(t, Options{AlertsPerRule: 1}, `groups: [{name: g, rules: [{alert: A, expr: m}]}]`)
		one := func(i string) func() (promql.Vector, error) {
			return func() (promql.Vector, error) { return promql.Vector{{F: 1, Metric: labels.FromStrings("i", i)}}, nil }
		}
		require.Len(t, g.Eval(t.Context(), at(0), answers{"m": one("a")}.env()).Changes, 1)
		res := g.Eval(t.Context(), at(1), answers{"m": one("b")}.env())
		assert.Len(t, res.Changes, 2, "one ends, one begins")
		assert.Zero(t, res.Refused)
	})
}

func TestBadFilesAreReportedTogether(t *testing.T) {
	_, err := Load("bad.yaml", []byte(`
groups:
- name: one
  rules:
  - {alert: Fine, expr: up == 0}
  - {alert: NoFunc, expr: nofunc(up)}
  - {record: r, expr: up, for: 1m}
- name: two
  rules:
  - {alert: Template, expr: up, annotations: {s: '{{ nofunc }}'}}
`), Options{})
	require.Error(t, err)
	for _, want := range []string{
		`bad.yaml: 6:`, `group "one", rule 2, "NoFunc"`, `unknown function with name "nofunc"`, `group "one", rule 3, "r"`, `group "two", rule 1, "Template"`,
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestGroupsThatRecordComeFirst(t *testing.T) {
	gs, err := Load("f", []byte(`
groups:
- {name: alerts, rules: [{alert: A, expr: kpi > 1}]}
- {name: other, rules: [{alert: B, expr: x}]}
- {name: kpis, rules: [{record: kpi, expr: base * 2}]}
- {name: bases, rules: [{record: base, expr: raw + kpi}]}
`), Options{})
	require.NoError(t, err)
	var names []string
	for _, g := range InOrder(gs) {
		names = append(names, g.Name)
	}
	assert.Equal(t, []string{"bases", "kpis", "alerts", "other"}, names)
}

func TestReachOfComputedDurations(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{record: r, expr: 'rate(a[1h * 2] offset (30m + 30m))'}]}]`)
	for range 2 { // looking changes nothing
		assert.InDelta(t, (3 * time.Hour).Seconds(), g.Reach(t0, 5*time.Minute).Seconds(), 1)
	}
}

func TestReachAndSelectors(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, query_offset: 1m, rules: [
		{alert: A, expr: 'rate(a[10m] offset 20m) > 1', annotations: {s: '{{ with printf "b{i=%q}" $labels.i | query }}{{ end }}{{ query "sum(c{x=\"y\"})" }}'}},
		{alert: B, expr: 'max_over_time(d{k="v"}[1h:1m] offset 1h)'}]}]`)
	assert.InDelta(t, (2*time.Hour + 5*time.Minute + time.Minute).Seconds(), g.Reach(t0, 5*time.Minute).Seconds(), 1)
	var got []string
	for _, ms := range g.Selectors() {
		text := ""
		for _, m := range ms {
			text += m.String() + " "
		}
		got = append(got, text)
	}
	assert.ElementsMatch(t, []string{`__name__="a" `, `k="v" __name__="d" `, `__name__="b" `, `__name__="c" `}, got)
}

// Every function and every shape of input gives what upstream's expander gives.
func TestTemplatesAsUpstream(t *testing.T) {
	names := &features{}
	template.RegisterFeatures(names)
	x := newExpander("R", Options{ExternalLabels: map[string]string{"dc": "x"}, ExternalURL: &url.URL{Scheme: "https", Host: "prometheus", Path: "/web"}})
	own := x.funcs()
	for _, n := range names.list {
		assert.Contains(t, own, n)
	}
	assert.Len(t, own, len(names.list))

	texts := []string{
		`{{ $value }} {{ .Value }} {{ $labels.i }} {{ $labels.none }} {{ $externalLabels.dc }} {{ .ExternalURL }} {{ $labels }}`,
		`{{ range query "q" | sortByLabel "i" }}{{ .Labels.i }}={{ .Value }},{{ end }} {{ query "q" | first | value }} {{ query "q" | first | label "i" }} {{ (query "q" | first) | strvalue }}`,
		`{{ first (query "none") }}`, `{{ query "err" }}`, `{{ nil | humanize }}`, `{{ .Nope }}`, `{{ index $labels 3 }}`,
		`{{ reReplaceAll "a(.)" "b$1" "axay" }}{{ if match "^a" "abc" }}yes{{ end }}`, `{{ match "(" "abc" }}`,
		`{{ title "some words" }} {{ toUpper "a" }} {{ toLower "B" }} {{ safeHtml "<b>" }} {{ graphLink "up" }} {{ tableLink "up == 0" }}`,
		`{{ stripPort "a.b:80" }} {{ stripPort "a" }} {{ stripDomain "a.b.c:80" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "[::1]:80" }} {{ stripDomain "a.b" }} {{ stripDomain "1.2.3.4" }}`,
		`{{ now }} {{ pathPrefix }} {{ externalURL }} {{ parseDuration "1h30m" }} {{ parseDuration "-5m" }} {{ urlQueryEscape "a b&c" }}`, `{{ parseDuration "x" }}`,
		`{{ (toTime $value).Year }} {{ (toDuration $value) }} {{ define "x" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template "x" (args 1 "b") }}`,
		`{{ 1 | humanizeTimestamp }} {{ 1e30 | toTime }}`,
	}
	for _, f := range []string{"humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp"} {
		for _, v := range []string{"0", "1", "-1", "0.5", "999", "1000", "1023.9", "1024", "-123456", "1e9", "1e30", "0.001", "1e-9", "-1e-30", `"12.5"`, `"x"`, "61", "86400.5"} {
			texts = append(texts, `{{ `+f+` `+v+` }}`)
		}
	}
	q := func(_ context.Context, expr string, _ time.Time) (promql.Vector, error) {
		switch expr {
		case "q":
			v, err := vec(3, 1, 2)()
			v[0].Metric = labels.FromStrings("i", "z", "__value__", "sv")
			return v, err
		case "err":
			return nil, errors.New("no")
		}
		return nil, nil
	}
	for _, v := range []float64{3, 1234.5, math.Inf(1), -0.25} {
		s := promql.Sample{F: v, Metric: labels.FromStrings("i", "a")}
		for _, text := range texts {
			data := template.AlertTemplateData(s.Metric.Map(), map[string]string{"dc": "x"}, x.url.String(), s)
			want, err := template.NewTemplateExpander(t.Context(), templateDefs+text, "__alert_R", data, model.TimeFromUnixNano(at(1).UnixNano()), q, x.url, nil).Expand()
			if err != nil {
				want = "<error expanding template: " + err.Error() + ">"
			}
			parsed, err := x.parse("annotation", map[string]string{"s": text})
			require.NoError(t, err, text)
			x.begin(t.Context(), evaluation{at: at(1), query: q})
			element := expansion{x: x, s: s}
			got := element.expand(parsed[0])
			// What a function says of a bad argument is its own business.
			want, _, failed := strings.Cut(want, "error calling toTime")
			if failed {
				got, _, _ = strings.Cut(got, "error calling toTime")
			}
			assert.Equal(t, want, got, text)
		}
	}
}

type features struct{ list []string }

func (f *features) Enable(_, name string)           { f.list = append(f.list, name) }
func (f *features) Disable(string, string)          {}
func (f *features) Set(string, string, bool)        {}
func (f *features) Get() map[string]map[string]bool { return nil }
