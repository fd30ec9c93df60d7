package rules

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNeedOfTemplates(t *testing.T) {
	x := newExpander("R", Options{})
	for text, want := range map[string]need{
		"plain": needNothing,
		"{{ $labels.a }} {{ .Labels.b }} {{ index $labels \"c\" | toUpper }} {{ $externalURL }} {{ .ExternalLabels.dc }}": needNothing,
		"{{ range $k, $v := $labels }}{{ $k }}{{ end }}":                                                                  needNothing,
		"{{ $value }}":            needValue,
		"{{ .Value | humanize }}": needValue,
		"{{ if $labels.a }}{{ else }}{{ $value }}{{ end }}":         needValue,
		"{{ with $labels.a }}{{ . }}{{ end }}":                      needValue, // errs on the side of more
		"{{ $ }}":                                                   needValue,
		`{{ define "x" }}{{ .Value }}{{ end }}{{ template "x" . }}`: needValue,
		`{{ define "x" }}{{ . }}{{ end }}{{ template "x" $value }}`: needValue,
		"{{ now }}":                         needAll,
		"{{ (query \"a\" | first).Value }}": needAll,
		`{{ define "x" }}{{ now }}{{ end }}{{ template "x" }}`:                 needAll,
		"{{ range query \"a\" }}{{ end }}":                                     needAll,
		"{{ if gt $value 1.0 }}{{ end }}{{ printf \"%s\" (query $labels.q) }}": needAll,
	} {
		parsed, err := x.parse("annotation", map[string]string{"s": text})
		require.NoError(t, err, text)
		assert.Equal(t, want, parsed[0].need, text)
	}
}

// What is remembered of an element is what would be made of it anew, whatever
// changes from one evaluation to the next.
func TestRememberedTextsAreAsMadeAnew(t *testing.T) {
	const file = `groups: [{name: g, rules: [{alert: A, expr: x, labels: {v: '{{ if gt $value 2.0 }}high{{ end }}', i: '{{ $labels.i }}!'},
		annotations: {labels: '{{ $labels.i }} {{ $labels.j }}', value: '{{ $value }}', now: '{{ now }}', other: '{{ query "q" | first | value }}',
		empty: '{{ $labels.none }}', plain: text, whole: '{{ define "x" }}{{ .Value }}{{ end }}{{ template "x" . }}'}}]}]`
	for _, limit := range []int{0, 5} {
		remembers, forgets := load(t, Options{AlertsPerRule: limit}, file), load(t, Options{AlertsPerRule: limit}, file)
		rng := rand.New(rand.NewPCG(1, 2))
		remembered := 0
		for step := range 400 {
			var vec promql.Vector
			for i := range 8 {
				s := promql.Sample{Metric: labels.FromStrings("__name__", "x", "i", string(rune('a'+i))), F: float64(rng.IntN(4))}
				if rng.IntN(10) == 0 {
					s.H = &histogram.FloatHistogram{Count: float64(rng.IntN(3))}
				}
				if rng.IntN(4) > 0 && (limit == 0 || i < limit) {
					vec = append(vec, s)
				}
			}
			other := float64(rng.IntN(3))
			env := Env{Appendable: sink{}, Query: func(_ context.Context, q string, _ time.Time) (promql.Vector, error) {
				if q == "q" {
					return promql.Vector{{F: other}}, nil
				}
				return append(promql.Vector{}, vec...), nil
			}}
			fresh := forgets.rules[0].(*alerting)
			fresh.memory = memory{}
			got, want := remembers.Eval(t.Context(), at(step), env), forgets.Eval(t.Context(), at(step), env)
			require.Empty(t, got.Failures)
			require.Len(t, got.Changes, len(want.Changes))
			active := remembers.rules[0].(*alerting).active
			require.Len(t, active, len(fresh.active))
			for h, a := range fresh.active {
				require.Equal(t, a.Labels.String(), active[h].Labels.String())
				require.Equal(t, a.Annotations.String(), active[h].Annotations.String())
				require.Equal(t, a.State, active[h].State)
				remembered++
			}
			if limit > 0 {
				require.LessOrEqual(t, len(remembers.rules[0].(*alerting).memory.now), limit)
			}
		}
		assert.Positive(t, remembered)
	}
}

// The memory is of the last evaluation only, and what was large once is let go.
func TestMemoryForgets(t *testing.T) {
	var m memory
	m.turn()
	for i := range 1000 {
		_, isNew := m.take(promql.Sample{Metric: labels.FromStrings("i", string(rune('a'+i)))})
		require.True(t, isNew)
	}
	m.turn()
	_, isNew := m.take(promql.Sample{Metric: labels.FromStrings("i", "a")})
	assert.False(t, isNew)
	m.turn()
	_, isNew = m.take(promql.Sample{Metric: labels.FromStrings("i", "b")})
	assert.True(t, isNew)
	assert.Len(t, m.now, 1)
	assert.Len(t, m.before, 1)
}
