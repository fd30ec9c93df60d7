package rules_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

var begin = time.Unix(1_700_000_040, 0).UTC()

// above is the rule of these tests: m > 10, looked at each minute for that
// minute's sample.
func above() rules.Threshold {
	return rules.Threshold{Name: "R", Metric: "m", Aggregate: rules.AggLast, Window: time.Minute, Op: rules.OpGT, Threshold: 10}
}

func by(th rules.Threshold) rules.Threshold {
	th.GroupBy = []string{"i"}
	return th
}

func ptr(v float64) *float64 { return &v }

// timeline evaluates a rule each minute over series written as promtool writes
// them, `_` for no sample. It tells each change as "minute series what reason value".
func timeline(t *testing.T, th rules.Threshold, opt rules.Options, series map[string]string) []string {
	t.Helper()
	require.NoError(t, th.Validate())
	st, err := store.Open(store.Options{Reach: 2 * time.Hour, Interval: time.Minute, MaxSamples: 1e6})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	opt.Interval = time.Minute
	g, err := rules.Compile("g", "", "rules", []rules.Threshold{th}, opt)
	require.NoError(t, err)
	values := map[string][]string{}
	minutes := 0
	for name, text := range series {
		values[name] = strings.Fields(text)
		minutes = max(minutes, len(values[name]))
	}
	var all []string
	for i := range minutes {
		at := begin.Add(time.Duration(i) * time.Minute)
		app := st.AppenderV2(t.Context())
		for name, vs := range values {
			if i >= len(vs) || vs[i] == "_" {
				continue
			}
			v, err := strconv.ParseFloat(vs[i], 64)
			require.NoError(t, err)
			ls := labels.FromStrings("__name__", "m", "i", name)
			_, err = app.Append(0, ls, 0, at.UnixMilli(), v, nil, nil, storage.AppendV2Options{})
			require.NoError(t, err)
		}
		require.NoError(t, app.Commit())
		res := g.Eval(t.Context(), at, rules.Env{Query: st.Query, Appendable: st})
		require.Empty(t, res.Failures)
		for _, c := range res.Changes {
			what := map[rules.Note]string{rules.NoteNone: c.Alert.State.String(), rules.NoteNoData: "NO DATA", rules.NoteFlapping: "FLAPPING"}[c.Note]
			all = append(all, strings.Join(strings.Fields(fmt.Sprint(i, " ", c.Alert.Labels.Get("i"), " ", what, " ", c.Reason, " ", c.Alert.Value)), " "))
		}
		if res.Refused+res.Unwatched > 0 {
			all = append(all, fmt.Sprintf("%d refused %d unwatched %d", i, res.Refused, res.Unwatched))
		}
	}
	return all
}

func TestRecoverAt(t *testing.T) {
	high, low := above(), above()
	high.RecoverAt = ptr(5)
	low.Op, low.RecoverAt = rules.OpLTE, ptr(15)
	slow := high
	slow.For, slow.KeepFiringFor = time.Minute, 2*time.Minute
	few := high
	few.MinCount = 2
	same := above()
	same.RecoverAt = ptr(10)
	for _, c := range []struct {
		name   string
		rule   rules.Threshold
		values string
		want   []string
	}{
		{"none: as Prometheus", above(), "9 11 10 11 9", []string{"1 firing condition_met 11", "2 resolved condition_cleared 10", "3 firing condition_met 11", "4 resolved condition_cleared 9"}},
		{"equal to the threshold: as without", same, "9 11 10 9", []string{"1 firing condition_met 11", "2 resolved condition_cleared 10"}},
		{"between the two it begins nothing", high, "9 6 10 9", nil},
		{"between the two it ends nothing", high, "11 6 10 12 6 5", []string{"0 firing condition_met 11", "5 resolved condition_cleared 5"}},
		{"below", low, "11 10 14 15 16", []string{"1 firing condition_met 10", "4 resolved condition_cleared 16"}},
		{"a pending alert needs the threshold", slow, "11 9 11 9 11 11 6", []string{
			"0 pending condition_met 11", "2 pending condition_met 11", "4 pending condition_met 11", "5 firing condition_met 11",
		}},
		{"keep_firing_for begins beyond it", slow, "11 11 6 6 6 6 4 4 4", []string{
			"0 pending condition_met 11", "1 firing condition_met 11", "8 resolved condition_cleared 4",
		}},
		{"no data ends it", high, "11 6 _", []string{"0 firing condition_met 11", "2 resolved no_data 6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, timeline(t, c.rule, rules.Options{}, map[string]string{"": c.values}))
		})
	}
	t.Run("min_count holds for both", func(t *testing.T) {
		assert.Equal(t, []string{"1 firing condition_met 11", "3 resolved too_few_samples 11"},
			timeline(t, few, rules.Options{}, map[string]string{"a": "11 11 6 11", "b": "_ 11 8 _"}))
	})
	t.Run("each group for itself", func(t *testing.T) {
		assert.Equal(t, []string{"0 a firing condition_met 11", "1 b firing condition_met 11", "2 a resolved condition_cleared 4", "3 b resolved condition_cleared 5"},
			timeline(t, by(high), rules.Options{}, map[string]string{"a": "11 7 4 7", "b": "7 11 7 5"}))
	})
}

func TestNoData(t *testing.T) {
	ok, alert, keep := above(), above(), above()
	alert.NoData, keep.NoData = rules.NoDataAlert, rules.NoDataKeepLast
	wide := alert
	wide.Window = 3 * time.Minute
	slow := alert
	slow.For = time.Minute
	kept := keep
	kept.For, kept.KeepFiringFor = time.Minute, time.Minute
	for _, c := range []struct {
		name   string
		rule   rules.Threshold
		values string
		want   []string
	}{
		{"ok resolves", ok, "11 _ 11", []string{"0 firing condition_met 11", "1 resolved no_data 11", "2 firing condition_met 11"}},
		{"ok is silent", ok, "_ _ _", nil},
		{"alert fires when it stops", alert, "9 _ _ 9", []string{"1 firing no_data NaN", "1 NO DATA no_data NaN", "3 resolved condition_cleared 9"}},
		{"alert fires when it never came", alert, "_ _ _ 9", []string{"1 firing no_data NaN", "1 NO DATA no_data NaN", "3 resolved condition_cleared 9"}},
		{"but only after a window", wide, "_ _ _ _ 9", []string{"3 firing no_data NaN", "3 NO DATA no_data NaN", "4 resolved condition_cleared 9"}},
		{"one alert, whatever the reason", alert, "11 _ 11 _ 9", []string{
			"0 firing condition_met 11", "1 NO DATA no_data 11", "3 NO DATA no_data 11", "4 resolved condition_cleared 9",
		}},
		{"for counts", slow, "9 _ 9 _ _", []string{
			"1 pending no_data NaN", "1 NO DATA no_data NaN", "3 pending no_data NaN", "3 NO DATA no_data NaN", "4 firing no_data NaN",
		}},
		{"keep_last keeps what fires", keep, "11 _ _ 11 _ 9 _", []string{"0 firing condition_met 11", "1 NO DATA no_data 11", "4 NO DATA no_data 11", "5 resolved condition_cleared 9"}},
		{"and begins nothing", keep, "9 _ _ _", nil},
		{"what is pending stays so", kept, "11 _ _ _ 11", []string{"0 pending condition_met 11", "1 NO DATA no_data 11", "4 firing condition_met 11"}},
		{"time without data is no time to keep firing", kept, "11 11 _ _ _ 9 9", []string{
			"0 pending condition_met 11", "1 firing condition_met 11", "2 NO DATA no_data 11", "6 resolved condition_cleared 9",
		}},
		{"each silence is told, also while it fires only because it is kept", kept, "11 11 _ 9 _ 9 9", []string{
			"0 pending condition_met 11", "1 firing condition_met 11", "2 NO DATA no_data 11", "4 NO DATA no_data 11", "5 resolved condition_cleared 9",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, timeline(t, c.rule, rules.Options{}, map[string]string{"": c.values}))
		})
	}
	t.Run("each group for itself", func(t *testing.T) {
		assert.Equal(t, []string{"1 a firing no_data NaN", "1 a NO DATA no_data NaN", "2 b firing condition_met 12", "3 a resolved condition_cleared 9"},
			timeline(t, by(alert), rules.Options{}, map[string]string{"a": "9 _ _ 9", "b": "9 9 12 12"}))
		assert.Equal(t, []string{"0 a firing condition_met 11", "1 a NO DATA no_data 11", "3 a resolved condition_cleared 9"},
			timeline(t, by(keep), rules.Options{}, map[string]string{"a": "11 _ _ 9", "b": "9 9 9 _"}))
	})
	t.Run("a group that never came is not missed, unless where names it", func(t *testing.T) {
		assert.Empty(t, timeline(t, by(alert), rules.Options{}, map[string]string{"a": "_ _ _"}))
		named := by(alert)
		named.Where = map[string]string{"i": "a"}
		assert.Equal(t, []string{"1 a firing no_data NaN", "1 a NO DATA no_data NaN"}, timeline(t, named, rules.Options{}, map[string]string{"b": "9 9 9"}))
	})
	t.Run("a group that comes no more for a day is gone", func(t *testing.T) {
		day := strings.Repeat(" _", 24*60)
		assert.Equal(t, []string{"1 a firing no_data NaN", "1 a NO DATA no_data NaN", "1440 a resolved gone NaN"},
			timeline(t, by(alert), rules.Options{}, map[string]string{"a": "9" + day, "b": strings.Repeat("9 ", 24*60+1)}))
	})
	t.Run("groups are bounded", func(t *testing.T) {
		got := timeline(t, by(alert), rules.Options{AlertsPerRule: 1}, map[string]string{"a": "9 _", "b": "9 9"})
		require.NotEmpty(t, got)
		assert.Equal(t, "0 refused 1 unwatched 0", got[0])
	})
	t.Run("with recover_at", func(t *testing.T) {
		both := keep
		both.RecoverAt = ptr(5)
		assert.Equal(t, []string{"0 firing condition_met 11", "2 NO DATA no_data 7", "4 resolved condition_cleared 4"},
			timeline(t, both, rules.Options{}, map[string]string{"": "11 7 _ 7 4"}))
	})
}

func TestFlapping(t *testing.T) {
	th := above()
	th.Flapping = rules.Flapping{Transitions: 3, Window: 5 * time.Minute}
	odd := th
	odd.Flapping.Transitions = 2
	for _, c := range []struct {
		name   string
		rule   rules.Threshold
		values string
		want   []string
	}{
		{"held until it is quiet, then over", th, "11 9 11 9 11 9 9 9 9 9 9", []string{
			"0 firing condition_met 11", "1 resolved condition_cleared 9", "2 firing condition_met 11", "3 FLAPPING condition_met 11", "10 resolved condition_cleared 9",
		}},
		{"and it may fire on", th, "11 9 11 9 11 11 11 11 11 11 9", []string{
			"0 firing condition_met 11", "1 resolved condition_cleared 9", "2 firing condition_met 11", "3 FLAPPING condition_met 11", "10 resolved condition_cleared 9",
		}},
		{"a begin can be one too many", odd, "11 9 11 9 9 9 9 9 9", []string{
			"0 firing condition_met 11", "1 resolved condition_cleared 9", "2 firing condition_met 11", "2 FLAPPING condition_met 11", "8 resolved condition_cleared 9",
		}},
		{"slow changes are told", th, "11 11 9 9 11 11 9 9", []string{
			"0 firing condition_met 11", "2 resolved condition_cleared 9", "4 firing condition_met 11", "6 resolved condition_cleared 9",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, timeline(t, c.rule, rules.Options{}, map[string]string{"": c.values}))
		})
	}
	t.Run("one that nothing holds flaps alone", func(t *testing.T) {
		got := timeline(t, by(th), rules.Options{}, map[string]string{"a": "11 9 11 9 11 9", "b": "11 11 11 11 11 9"})
		assert.Equal(t, 1, len(slices.DeleteFunc(got, func(s string) bool { return !strings.Contains(s, "FLAPPING") })))
	})
	t.Run("alerts that are watched are bounded", func(t *testing.T) {
		got := timeline(t, by(th), rules.Options{AlertsPerRule: 1}, map[string]string{"a": "11 9 9 9", "b": "9 9 11 9"})
		assert.Contains(t, got, "2 refused 0 unwatched 1")
		assert.Contains(t, got, "3 b resolved condition_cleared 9", "it is told as without")
	})
}

func TestFlapsForgets(t *testing.T) {
	f := rules.Flaps[int]{Flapping: rules.Flapping{Transitions: 2, Window: time.Minute}, Max: 1}
	f.Change(1, begin)
	_, watched := f.Change(2, begin)
	assert.False(t, watched)
	f.Forget(begin.Add(59 * time.Second))
	_, watched = f.Change(2, begin)
	assert.False(t, watched)
	f.Forget(begin.Add(time.Minute))
	_, watched = f.Change(2, begin)
	assert.True(t, watched)
	off := rules.Flaps[int]{}
	for range 100 {
		tooOften, watched := off.Change(1, begin)
		assert.False(t, tooOften)
		assert.True(t, watched)
	}
}

// Upstream has none of these: the words of their errors are the contract.
func TestMistakesBeyondPrometheus(t *testing.T) {
	with := func(change func(*rules.Threshold)) error {
		th := above()
		change(&th)
		return th.Validate()
	}
	for _, c := range []struct {
		want   string
		change func(*rules.Threshold)
	}{
		{"recover_at: 11 is on the wrong side of the threshold, must be 10 or less with gt", func(th *rules.Threshold) { th.RecoverAt = ptr(11) }},
		{"recover_at: NaN is on the wrong side of the threshold, must be 10 or less with gt", func(th *rules.Threshold) { th.RecoverAt = ptr(math.NaN()) }},
		{"recover_at: 9 is on the wrong side of the threshold, must be 10 or more with lte", func(th *rules.Threshold) { th.RecoverAt, th.Op = ptr(9), rules.OpLTE }},
		{"recover_at: eq has no side to recover on, op must be one of gt, gte, lt, lte", func(th *rules.Threshold) { th.RecoverAt, th.Op = ptr(9), rules.OpEQ }},
		{"flapping.transitions: 1 is too small, must be at least 2, one begin and one end", func(th *rules.Threshold) { th.Flapping = rules.Flapping{Transitions: 1, Window: time.Minute} }},
		{"flapping.window: 0s is too short, must be longer than 0s", func(th *rules.Threshold) { th.Flapping.Transitions = 2 }},
	} {
		assert.EqualError(t, with(c.change), c.want)
	}
	assert.NoError(t, with(func(*rules.Threshold) {}))
	var n rules.NoData
	assert.EqualError(t, n.UnmarshalText([]byte("fire")), `"fire" is no way to treat missing data, allowed are ok, alert, keep_last`)
	for _, name := range []string{"ok", "alert", "keep_last"} {
		require.NoError(t, n.UnmarshalText([]byte(name)))
		assert.Equal(t, name, n.String())
	}
}
