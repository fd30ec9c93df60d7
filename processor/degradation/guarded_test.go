package degradation

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func guarded(c *Config) { c.Mode = modeGuarded }

// story is intervals of a step each, of which the ones in [from, to) are slower
// by a factor.
func story(total, step, from, to time.Duration, factor float64, sigma float64, n int) (out []interval) {
	rng := rand.New(rand.NewPCG(1, 8))
	for t := time.Duration(0); t < total; t += step {
		values := make([]float64, n)
		for i := range values {
			values[i] = 0.05 * math.Exp(sigma*rng.NormFloat64())
			if t >= from && t < to {
				values[i] *= factor
			}
		}
		out = append(out, interval{from: t, to: t + step, values: values, restart: t == 0})
	}
	return out
}

// Two hours of three times the latency, in exports every 10 s: told from the
// second one on, until the third one after it, and the baseline does not move.
// In mode strict it is told for a quarter of an hour.
func TestALongIncidentIsToldToItsEnd(t *testing.T) {
	const from, to = 90 * time.Minute, 210 * time.Minute
	for _, enc := range encodings() {
		t.Run(enc.name, func(t *testing.T) {
			n := 40
			if enc.scalar {
				n = 1
			}
			all := story(5*time.Hour, 10*time.Second, from, to, 3, 0.1, n)
			r := newRig(t, func(c *Config) { c.Mode, c.Emit = modeGuarded, emitAll })
			var first, last time.Duration
			var before, during, after float64
			for i, md := range enc.encode(all, 1) {
				got := verdicts(t, r.send(md))
				require.Len(t, got, 1)
				v, at := got[0], all[i].to
				current := 0.0
				for _, x := range all[i].values {
					current += x / float64(n)
				}
				if v.state != -1 && enc.name != "summary" {
					// the factor is current / mean, so this is the baseline's mean
					mean := current / v.factor
					switch {
					case at <= from:
						before = mean
					case at <= to:
						during = mean
					default:
						after = mean
					}
				}
				if v.state == 1 {
					if first == 0 {
						first = at
					}
					last = at
				}
				require.Equal(t, v.state == 1, first > 0 && at > from+10*time.Second && at <= to+20*time.Second, "at %s", at)
			}
			require.LessOrEqual(t, first-from, 30*time.Second)
			require.GreaterOrEqual(t, last, to)
			if enc.name != "summary" {
				require.InEpsilon(t, before, during, 0.01)
				require.InEpsilon(t, before, after, 0.05, "the hour after it is from another hour")
			}
		})
	}
}

// What lasts becomes normal after max_degraded, and says so: a closing point, a
// point with its own reason, the own metric and the log. After it three times
// as much is an episode again.
func TestALastingShiftIsRebaselined(t *testing.T) {
	tel := componenttest.NewTelemetry()
	core, logs := observer.New(zapcore.InfoLevel)
	set := settings(tel)
	set.Logger = zap.New(core)
	r := newRigWith(t, set, func(c *Config) { c.Mode, c.MaxDegraded = modeGuarded, 2*time.Hour })
	var began, ended, again time.Duration
	var reasons []string
	all := story(4*time.Hour, time.Minute, time.Hour, 9*time.Hour, 3, 0.1, 1)
	for i := range all {
		if all[i].from >= 200*time.Minute {
			all[i].values[0] *= 3
		}
	}
	for i, md := range encodings()[0].encode(all, 1) {
		for _, v := range verdicts(t, r.send(md)) {
			switch {
			case v.state == 1 && began == 0:
				began = all[i].to
			case v.state == 1 && ended > 0 && again == 0:
				again = all[i].to
			case v.state == 0 && ended == 0:
				ended = all[i].to
			}
			if v.state == 0 {
				reasons = append(reasons, v.reason)
			}
		}
	}
	require.Equal(t, 62*time.Minute, began)
	require.GreaterOrEqual(t, ended-began, 2*time.Hour)
	require.LessOrEqual(t, ended-began, 2*time.Hour+5*time.Minute)
	require.ElementsMatch(t, []string{"mean_and_p95", "rebaselined"}, reasons)
	require.Equal(t, 202*time.Minute, again)
	m, err := tel.GetMetric("otelcol_degradation_rebaselines")
	require.NoError(t, err)
	require.EqualValues(t, 1, m.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	require.Equal(t, 1, logs.FilterMessage("a degradation lasted and is the new baseline").Len())
	require.NoError(t, tel.Shutdown(context.Background()))
}

// What still grows is no new normal.
func TestAGrowingIncidentIsNotRebaselined(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Mode, c.MaxDegraded, c.BaselineTTL = modeGuarded, 2*time.Hour, 48*time.Hour })
	all := story(10*time.Hour, time.Minute, time.Hour, 10*time.Hour, 1, 0.1, 1)
	for i := range all {
		if at := all[i].from - time.Hour; at > 0 {
			all[i].values[0] *= 3 * math.Pow(1.6, at.Hours()*2) // by 60 % each half hour
		}
	}
	told := 0
	for _, md := range encodings()[0].encode(all, 1) {
		for _, v := range verdicts(t, r.send(md)) {
			require.EqualValues(t, 1, v.state)
			told++
		}
	}
	require.Greater(t, told, 9*60-10)
}

// A baseline that is older than baseline_ttl is none: the series learns anew,
// and what was told is taken back.
func TestATooOldBaselineEnds(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Mode, c.MaxDegraded, c.BaselineTTL = modeGuarded, 100*time.Hour, 3*time.Hour
	})
	all := story(8*time.Hour, time.Minute, time.Hour, 9*time.Hour, 3, 0.1, 1)
	var last told
	for i, md := range encodings()[0].encode(all, 1) {
		for _, v := range verdicts(t, r.send(md)) {
			last = v
			require.Less(t, all[i].to, 5*time.Hour)
		}
	}
	require.EqualValues(t, 0, last.state)
	require.Equal(t, "mean_and_p95", last.reason)
}

// Normal noise of single values is above both thresholds time and again. Two of
// three would be an episode every hour; the series' own past says that it is
// nothing.
func TestNoiseIsNoEpisode(t *testing.T) {
	for _, sigma := range []float64{0.1, 0.5, 1} {
		r := newRig(t, guarded)
		strict := newRig(t, nil)
		told, toldStrict := 0, 0
		for _, md := range encodings()[0].encode(story(24*time.Hour, time.Minute, 0, 0, 1, sigma, 1), 1) {
			copied := pmetric.NewMetrics()
			md.CopyTo(copied)
			told += len(verdicts(t, r.send(md)))
			toldStrict += len(verdicts(t, strict.send(copied)))
		}
		require.Zero(t, told, "σ %v", sigma)
		if sigma > 0.4 {
			require.Greater(t, toldStrict, 10, "σ %v: no noise to speak of", sigma)
		}
	}
}

// The states add up to the series, also when series go.
func TestStatesAddUp(t *testing.T) {
	tel := componenttest.NewTelemetry()
	r := newRigWith(t, settings(tel), func(c *Config) { c.Mode, c.MaxSeries = modeGuarded, 20 })
	states := func() map[string]int64 {
		m, err := tel.GetMetric("otelcol_degradation_states")
		require.NoError(t, err)
		out := map[string]int64{}
		for _, dp := range m.Data.(metricdata.Gauge[int64]).DataPoints {
			s, _ := dp.Attributes.Value("state")
			out[s.AsString()] = dp.Value
		}
		return out
	}
	for i := range 40 {
		for s := range 10 {
			v := 1.0
			if i >= 38 && s < 3 || i == 39 && s < 5 {
				v = 3
			}
			r.send(gauge(fmt.Sprint("m", s), time.Duration(i)*time.Minute, v))
		}
	}
	r.send(gauge("mnew", 0, 1))
	require.Equal(t, map[string]int64{"learning": 1, "normal": 5, "pending": 2, "degraded": 3, "recovering": 0}, states())
	r.send(gauge("m0", 40*time.Minute, 1))
	require.Equal(t, map[string]int64{"learning": 1, "normal": 5, "pending": 2, "degraded": 2, "recovering": 1}, states())
	require.NoError(t, tel.Shutdown(context.Background()))
}

// An incident after which next to nothing is measured: what was judged last is
// told for a window, and no longer, for it says nothing of the present.
func TestAnEpisodeEndsWhenTooLittleComes(t *testing.T) {
	all := story(2*time.Hour, time.Minute, 90*time.Minute, 2*time.Hour, 3, 0.1, 40)
	for at := 2 * time.Hour; at < 6*time.Hour; at += 5 * time.Minute {
		all = append(all, interval{from: at, to: at + 5*time.Minute, values: []float64{0.05}})
	}
	for _, name := range []string{"histogram, delta", "exponential histogram, cumulative"} {
		t.Run(name, func(t *testing.T) {
			for _, enc := range encodings() {
				if enc.name != name {
					continue
				}
				r := newRig(t, func(c *Config) { c.Mode = modeGuarded })
				var last time.Duration
				var state int64
				for i, md := range enc.encode(all, 1) {
					for _, v := range verdicts(t, r.send(md)) {
						last, state = all[i].to, v.state
					}
				}
				require.EqualValues(t, 0, state)
				require.InDelta(t, 3*time.Hour, last, float64(11*time.Minute))
				return
			}
			t.Fatal("no such encoding")
		})
	}
}
