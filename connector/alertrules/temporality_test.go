package alertrules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// stream is what one application counts, in steps of ten seconds, in OTLP of
// either temporality. Series begin when something is counted for the first time.
// Something else is exported each time: without it a total would not say since
// when it counts, and the two temporalities would not tell the same.
type stream struct {
	cumulative bool
	rand       *rand.Rand
	began      time.Time
	totals     map[string][]uint64
}

// increments are the same for both temporalities, as they are drawn alike.
func (s *stream) export(from, at time.Time) pmetric.Metrics {
	md, m := batch("requests")
	c := m.SetEmptySum()
	c.SetIsMonotonic(true)
	t := pmetric.AggregationTemporalityDelta
	start := from
	if s.cumulative {
		t, start = pmetric.AggregationTemporalityCumulative, s.began
	}
	c.SetAggregationTemporality(t)
	to := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	alive := to.AppendEmpty()
	alive.SetName("alive")
	dp := alive.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetIntValue(1)
	dp.SetTimestamp(ts(at))
	classic, exponential := to.AppendEmpty(), to.AppendEmpty()
	classic.SetName("duration")
	classic.SetEmptyHistogram().SetAggregationTemporality(t)
	exponential.SetName("duration.exp")
	exponential.SetEmptyExponentialHistogram().SetAggregationTemporality(t)
	for k := range 3 {
		route := fmt.Sprint("r", k)
		// A burst, quiet, or a trickle; how it goes on is drawn anew each time.
		shape := s.rand.IntN(6)
		now := make([]uint64, 4)
		for i := range now {
			switch n := s.rand.Uint64N(20); {
			case shape == 0:
				now[i] = n * uint64(i+1)
			case shape < 4:
				now[i] = n / 6
			}
		}
		total, begun := s.totals[route]
		if !begun && slices.Max(now) == 0 {
			continue
		}
		if !begun {
			total = make([]uint64, len(now))
		}
		for i := range now {
			total[i] += now[i]
			if s.cumulative {
				now[i] = total[i]
			}
		}
		s.totals[route] = total
		sum := now[0] + now[1] + now[2] + now[3]

		dp := c.DataPoints().AppendEmpty()
		dp.SetIntValue(int64(sum))
		dp.SetStartTimestamp(ts(start))
		dp.SetTimestamp(ts(at))
		dp.Attributes().PutStr("route", route)
		h := classic.Histogram().DataPoints().AppendEmpty()
		h.SetStartTimestamp(ts(start))
		h.SetTimestamp(ts(at))
		h.Attributes().PutStr("route", route)
		h.ExplicitBounds().FromRaw([]float64{0.1, 1, 10})
		h.BucketCounts().FromRaw(now)
		h.SetCount(sum)
		x := exponential.ExponentialHistogram().DataPoints().AppendEmpty()
		x.SetStartTimestamp(ts(start))
		x.SetTimestamp(ts(at))
		x.Attributes().PutStr("route", route)
		x.Positive().SetOffset(-3)
		x.Positive().BucketCounts().FromRaw(now)
		x.SetCount(sum)
	}
	return md
}

// Whoever sends deltas, and whoever sends totals, gets the same alerts for the
// same events: the same, at the same times, with the same values. No process
// restarts here: a total is small after that, and PromQL extrapolates small totals
// less far, so that values differ by a few per cent.
func TestAnyStreamGivesTheSameAlertsAsDeltaAndAsCumulative(t *testing.T) {
	const cfg = `
evaluation_interval: 10s
emit: [triggered, resolved, pending, no_data, flapping]
rules:
  - {name: Increase, metric: requests, aggregate: increase, window: 1m, group_by: [route], op: gt, threshold: 40, recover_at: 20}
  - {name: Rate, metric: requests, aggregate: rate, window: 30s, op: lt, threshold: 0.5, for: 10s, keep_firing_for: 20s, no_data: alert}
  - {name: P95, metric: duration, aggregate: p95, window: 40s, group_by: [route], op: gt, threshold: 5, min_count: 10, no_data: keep_last}
  - {name: P99 Native, metric: duration.exp, aggregate: p99, window: 40s, group_by: [route], op: gt, threshold: 0.8, min_count: 10, flapping: {transitions: 2, window: 1m}}
  - {name: P50 Native, metric: duration.exp, aggregate: p50, window: 1m, op: gt, threshold: 0.4}
`
	run := func(seed uint64, cumulative bool) (all []string) {
		r := newRig(t, cfg)
		s := &stream{cumulative: cumulative, rand: rand.New(rand.NewPCG(seed, 0)), began: t0.Add(-3 * time.Second), totals: map[string][]uint64{}}
		for range 60 {
			from := r.clock.now()
			r.send(s.export(from.Add(-3*time.Second), from.Add(7*time.Second)))
			r.step(10 * time.Second)
			for _, lr := range r.all() {
				raw := lr.Attributes().AsRaw()
				value := ""
				if v, ok := raw["alert.value"].(float64); ok {
					value = fmt.Sprintf("%.9g", v) // sums of floats, in another order
				}
				all = append(all, fmt.Sprint(lr.EventName(), lr.Timestamp(), raw["alert.rule.name"], raw["alert.label.route"], value, raw["alert.reason"], raw["alert.episode.id"]))
			}
		}
		r.stop()
		return all
	}
	streams := uint64(20)
	if testing.Short() {
		streams = 4
	}
	seen := map[string]int{}
	for seed := range streams {
		delta, cumulative := run(seed, false), run(seed, true)
		require.Equal(t, cumulative, delta, "stream %d", seed)
		for _, s := range delta {
			for _, what := range []string{"triggered", "resolved", "flapping", "no_data", "Increase", "Rate", "P95", "P99 Native", "P50 Native"} {
				if strings.Contains(s, what) {
					seen[what]++
				}
			}
		}
	}
	assert.Len(t, seen, 9, "each rule and each kind of event occurs: %v", seen)
}

// One event, in a series that was not there before, is an increase of one.
func TestIncreaseSeesTheFirstEventOfANewSeries(t *testing.T) {
	for _, temporality := range []pmetric.AggregationTemporality{pmetric.AggregationTemporalityDelta, pmetric.AggregationTemporalityCumulative} {
		t.Run(temporality.String(), func(t *testing.T) {
			r := newRig(t, `
evaluation_interval: 10s
rules: [{name: First, metric: errors, aggregate: increase, window: 1m, group_by: [kind], op: gt, threshold: 0}]
`)
			for i := range 20 {
				from := r.clock.now()
				at := r.clock.add(10 * time.Second)
				points := []point{{v: 0, attrs: map[string]any{"kind": "known"}}}
				if i >= 10 {
					v := 1.0
					if temporality == pmetric.AggregationTemporalityDelta && i > 10 {
						v = 0
					}
					points = append(points, point{v: v, attrs: map[string]any{"kind": "new"}})
				}
				if temporality == pmetric.AggregationTemporalityCumulative {
					from = t0
				}
				r.send(sum(from, at, temporality, "errors", points...))
				r.e.tick(t.Context())
				got := r.short()
				switch i {
				case 10:
					assert.Equal(t, []string{"foundation_os.alert.triggered First 1 condition_met"}, got)
				case 15: // the zero before it, of the export before, has left the window
					assert.Equal(t, []string{"foundation_os.alert.resolved First 0 condition_cleared"}, got)
				default:
					assert.Empty(t, got, i)
				}
			}
		})
	}
}
