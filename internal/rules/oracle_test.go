package rules_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
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

// script is a random rule file that changes on its way.
type script struct {
	r        *rand.Rand
	run      int
	interval time.Duration
	limit    int
	offset   time.Duration
	labels   string
	rules    []scripted
	next     int // number of the next rule
}

// scripted is one rule.
type scripted struct{ name, record, expr, hold, keep, labels, annotations string }

func (s *script) pick(list ...string) string { return list[s.r.IntN(len(list))] }

func newScript(r *rand.Rand, run int) *script {
	s := &script{r: r, run: run}
	s.header()
	s.rules = append(s.rules, scripted{record: fmt.Sprintf("r%d", run), expr: "sum by (i) (" + s.metric("m") + ")"})
	for range 2 {
		s.rules = append(s.rules, s.alert())
	}
	first, second := s.rules[1].name, s.rules[2].name
	s.rules = append(s.rules,
		scripted{name: fmt.Sprintf("C%d", run), expr: fmt.Sprintf(`ALERTS{alertname="%s",alertstate="%s"} == 1`, first, s.pick("firing", "pending"))},
		scripted{name: fmt.Sprintf("D%d", run), expr: fmt.Sprintf(`time() - ALERTS_FOR_STATE{alertname="%s"} > 45`, second)},
		scripted{name: fmt.Sprintf("E%d", run), expr: fmt.Sprintf(`count(ALERTS{alertname="%s"} or ALERTS{alertname="%s"}) > 1`, first, second), hold: "15s"},
	)
	return s
}

func (s *script) header() {
	s.interval, s.limit, s.offset, s.labels = 15*time.Second, 0, 0, ""
	if s.r.IntN(4) == 0 {
		s.limit = 1 + s.r.IntN(3)
	}
	if s.r.IntN(4) == 0 {
		s.offset = 30 * time.Second
	}
	if s.r.IntN(4) == 0 {
		s.labels = "{team: x, severity: low}"
	}
}

func (s *script) metric(name string) string { return fmt.Sprintf(`%s{run="%d"}`, name, s.run) }

func (s *script) expr() string {
	m, c := s.metric("m"), s.metric("c")
	return s.pick(
		m+" > 5", m+" < 3", m+" == 4 or "+m+" > 8", "sum("+m+") > 12", m, fmt.Sprintf("r%d > 5", s.run), "avg_over_time("+m+"[1m]) >= 5",
		"increase("+m+"[1m]) > 3", "absent("+m+")", m+" > bool 5 == 1", fmt.Sprintf(`{__name__=~"m", run="%d"} > 5`, s.run), "vector(1) > 0",
		"increase("+c+"[1m]) > 8", "rate("+c+"[45s]) > 0.2", "resets("+c+"[2m]) >= 1", "changes("+m+"[1m]) > 2", m+" offset 30s > 4",
		"max_over_time("+m+"[1m:15s]) > 7", "count by (i) ("+m+") and on (i) "+c+" > 10", "topk(1, "+m+") > 2", "scalar(sum("+m+")) > bool 9",
		// two series on either side: it fails when both are there
		fmt.Sprintf(`{__name__=~"m|c", run="%d"} > on (i) {__name__=~"m|c", run="%d"}`, s.run, s.run),
	)
}

func (s *script) alert() scripted {
	s.next++
	return scripted{
		name: fmt.Sprintf("A%d_%d", s.run, s.next), expr: s.expr(),
		hold: s.pick("0s", "15s", "40s", "1m"), keep: s.pick("0s", "0s", "20s", "1m"),
		labels:      s.pick("", "{severity: page, who: '{{ $labels.i }}-{{ $value }}'}", "{i: same}", "{v: '{{ if gt $value 6.0 }}high{{ end }}'}"),
		annotations: s.pick("", "{s: 'is {{ $value | humanize }} on {{ $labels.i }}', z: plain}"),
	}
}

// change edits the file as somebody would before a reload.
func (s *script) change() {
	i := 1 + s.r.IntN(len(s.rules)-1)
	a := &s.rules[i]
	switch s.r.IntN(11) {
	case 0:
		a.expr = s.expr()
	case 1:
		a.hold = s.pick("0s", "15s", "40s", "1m")
	case 2:
		a.keep = s.pick("0s", "20s", "1m")
	case 3:
		a.annotations = s.pick("", "{s: 'now {{ $value }}'}")
	case 4:
		a.labels = s.pick("", "{severity: page}", "{i: same}")
	case 5:
		s.rules = append(s.rules, s.alert())
	case 6:
		if len(s.rules) > 2 {
			s.rules = slices.Delete(s.rules, i, i+1)
		}
	case 7:
		s.r.Shuffle(len(s.rules), func(i, j int) { s.rules[i], s.rules[j] = s.rules[j], s.rules[i] })
		if k := slices.IndexFunc(s.rules, func(x scripted) bool { return x.record != "" }); k > 0 {
			s.rules[0], s.rules[k] = s.rules[k], s.rules[0]
		}
	case 8:
		s.header()
	case 9:
		twin := *a // two rules with the same name and labels
		twin.expr = s.expr()
		s.rules = append(s.rules, twin)
	case 10: // nothing: a reload for another reason
	}
}

func (s *script) file() string {
	var b strings.Builder
	fmt.Fprintf(&b, "groups:\n- name: a%d\n  interval: 15s\n  limit: %d\n", s.run, s.limit)
	if s.offset > 0 {
		fmt.Fprintf(&b, "  query_offset: %s\n", s.offset)
	}
	if s.labels != "" {
		fmt.Fprintf(&b, "  labels: %s\n", s.labels)
	}
	b.WriteString("  rules:\n")
	for _, r := range s.rules {
		if r.record != "" {
			fmt.Fprintf(&b, "  - record: %s\n    expr: '%s'\n", r.record, r.expr)
			continue
		}
		fmt.Fprintf(&b, "  - alert: %s\n    expr: '%s'\n", r.name, r.expr)
		for _, f := range [...][2]string{{"for", r.hold}, {"keep_firing_for", r.keep}, {"labels", r.labels}, {"annotations", r.annotations}} {
			if f[1] != "" {
				fmt.Fprintf(&b, "    %s: %s\n", f[0], f[1])
			}
		}
	}
	return b.String()
}

// schedules is how many are tried: consecutive seeds, none left out.
func schedules(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("SCHEDULES")); err == nil {
		return n
	}
	if testing.Short() {
		return 300
	}
	return 1000
}

// pair is our engine and upstream's, each on a store of its own.
type pair struct {
	o  *oracle
	st *store.Store
}

func newPair(t *testing.T) pair {
	st, err := store.Open(store.Options{Reach: time.Hour, Interval: 15 * time.Second, MaxSamples: 1e6})
	require.NoError(t, err)
	return pair{newOracle(t), st}
}

func (p pair) close(t *testing.T) {
	require.NoError(t, p.o.db.Close())
	require.NoError(t, p.st.Close())
}

func TestSameStatesAsUpstream(t *testing.T) {
	ctx := t.Context()
	counts := map[string]int{}
	var p pair
	runs := schedules(t)
	for run := range runs {
		if run%50 == 0 { // a store with the leavings of many schedules is slow
			if run > 0 {
				p.close(t)
			}
			p = newPair(t)
		}
		p.run(ctx, t, rand.New(rand.NewPCG(1, uint64(run))), run, counts)
	}
	p.close(t)
	t.Logf("%d schedules: %v", runs, counts)
	for _, what := range []string{"firing", "resolved", "pending", "reloads", "failures", "rule_changed", "rule_removed", "limit_exceeded"} {
		require.Positive(t, counts[what], "the schedules never show %s", what)
	}
}

func (p pair) run(ctx context.Context, t *testing.T, r *rand.Rand, run int, counts map[string]int) {
	t.Helper()
	s := newScript(r, run)
	file := s.file()
	ours, err := rules.Load("f", []byte(file), rules.Options{Interval: s.interval})
	require.NoError(t, err, file)
	theirs := p.o.groups(t, file, s.interval)
	require.Len(t, theirs, len(ours))
	now := time.Unix(1_700_000_010, 0).UTC().Add(time.Duration(run%50) * 15 * time.Minute)
	var history strings.Builder
	history.WriteString(file)
	total := make([]float64, 3)
	for range 12 + r.IntN(8) {
		now = now.Add(s.interval)
		if r.IntN(6) == 0 {
			s.change()
			file = s.file()
			fmt.Fprintf(&history, "%s reload:\n%s", now, file)
			ours, theirs = p.reload(t, now, file, s.interval, ours, theirs, counts)
		}
		p.feed(ctx, t, r, run, now, total, &history)
		for i := range ours {
			res := ours[i].Eval(ctx, now, rules.Env{Query: p.st.Query, Appendable: p.st})
			for _, c := range res.Changes {
				counts[c.Alert.State.String()]++
				counts[c.Reason]++
			}
			counts["failures"] += len(res.Failures)
			theirs[i].Eval(ctx, now)
			require.Equal(t, upstreamState(theirs[i]), ourState(ours[i]), "run %d at %s\n%s", run, now, &history)
		}
		for _, q := range []string{fmt.Sprintf(`{__name__=~"ALERTS|ALERTS_FOR_STATE",alertname=~"[A-E]%d(_.*)?"}`, run), fmt.Sprintf("r%d", run)} {
			want, err := p.o.query(ctx, q, now)
			require.NoError(t, err)
			got, err := p.st.Query(ctx, q, now)
			require.NoError(t, err)
			require.Equal(t, vector(want), vector(got), "run %d at %s: %s\n%s", run, now, q, &history)
		}
	}
}

// reload gives both engines another file, as a reload of theirs would.
func (p pair) reload(t *testing.T, now time.Time, file string, interval time.Duration, ours []*rules.Group, theirs []*upstream.Group, counts map[string]int) ([]*rules.Group, []*upstream.Group) {
	t.Helper()
	counts["reloads"]++
	next, err := rules.Load("f", []byte(file), rules.Options{Interval: interval})
	require.NoError(t, err, file)
	var left []rules.GroupState
	for _, g := range ours {
		left = append(left, g.State())
	}
	resumed := rules.Resume(next, left, rules.Recovery{At: now, Samples: true})
	for _, c := range resumed.Ended {
		counts[c.Reason]++
	}
	after := p.o.groups(t, file, interval)
	require.Len(t, after, len(theirs))
	for i := range after {
		after[i].CopyState(theirs[i])
	}
	return next, after
}

// feed writes the same random samples to both stores: gauges, and counters that
// are reset now and then.
func (p pair) feed(ctx context.Context, t *testing.T, r *rand.Rand, run int, now time.Time, total []float64, history *strings.Builder) {
	t.Helper()
	a, b := p.st.AppenderV2(ctx), p.o.db.AppenderV2(ctx)
	at := now.Add(-time.Duration(r.IntN(14000)) * time.Millisecond).UnixMilli()
	write := func(name string, i int, v float64) {
		ls := labels.FromStrings("__name__", name, "run", fmt.Sprint(run), "i", fmt.Sprint(i))
		for _, app := range []storage.AppenderV2{a, b} {
			_, err := app.Append(0, ls, 0, at, v, nil, nil, storage.AppendV2Options{})
			require.NoError(t, err)
		}
		fmt.Fprintf(history, "%s %s i=%d v=%v\n", now, name, i, v)
	}
	for i := range total {
		if total[i] += float64(r.IntN(5)); r.IntN(8) == 0 {
			total[i] = float64(r.IntN(3)) // a reset
		}
		for _, name := range []string{"m", "c"} {
			v := total[i]
			if name == "m" {
				v = float64(r.IntN(11))
			}
			switch r.IntN(8) {
			case 0:
				continue // a gap
			case 1:
				v = math.Float64frombits(value.StaleNaN)
			}
			write(name, i, v)
		}
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
