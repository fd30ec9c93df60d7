package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// alertrulesStarted starts the connector with short rules.
func alertrulesStarted(b *testing.B, rs []any) connector.Metrics {
	f := alertrules.NewFactory()
	cfg, load := alertrulesSettings(b)
	load(map[string]any{"evaluation_interval": "1h", "rules": rs, "limits": map[string]any{"series": 2_000_000}})
	c, err := f.CreateMetricsToLogs(b.Context(), connectortest.NewNopSettings(f.Type()), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, c.Start(b.Context(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, c.Shutdown(context.Background())) })
	return c
}

// alertrulesRuleOn is a short rule on one value of an attribute, or on the whole
// metric if that is empty.
func alertrulesRuleOn(i int, metric, value string) map[string]any {
	r := map[string]any{"name": fmt.Sprint("R", i), "metric": metric, "aggregate": "avg", "window": "1m", "op": "gt", "threshold": 1}
	if value != "" {
		r["where"] = map[string]any{"series": value}
	}
	return r
}

// alertrulesRetime gives each point of a payload the time.
func alertrulesRetime(md pmetric.Metrics, at time.Time) {
	ts := pcommon.NewTimestampFromTime(at)
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		for _, dp := range m.Gauge().DataPoints().All() {
			dp.SetTimestamp(ts)
		}
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkAlertRulesUnreferenced is an ingest of 10,000 series that a rule
// looks at, and the same with a million that none does. What both share, the
// copy of the points that any component's input costs, is a row of its own.
func BenchmarkAlertRulesUnreferenced(b *testing.B) {
	const wanted, unwanted = 10, 1000 // batches of alertrulesSeries
	at := time.Now().Add(-time.Minute)
	batches := func(name string, n int) []pmetric.Metrics {
		out := make([]pmetric.Metrics, n)
		for i := range out {
			out[i] = pmetric.NewMetrics()
			rm := out[i].ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "shop")
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName(name)
			g := m.SetEmptyGauge()
			for j := range alertrulesSeries {
				dp := g.DataPoints().AppendEmpty()
				dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
				dp.SetDoubleValue(float64(j))
				dp.Attributes().PutInt("series", int64(i*alertrulesSeries+j))
			}
		}
		return out
	}
	c := alertrulesStarted(b, []any{alertrulesRuleOn(0, "wanted", "")})
	some, many := batches("wanted", wanted), batches("unwanted", unwanted)
	send := func(all []pmetric.Metrics) {
		for _, md := range all {
			if err := c.ConsumeMetrics(b.Context(), md); err != nil {
				b.Fatal(err)
			}
		}
	}
	send(some)
	before := heap()
	send(many)
	after := heap()
	step := func() {
		at = at.Add(time.Millisecond)
		for _, md := range some {
			alertrulesRetime(md, at)
		}
	}
	medians := inTurnOnCPU(b, 1, step,
		way{"10k-wanted", func() { send(some) }},
		way{"1M-unwanted", func() { send(many) }},
		way{"copy-of-1M", func() {
			for _, md := range many {
				md.CopyTo(pmetric.NewMetrics())
			}
		}})
	b.ReportMetric(medians["1M-unwanted"]/medians["copy-of-1M"]*100, "%-of-the-copy")
	b.ReportMetric(float64(int64(after)-int64(before))/unwanted/alertrulesSeries, "heap-bytes/unwanted-series")
}

// BenchmarkAlertRulesByRules is the cost of a point when ever more rules are
// there: on metrics of their own, on one value each of an attribute of the
// metric that comes in (values that no point has: it is looked up and not
// wanted), all on the whole metric.
func BenchmarkAlertRulesByRules(b *testing.B) {
	for _, kind := range []struct {
		name string
		rule func(i int) map[string]any
	}{
		{"metrics", func(i int) map[string]any { return alertrulesRuleOn(i, "m"+strconv.Itoa(i), "") }},
		{"values", func(i int) map[string]any { return alertrulesRuleOn(i, "m0", "x"+strconv.Itoa(i)) }},
		{"whole", func(i int) map[string]any { return alertrulesRuleOn(i, "m0", "") }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			at := time.Now().Add(-time.Minute)
			md := alertrulesPayload("m0", at)
			var ways []way
			for _, n := range []int{1, 100, 10_000} {
				rs := make([]any, n)
				for i := range rs {
					rs[i] = kind.rule(i)
				}
				c := alertrulesStarted(b, rs)
				ways = append(ways, way{fmt.Sprintf("%d-rules", n), func() {
					if err := c.ConsumeMetrics(b.Context(), md); err != nil {
						b.Fatal(err)
					}
				}})
			}
			medians := inTurnOnCPU(b, alertrulesSeries, func() {
				at = at.Add(time.Millisecond)
				alertrulesRetime(md, at)
			}, ways...)
			b.ReportMetric(medians["10000-rules"]/medians["1-rules"], "10k/1")
		})
	}
}

// BenchmarkAlertRulesLoopByRules is the cost of a rule's evaluation, quiet, in a
// group of ever more.
func BenchmarkAlertRulesLoopByRules(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			l := ownLoop(b, ruleLoopFile(n, "1e9"))
			at := time.Unix(1_700_000_010, 0)
			l.feed(b, n, at, 1)
			inTurnOnCPU(b, n, func() {}, way{"rule", func() { l.eval(at); at = at.Add(time.Millisecond) }})
		})
	}
}

// BenchmarkAlertRulesMemory is the heap that a series takes, with one sample and
// with an hour of samples 30 s apart, in the store beside a bare tsdb with
// upstream's defaults.
func BenchmarkAlertRulesMemory(b *testing.B) {
	const n = 1000 // rules with ruleLoopSeries series each
	for _, samples := range []int{1, 120} {
		for name, open := range map[string]func(b *testing.B) storage.AppendableV2{
			"ours": func(b *testing.B) storage.AppendableV2 { return ownLoop(b, ruleLoopFile(1, "0")).to },
			"upstream": func(b *testing.B) storage.AppendableV2 {
				return upstreamLoop(b, ruleLoopWrite(b, ruleLoopFile(1, "0"))).to
			},
		} {
			b.Run(fmt.Sprintf("samples=%d/%s", samples, name), func(b *testing.B) {
				for b.Loop() {
					before := heap()
					l := &ruleLoop{to: open(b), refs: map[int]storage.SeriesRef{}}
					for i := range samples {
						l.feed(b, n, time.Unix(1_700_000_010+int64(i)*30, 0), float64(i))
					}
					l.refs = nil
					if samples > 1 {
						time.Sleep(65 * time.Second) // once a minute tsdb moves full chunks out of the heap
					}
					b.ReportMetric(float64(heap()-before)/n/ruleLoopSeries, "heap-bytes/series")
				}
			})
		}
	}
	b.Run("through the table", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			st, err := store.Open(store.Options{Reach: store.Lookback, MaxSamples: 50e6, Parser: rules.NewParser()})
			require.NoError(b, err)
			batch := st.Batch(b.Context())
			for i := range n * ruleLoopSeries {
				batch.Float(labels.FromStrings("__name__", "m", "rule", strconv.Itoa(i/ruleLoopSeries), "i", strconv.Itoa(i%ruleLoopSeries), "job", "shop"),
					store.Point{Kind: store.Cumulative, Time: 1_700_000_010_000}, 1)
			}
			_, err = batch.Commit()
			require.NoError(b, err)
			b.ReportMetric(float64(heap()-before)/n/ruleLoopSeries, "heap-bytes/series")
			require.NoError(b, st.Close())
		}
	})
}
