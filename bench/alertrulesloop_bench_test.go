package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	upstream "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

const (
	ruleLoopSeries = 100 // that each rule looks at
	ruleLoopEvery  = 30 * time.Second
)

// ruleLoopFile is a group of alerting rules as people write them: a severity, a
// summary with the value and a description with labels only.
func ruleLoopFile(n int, threshold string) string {
	var s strings.Builder
	s.WriteString("groups:\n- name: g\n  interval: 30s\n  rules:\n")
	for i := range n {
		fmt.Fprintf(&s, "  - alert: A%d\n    expr: 'm{rule=\"%d\"} > %s'\n    labels: {severity: page}\n"+
			"    annotations: {summary: '{{ $labels.i }} is {{ $value | humanize }}', description: 'rule {{ $labels.rule }} of {{ $labels.job }}'}\n", i, i, threshold)
	}
	return s.String()
}

// ruleLoop is one implementation at work: its samples and an evaluation of all
// rules.
type ruleLoop struct {
	to    storage.AppendableV2
	eval  func(at time.Time)
	query upstream.QueryFunc
	refs  map[int]storage.SeriesRef
}

// feed writes one sample for each series that the rules look at.
func (l *ruleLoop) feed(b *testing.B, n int, at time.Time, value float64) {
	app := l.to.AppenderV2(b.Context())
	for r := range n {
		for i := range ruleLoopSeries {
			var ls labels.Labels
			key := r*ruleLoopSeries + i
			ref := l.refs[key]
			if ref == 0 {
				ls = labels.FromStrings("__name__", "m", "rule", fmt.Sprint(r), "i", fmt.Sprint(i), "job", "shop")
			}
			ref, err := app.Append(ref, ls, 0, at.UnixMilli(), value, nil, nil, storage.AppendV2Options{})
			require.NoError(b, err)
			l.refs[key] = ref
		}
	}
	require.NoError(b, app.Commit())
}

func upstreamLoop(b *testing.B, file string) *ruleLoop {
	opt := tsdb.DefaultOptions()
	opt.WALSegmentSize = -1
	db, err := tsdb.Open(b.TempDir(), nil, nil, opt, nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: slog.New(slog.DiscardHandler), MaxSamples: 50e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: rules.NewParser(),
	})
	query := upstream.EngineQueryFunc(engine, db)
	m := upstream.NewManager(&upstream.ManagerOptions{
		QueryFunc: query, Appendable: db, Queryable: db, Context: b.Context(), Logger: slog.New(slog.DiscardHandler),
		NotifyFunc: func(context.Context, string, ...*upstream.Alert) {}, ExternalURL: &url.URL{}, Parser: rules.NewParser(),
	})
	groups, errs := m.LoadGroups(ruleLoopEvery, labels.EmptyLabels(), "", nil, false, file)
	require.Empty(b, errs)
	require.Len(b, groups, 1)
	l := &ruleLoop{to: db, query: query, refs: map[int]storage.SeriesRef{}}
	for _, g := range groups {
		for _, r := range g.AlertingRules() {
			r.SetRestored(true) // else it writes no ALERTS before it looked for its past
		}
		l.eval = func(at time.Time) { g.Eval(b.Context(), at) }
	}
	return l
}

func ownLoop(b *testing.B, content string) *ruleLoop {
	st, err := store.Open(store.Options{Reach: store.Lookback, MaxSamples: 50e6, Parser: rules.NewParser()})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, st.Close()) })
	gs, err := rules.Load("f", []byte(content), rules.Options{})
	require.NoError(b, err)
	require.Len(b, gs, 1)
	return &ruleLoop{to: st, query: st.Query, refs: map[int]storage.SeriesRef{}, eval: func(at time.Time) {
		res := gs[0].Eval(b.Context(), at, rules.Env{Query: st.Query, Appendable: st})
		if len(res.Failures) > 0 {
			b.Fatal(res.Failures[0].Err)
		}
	}}
}

// BenchmarkAlertRulesLoop compares our rule loop with upstream's on the same
// samples and rules, both in each iteration, by processor time. Evaluations are
// 30 s apart with new samples for each, so that 240 iterations are the two hours
// of a block: a query unpacks a chunk from its beginning, and what that costs
// goes up and down with how full the chunks are. In `firing` the values stay, in
// `changing` each is another.
func BenchmarkAlertRulesLoop(b *testing.B) {
	for _, n := range []int{100, 1000} {
		for _, state := range []struct {
			name, threshold string
			changes         float64
			alerts          float64
		}{
			{"quiet", "1e9", 1, 0},
			{"firing", "0", 0, ruleLoopSeries},
			{"changing", "0", 1, ruleLoopSeries},
		} {
			b.Run(fmt.Sprintf("%s/rules=%d", state.name, n), func(b *testing.B) {
				content := ruleLoopFile(n, state.threshold)
				theirs, ours := upstreamLoop(b, ruleLoopWrite(b, content)), ownLoop(b, content)
				at, value := time.Unix(1_700_000_010, 0), 1.0
				step := func() {
					at, value = at.Add(ruleLoopEvery), value+state.changes
					theirs.feed(b, n, at, value)
					ours.feed(b, n, at, value)
					runtime.GC() // what the feed leaves behind is nobody's
				}
				step()
				for _, l := range []*ruleLoop{theirs, ours} { // both find what there is to find
					l.eval(at)
					got, err := l.query(b.Context(), `count(ALERTS{alertstate="firing"}) or vector(0)`, at)
					require.NoError(b, err)
					require.Len(b, got, 1)
					require.InDelta(b, state.alerts*float64(n), got[0].F, 0)
				}
				medians := inTurnOnCPU(b, n, step,
					way{"upstream", func() { theirs.eval(at) }},
					way{"ours", func() { ours.eval(at) }})
				b.ReportMetric(medians["upstream"]/medians["ours"], "times-upstream's-rules/s")
			})
		}
	}
}

func ruleLoopWrite(b *testing.B, content string) string {
	path := filepath.Join(b.TempDir(), "rules.yaml")
	require.NoError(b, os.WriteFile(path, []byte(content), 0o600))
	return path
}
