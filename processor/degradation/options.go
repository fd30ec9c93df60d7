package degradation

import (
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/adaptive"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// options is the configuration in the words of the detector.
func (c *Config) options() detector.Options {
	o := detector.Options{
		Rule: verdict.Rule{
			MeanRatio:  c.MeanRatio,
			P95Ratio:   c.P95Ratio,
			MinSamples: uint64(c.MinSamples),
		},
		Panes:     baseline.Panes{Width: c.Pane.Nanoseconds(), Count: int64(c.Window / c.Pane)},
		MaxSeries: c.MaxSeries,
		Folds:     len(c.ExcludeAttributes) > 0,
		All:       c.Emit == emitAll,
	}
	if c.Mode != modeStrict {
		o.Guarded = c.guarded(o.Rule)
	}
	return o
}

func (c *Config) guarded(enter verdict.Rule) *detector.Guarded {
	g := &detector.Guarded{
		Judge: verdict.Guard{
			Enter:     enter,
			ClearMean: c.Clear.MeanRatio,
			ClearP95:  c.Clear.P95Ratio,
			MinDelta:  c.MinAbsoluteDelta,
			Up:        c.Direction != directionDown,
			Down:      c.Direction == directionDown || c.Direction == directionBoth,
		},
		Episode:     episode.Rule{M: c.Pending.M, N: c.Pending.N, Clear: c.Clear.Evaluations},
		MinPanes:    int((c.MinDuration + c.Pane - 1) / c.Pane),
		MinCount:    uint32(c.MinCount),
		PoolMax:     c.Current.measure() == measure.Max,
		MaxDegraded: c.MaxDegraded.Nanoseconds(),
		Seasonal:    c.Seasonality == seasonalityHourOfWeek,
		TTL:         c.BaselineTTL.Nanoseconds(),
	}
	if c.Mode == modeAdaptive {
		p := &adaptive.Params{
			Up:          g.Judge.Up,
			Down:        g.Judge.Down,
			M:           c.Pending.M,
			N:           c.Pending.N,
			Deviations:  c.Adaptive.Deviations,
			Ratio:       c.Adaptive.Ratio,
			DriftRatio:  c.Adaptive.DriftRatio,
			MinValues:   max(uint64(c.MinSamples), minLearned),
			BlockStages: adaptive.BlockStages(int64(c.BaselineTTL / c.Pane)),
		}
		g.NewArms = func() detector.Arms { return adaptive.New(p) }
	}
	return g
}
