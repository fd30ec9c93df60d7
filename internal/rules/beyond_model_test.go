package rules_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// groupModel is one group of a rule as the README tells it, for one value a minute.
type groupModel struct {
	rule  rules.Threshold
	state string // "", pending, firing
	since int    // of pending, in minutes
	kept  int    // since when it fires on though it holds no longer; -1 = it holds
	seen  bool
}

// step takes the minute's value (missing without one) and returns the changes of
// state.
func (m *groupModel) step(minute int, v float64, missing bool) (changes []string) {
	m.seen = m.seen || !missing
	if missing && m.rule.NoData == rules.NoDataKeepLast && m.state != "" && !m.holds(v, missing) {
		return nil
	}
	minutes := func(d time.Duration) int { return int(d / time.Minute) }
	if m.holds(v, missing) {
		m.kept = -1
		if m.state == "" {
			m.state, m.since = "pending", minute
			if m.rule.For > 0 {
				changes = append(changes, "pending")
			}
		}
		if m.state == "pending" && minute-m.since >= minutes(m.rule.For) {
			m.state = "firing"
			changes = append(changes, "firing")
		}
		return changes
	}
	if m.state == "firing" && m.rule.KeepFiringFor > 0 {
		if m.kept < 0 {
			m.kept = minute
		}
		if minute-m.kept < minutes(m.rule.KeepFiringFor) {
			return nil
		}
	}
	if m.state == "firing" {
		changes = append(changes, "resolved")
	}
	m.state, m.kept = "", -1
	return changes
}

func (m *groupModel) holds(v float64, missing bool) bool {
	switch {
	case missing:
		return m.rule.NoData == rules.NoDataAlert && m.seen
	case v > m.rule.Threshold:
		return true
	}
	return m.state == "firing" && m.rule.RecoverAt != nil && v > *m.rule.RecoverAt
}

// Whatever the values: the engine and the few lines above agree.
func TestBeyondPrometheusAsItIsDescribed(t *testing.T) {
	schedules := uint64(400)
	if testing.Short() {
		schedules = 50
	}
	seen := map[string]int{}
	for seed := range schedules {
		r := rand.New(rand.NewPCG(seed, 0))
		th := by(above())
		th.NoData = rules.NoData(r.IntN(3))
		if r.IntN(3) > 0 {
			th.RecoverAt = ptr(float64(5 + r.IntN(6)))
		}
		th.For = time.Duration(r.IntN(3)) * time.Minute
		th.KeepFiringFor = time.Duration(r.IntN(3)) * time.Minute
		groups := []string{"a", "b"}
		series, models := map[string]string{}, map[string]*groupModel{}
		for _, g := range groups {
			models[g] = &groupModel{rule: th, kept: -1}
		}
		var want []string
		for minute := range 40 {
			for _, g := range groups {
				v, missing := float64(r.IntN(14)), r.IntN(6) == 0
				text := fmt.Sprint(v)
				if missing {
					text = "_"
				}
				series[g] += " " + text
				for _, c := range models[g].step(minute, v, missing) {
					want = append(want, fmt.Sprintf("%d %s %s", minute, g, c))
					seen[c+th.NoData.String()]++
				}
			}
		}
		got := slices.DeleteFunc(timeline(t, th, rules.Options{}, series), func(s string) bool { return strings.Contains(s, "NO DATA") })
		for i, s := range got {
			got[i] = strings.Join(strings.Fields(s)[:3], " ")
		}
		require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), "schedule %d: %+v\na: %s\nb: %s", seed, th, series["a"], series["b"])
	}
	require.Len(t, seen, 9, "each change, with each way to treat missing data: %v", seen)
}
