package rules

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// reborn writes a group's state and reads it into the groups of a rule file, as a
// restart does.
func reborn(t *testing.T, g *Group, file string, rec Recovery) (*Group, Resumed) {
	t.Helper()
	s := g.State()
	r := record.NewReader(s.Append(nil))
	back := ReadGroupState(r)
	require.NoError(t, r.Err())
	next := load(t, Options{}, file)
	return next, Resume([]*Group{next}, []GroupState{back}, rec)
}

const plainRule = `groups: [{name: g, rules: [{alert: A, expr: m > 1, for: 2m, labels: {severity: error}, annotations: {s: "{{ $value }}"}}]}]`

func changesOf(res Result) []string {
	var all []string
	for _, c := range res.Changes {
		all = append(all, c.Alert.State.String()+" "+c.Reason)
	}
	return all
}

func TestAFiringAlertGoesOnAfterARestart(t *testing.T) {
	g := load(t, Options{}, plainRule)
	a := answers{"m > 1": vec(2, 3), "m": vec(2, 3)}
	for i := range 3 {
		g.Eval(t.Context(), at(i), a.env())
	}
	var before []Alert
	g.Alerts(func(_ Rule, a Alert) { before = append(before, a) })
	require.Len(t, before, 2)
	for i := range before {
		before[i].series = alertSeries{} // is made again when it is needed
	}
	fp := g.Fingerprint()

	rec := Recovery{At: at(3), Blind: time.Minute, Patience: 5 * time.Minute}
	next, res := reborn(t, g, plainRule, rec)
	assert.Equal(t, 2, res.Alerts)
	assert.Empty(t, res.Ended)
	assert.Equal(t, fp, next.Fingerprint())
	var after []Alert
	next.Alerts(func(_ Rule, a Alert) { after = append(after, a) })
	for i := range after {
		after[i].unconfirmed = false
	}
	assert.ElementsMatch(t, before, after)

	nothing := answers{"m > 1": vec(), "m": vec()}
	for i := 3; i < 8; i++ {
		assert.Empty(t, changesOf(next.Eval(t.Context(), at(i), nothing.env())), "no data proves nothing yet")
	}
	assert.Equal(t, []string{"resolved no_data", "resolved no_data"}, changesOf(next.Eval(t.Context(), at(8), nothing.env())))

	next, _ = reborn(t, g, plainRule, rec)
	one := answers{"m > 1": vec(), "m": vec(1)}
	assert.Equal(t, []string{"resolved condition_cleared"}, changesOf(next.Eval(t.Context(), at(3), one.env())), "what has data is known at once")
	assert.Equal(t, []string{"pending condition_met"}, changesOf(next.Eval(t.Context(), at(4), a.env())), "the other went on, and the first one begins anew")
}

func TestTimeInWhichNobodyLookedDoesNotCountForFor(t *testing.T) {
	g := load(t, Options{}, plainRule)
	a := answers{"m > 1": vec(2), "m": vec(2)}
	g.Eval(t.Context(), at(0), a.env())
	g.Eval(t.Context(), at(1), a.env())
	next, _ := reborn(t, g, plainRule, Recovery{At: at(30), Blind: 29 * time.Minute, Patience: 5 * time.Minute})
	nothing := answers{}
	assert.Empty(t, changesOf(next.Eval(t.Context(), at(31), nothing.env())), "pending, and neither dropped nor fired")
	// at(2) is what was missed: at(32) stands in its place.
	assert.Equal(t, []string{"firing condition_met"}, changesOf(next.Eval(t.Context(), at(32), a.env())))

	prompt, _ := reborn(t, g, plainRule, Recovery{At: at(2), Patience: 5 * time.Minute})
	assert.Equal(t, []string{"firing condition_met"}, changesOf(prompt.Eval(t.Context(), at(2), a.env())), "no evaluation was missed")
}

// A rule over an hour knows nothing a minute after its samples were lost.
func TestAnEmptyWindowProvesNothing(t *testing.T) {
	const file = `groups: [
  {name: kpi, rules: [{record: kpi, expr: "increase(m[1h])"}]},
  {name: g, rules: [{alert: A, expr: kpi > 5}, {alert: B, expr: "increase(m[10m]) > 5"}]}]`
	gs, err := Load("f", []byte(file), Options{Interval: time.Minute})
	require.NoError(t, err)
	a := answers{"kpi > 5": vec(9), "increase(m[10m]) > 5": vec(9), "kpi": vec(1), "increase(m[10m])": vec(1)}
	gs[1].Eval(t.Context(), at(0), a.env())
	a["kpi > 5"], a["increase(m[10m]) > 5"] = vec(), vec()
	run := func(rec Recovery) (ends [2]int) {
		next, err := Load("f", []byte(file), Options{Interval: time.Minute})
		require.NoError(t, err)
		Resume(next, []GroupState{gs[1].State()}, rec)
		for i := 1; i < 100; i++ {
			for _, c := range next[1].Eval(t.Context(), at(i), a.env()).Changes {
				ends[c.Rule.Name[0]-'A'] = i
			}
		}
		return ends
	}
	assert.Equal(t, [2]int{61, 11}, run(Recovery{At: at(1), Blind: time.Minute, Patience: 5 * time.Minute}), "through what is recorded too")
	assert.Equal(t, [2]int{1, 1}, run(Recovery{At: at(1), Blind: time.Minute, Samples: true, Patience: 5 * time.Minute}))
	assert.Equal(t, [2]int{1, 12}, run(Recovery{At: at(2), Blind: 2 * time.Minute, Samples: true, Patience: 5 * time.Minute}), "more than a tenth of the window is missing")
}

func TestAFailingLeftSideKeepsState(t *testing.T) {
	g := load(t, Options{}, `groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]`)
	a := answers{"m > 1": vec(2)}
	g.Eval(t.Context(), at(0), a.env())
	next, _ := reborn(t, g, `groups: [{name: g, rules: [{alert: A, expr: m > 1}]}]`, Recovery{At: at(1), Patience: time.Minute})
	bad := answers{"m > 1": vec(), "m": func() (promql.Vector, error) { return nil, errors.New("no") }}
	res := next.Eval(t.Context(), at(1), bad.env())
	assert.Len(t, res.Failures, 1)
	assert.Empty(t, res.Changes)
	assert.Equal(t, g.Fingerprint(), next.Fingerprint())
}

func TestChangedAndRemovedRules(t *testing.T) {
	const before = `groups:
- name: g
  rules:
  - {alert: Same, expr: m > 1}
  - {alert: Reworded, expr: m > 1, annotations: {s: old}}
  - {alert: Stricter, expr: m > 1}
  - {alert: Relabelled, expr: m > 1, labels: {severity: info}}
  - {alert: Removed, expr: m > 1}
  - {alert: Waiting, expr: m > 1, for: 1h}
`
	const after = `groups:
- name: g
  rules:
  - {alert: Relabelled, expr: m > 1, labels: {severity: error}}
  - {alert: Stricter, expr: m > 2}
  - {alert: Reworded, expr: m > 1, annotations: {s: new}}
  - {alert: Same, expr: m > 1}
`
	g := load(t, Options{}, before)
	a := answers{"m > 1": vec(2), "m > 2": vec(), "m": vec(2)}
	g.Eval(t.Context(), at(0), a.env())
	next, res := reborn(t, g, after, Recovery{At: at(1), Samples: true})
	ends := func(cs []Change) (all []string) {
		for _, c := range cs {
			all = append(all, c.Rule.Name+" "+c.Alert.State.String()+" "+c.Reason)
		}
		return all
	}
	assert.ElementsMatch(t, []string{"Relabelled resolved rule_removed", "Removed resolved rule_removed"}, ends(res.Ended), "a pending alert has nothing to end")
	for _, c := range res.Ended {
		assert.Equal(t, at(0), c.Alert.FiredAt)
		assert.Equal(t, Operand{Known: true, Left: "m", Metric: "m", Op: OpGT, Threshold: 1}, c.Rule.Operand)
	}
	got := next.Eval(t.Context(), at(1), a.env())
	assert.ElementsMatch(t, []string{"Stricter resolved rule_changed", "Relabelled firing condition_met"}, ends(got.Changes))
	for _, c := range got.Changes {
		if c.Rule.Name == "Stricter" {
			assert.Equal(t, at(0), c.Alert.FiredAt, "of the same episode")
		}
	}
	next.Alerts(func(r Rule, a Alert) {
		if r.Name == "Reworded" {
			assert.Equal(t, "new", a.Annotations.Get("s"))
			assert.Equal(t, at(0), a.FiredAt)
		}
	})

	gone := Resume(nil, []GroupState{g.State()}, Recovery{At: at(1)})
	assert.Len(t, gone.Ended, 5, "the whole group")
	assert.Len(t, gone.Stale, 12, "ALERTS and ALERTS_FOR_STATE of each")
}

func TestWhatIsReadIsNeverTrusted(t *testing.T) {
	g := load(t, Options{}, plainRule)
	a := answers{"m > 1": vec(2, 3)}
	g.Eval(t.Context(), at(0), a.env())
	s := g.State()
	whole := s.Append(nil)
	for cut := range whole {
		r := record.NewReader(whole[:cut])
		ReadGroupState(r)
		require.Error(t, r.Err(), "%d of %d bytes", cut, len(whole))
	}
}

func FuzzReadGroupState(f *testing.F) {
	s := GroupState{File: "f", Name: "g", Rules: []RuleState{{Info: Rule{Name: "A"}, Alerts: []Alert{{State: Firing, Labels: labels.FromStrings("a", "b"), ActiveAt: t0}}}}}
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := record.NewReader(b)
		back := ReadGroupState(r)
		if r.Err() == nil {
			again := record.NewReader(back.Append(nil))
			ReadGroupState(again)
			require.NoError(t, again.Err())
		}
	})
}
