package rules_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	upstream "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// oracle evaluates groups with upstream's own rules package on a tsdb of its
// own.
type oracle struct {
	db    *tsdb.DB
	query upstream.QueryFunc
}

func newOracle(t *testing.T) *oracle {
	opt := tsdb.DefaultOptions()
	opt.WALSegmentSize = -1
	db, err := tsdb.Open(t.TempDir(), nil, nil, opt, nil)
	require.NoError(t, err)
	db.DisableCompactions()
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: slog.New(slog.DiscardHandler), MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 15_000 },
	})
	return &oracle{db: db, query: upstream.EngineQueryFunc(engine, db)}
}

func (o *oracle) groups(t *testing.T, file string, interval time.Duration) []*upstream.Group {
	t.Helper()
	m := upstream.NewManager(&upstream.ManagerOptions{
		QueryFunc: o.query, Appendable: o.db, Queryable: o.db, Context: context.Background(), Logger: slog.New(slog.DiscardHandler),
		NotifyFunc: func(context.Context, string, ...*upstream.Alert) {}, ExternalURL: &url.URL{}, GroupLoader: inMemory{file},
	})
	loaded, errs := m.LoadGroups(interval, labels.EmptyLabels(), "", nil, false, "f")
	require.Empty(t, errs)
	var gs []*upstream.Group
	for _, g := range loaded {
		for _, r := range g.AlertingRules() {
			r.SetRestored(true)
		}
		gs = append(gs, g)
	}
	slices.SortFunc(gs, func(a, b *upstream.Group) int { return strings.Compare(a.Name(), b.Name()) })
	return gs
}

// schedule is one random rule file and what happens to its series.
func schedule(r *rand.Rand, run int) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	sel := fmt.Sprintf(`m{run="%d"}`, run)
	var b strings.Builder
	fmt.Fprintf(&b, "groups:\n- name: a%d\n  interval: 15s\n", run)
	if r.IntN(4) == 0 {
		fmt.Fprintf(&b, "  limit: %d\n", 1+r.IntN(3))
	}
	if r.IntN(4) == 0 {
		b.WriteString("  query_offset: 30s\n")
	}
	if r.IntN(4) == 0 {
		b.WriteString("  labels: {team: x, severity: low}\n")
	}
	fmt.Fprintf(&b, "  rules:\n  - record: r%d\n    expr: sum by (i) (%s)\n", run, sel)
	exprs := []string{
		sel + " > 5", sel + " < 3", sel + " == 4 or " + sel + " > 8", "sum(" + sel + ") > 12", sel,
		fmt.Sprintf("r%d > 5", run), "avg_over_time(" + sel + "[1m]) >= 5", "increase(" + sel + "[1m]) > 3",
		"absent(" + sel + ")", sel + " > bool 5 == 1", fmt.Sprintf(`{__name__=~"m", run="%d"} > 5`, run), "vector(1) > 0",
	}
	for i := range 2 {
		fmt.Fprintf(&b, "  - alert: A%d_%d\n    expr: '%s'\n", run, i, pick(exprs...))
		fmt.Fprintf(&b, "    for: %s\n    keep_firing_for: %s\n", pick("0s", "15s", "40s", "1m"), pick("0s", "0s", "20s", "1m"))
		b.WriteString(pick("", "    labels: {severity: page, who: '{{ $labels.i }}-{{ $value }}'}\n", "    labels: {i: same}\n", "    labels: {v: '{{ if gt $value 6.0 }}high{{ end }}'}\n"))
		b.WriteString(pick("", "    annotations: {s: 'is {{ $value | humanize }} on {{ $labels.i }}', z: plain}\n"))
	}
	fmt.Fprintf(&b, "  - alert: C%d\n    expr: 'ALERTS{alertname=\"A%d_0\",alertstate=\"%s\"} == 1'\n", run, run, pick("firing", "pending"))
	fmt.Fprintf(&b, "  - alert: D%d\n    expr: 'time() - ALERTS_FOR_STATE{alertname=\"A%d_1\"} > 45'\n", run, run)
	return b.String()
}

func TestSameStatesAsUpstream(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 40
	}
	o := newOracle(t)
	st, err := store.Open(store.Options{Reach: time.Hour, Interval: 15 * time.Second, MaxSamples: 1e6})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1_700_000_010, 0).UTC()
	transitions := 0
	for run := range runs {
		file := schedule(r, run)
		ours, err := rules.Load("f", []byte(file), rules.Options{Interval: 15 * time.Second})
		require.NoError(t, err, file)
		theirs := o.groups(t, file, 15*time.Second)
		require.Len(t, ours, len(theirs))
		var history strings.Builder
		for range 12 {
			now = now.Add(15 * time.Second)
			feed(ctx, t, r, run, now, st, o.db, &history)
			for i := range ours {
				res := ours[i].Eval(ctx, now, rules.Env{Query: st.Query, Appendable: st})
				transitions += len(res.Changes)
				theirs[i].Eval(ctx, now)
				want, got := upstreamState(theirs[i]), ourState(ours[i])
				require.Equal(t, want, got, "run %d at %s\n%s\n%s", run, now, file, history.String())
			}
			for _, q := range []string{"ALERTS", "ALERTS_FOR_STATE", fmt.Sprintf("r%d", run)} {
				want, err := o.query(ctx, q, now)
				require.NoError(t, err)
				got, err := st.Query(ctx, q, now)
				require.NoError(t, err)
				require.Equal(t, vector(want), vector(got), "run %d at %s: %s\n%s", run, now, q, file)
			}
		}
	}
	require.Greater(t, transitions, runs, "the schedules hardly change anything")
}

// feed writes the same random samples to both stores.
func feed(ctx context.Context, t *testing.T, r *rand.Rand, run int, now time.Time, st *store.Store, db *tsdb.DB, history *strings.Builder) {
	t.Helper()
	a, b := st.AppenderV2(ctx), db.AppenderV2(ctx)
	at := now.Add(-time.Duration(r.IntN(14000)) * time.Millisecond).UnixMilli()
	for i := range 3 {
		v := float64(r.IntN(11))
		switch r.IntN(8) {
		case 0:
			continue // a gap
		case 1:
			v = math.Float64frombits(value.StaleNaN)
		}
		ls := labels.FromStrings("__name__", "m", "run", fmt.Sprint(run), "i", fmt.Sprint(i))
		for _, app := range []storage.AppenderV2{a, b} {
			_, err := app.Append(0, ls, 0, at, v, nil, nil, storage.AppendV2Options{})
			require.NoError(t, err)
		}
		fmt.Fprintf(history, "%s i=%d v=%v\n", now, i, v)
	}
	require.NoError(t, a.Commit())
	require.NoError(t, b.Commit())
}

func upstreamState(g *upstream.Group) []string {
	var all []string
	for _, r := range g.AlertingRules() {
		for _, a := range r.ActiveAlerts() {
			all = append(all, line(r.Name(), a.State.String(), a.Labels, a.Annotations, a.Value, a.ActiveAt, a.FiredAt, a.KeepFiringSince))
		}
	}
	slices.Sort(all)
	return all
}

func ourState(g *rules.Group) []string {
	var all []string
	g.Alerts(func(r rules.Rule, a rules.Alert) {
		all = append(all, line(r.Name, a.State.String(), a.Labels, a.Annotations, a.Value, a.ActiveAt, a.FiredAt, a.KeepFiringSince))
	})
	slices.Sort(all)
	return all
}

func line(name, state string, ls, annotations labels.Labels, v float64, times ...time.Time) string {
	return fmt.Sprint(name, " ", state, " ", ls, " ", annotations, " ", v, " ", times)
}

func vector(v promql.Vector) []string {
	all := []string{}
	for _, s := range v {
		all = append(all, s.String())
	}
	slices.Sort(all)
	return all
}

// inMemory loads one file's content, whatever its name.
type inMemory struct{ content string }

func (l inMemory) Load(string, bool, model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	return rulefmt.Parse([]byte(l.content), false, model.UTF8Validation, rules.NewParser(), slog.New(slog.DiscardHandler))
}

func (inMemory) Parse(query string) (parser.Expr, error) { return rules.NewParser().ParseExpr(query) }
