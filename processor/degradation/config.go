package degradation

import (
	"time"

	"go.opentelemetry.io/collector/component"
)

// maxPanes bounds the memory of a series: a day of five minutes.
const maxPanes = 288

// Config is the configuration of the degradation processor.
type Config struct {
	// Mode is how a measurement is judged. "strict": it is degraded if it is
	// above mean_ratio times the baseline's mean or above p95_ratio times its
	// 95th percentile. "guarded", the default: by the same thresholds, and it
	// takes several to enter and to leave an episode, which does not become part
	// of the baseline. "adaptive": guarded, and what is unusual for the series'
	// own noise.
	Mode Mode `mapstructure:"mode"`

	// Window is how much of the past is the baseline. A whole number of panes,
	// 1 to 288. Default 1h.
	Window time.Duration `mapstructure:"window"`

	// Pane is the step in which the window moves on: a measurement is compared
	// with the panes before its own. Default 5m.
	Pane time.Duration `mapstructure:"pane"`

	// MeanRatio is the multiple of the baseline's mean above which a
	// measurement is degraded, 1 or more; .inf turns this comparison off.
	// Default 2.
	MeanRatio float64 `mapstructure:"mean_ratio"`

	// P95Ratio is the same for the baseline's 95th percentile. Default 1.5.
	P95Ratio float64 `mapstructure:"p95_ratio"`

	// Clear is what ends an episode. Not used in mode strict.
	Clear ClearConfig `mapstructure:"clear"`

	// Pending is what begins an episode. Not used in mode strict.
	Pending PendingConfig `mapstructure:"pending"`

	// MinSamples is how many measurements the baseline must hold before
	// anything is judged by it; a histogram's point brings as many as it
	// counts. 0 and 1 judge by a single one. Default 12.
	MinSamples int `mapstructure:"min_samples"`

	// MinDuration is how much time the panes of the baseline must cover before
	// anything is judged by it, at most the window; 0 asks for one pane. Not used
	// in mode strict. Default 15m.
	MinDuration time.Duration `mapstructure:"min_duration"`

	// MinCount is how many measurements the interval of a histogram must have to
	// be judged alone; smaller ones in a row are judged together when they have
	// as many. 0 and 1 judge each alone. Not used in mode strict. Default 30.
	MinCount int `mapstructure:"min_count"`

	// MinAbsoluteDelta is the difference from the mean, in the unit of the
	// metric, up to which nothing is degraded. 0, the default, is no such floor.
	// Not used in mode strict.
	MinAbsoluteDelta float64 `mapstructure:"min_absolute_delta"`

	// Direction is where worse lies: "up", the default, "down" (below the mean
	// divided by mean_ratio, or below the 5th percentile divided by p95_ratio) or
	// "both". Not used in mode strict, which is up.
	Direction Direction `mapstructure:"direction"`

	// Adaptive is what mode adaptive adds. Not used in the other modes.
	Adaptive AdaptiveConfig `mapstructure:"adaptive"`

	// Seasonality is the pattern that is learned and taken out of a series before
	// it is judged: "none", the default, or "hour_of_week" (UTC), which takes two
	// weeks to be learned and wants panes of at most an hour. Not used in mode
	// strict.
	Seasonality Seasonality `mapstructure:"seasonality"`

	// MaxDegraded is how long an episode lasts until what it measured may become
	// the baseline, if it is stable. Not used in mode strict. More than 0.
	// Default 6h.
	MaxDegraded time.Duration `mapstructure:"max_degraded"`

	// BaselineTTL is how old a pane of the baseline gets: neither a gap nor an
	// incident moves the baseline until then. Not less than the window. In mode
	// strict, where the window is all there is, only storage uses it. Default 24h.
	BaselineTTL time.Duration `mapstructure:"baseline_ttl"`

	// Current is the number of a histogram's interval that is judged: "mean",
	// the default, "p50", "p95" or "max" (the upper bound of the highest
	// bucket). It also selects a summary's quantile: 0.5 for p50, 1 for max,
	// else 0.95, or the nearest one that the summary has.
	Current Current `mapstructure:"current"`

	// MaxSeries bounds the series that are kept, and the cumulative streams
	// when exclude_attributes makes several of them one series. When it is
	// reached, a new one takes the place of one not seen for a window, else it
	// is refused: its points pass through unjudged. 1 or more. Default 10000.
	MaxSeries int `mapstructure:"max_series"`

	// ExcludeAttributes are the attributes of points that do not tell series
	// apart; streams that differ in nothing else share a baseline. Default
	// none.
	ExcludeAttributes []string `mapstructure:"exclude_attributes"`

	// Emit is which verdicts are told: "degraded", the default, tells the
	// degraded ones and the first that no longer is; "all" tells every one.
	Emit Emit `mapstructure:"emit"`

	// Metrics are the names of the metrics to watch; * stands for any text and
	// ? for one character. Default: the eight latencies that Foundation OS keeps
	// a baseline of.
	Metrics []string `mapstructure:"metrics"`

	// Storage is the ID of a storage extension, such as file_storage, that keeps
	// the state across restarts: it is written every minute and at shutdown, and
	// read at the start. Series not seen for baseline_ttl are not taken back, in
	// no mode. Default none: the state is in memory only.
	Storage *component.ID `mapstructure:"storage"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ClearConfig is what ends an episode: a number of evaluations in a row that are
// not above these multiples. They lie below those that begin one, so that what
// hovers around a threshold does not flap.
type ClearConfig struct {
	// MeanRatio is a multiple of the baseline's mean, 1 to mean_ratio. Default
	// 1.6.
	MeanRatio float64 `mapstructure:"mean_ratio"`

	// P95Ratio is a multiple of the 95th percentile, 1 to p95_ratio. Default 1.2.
	P95Ratio float64 `mapstructure:"p95_ratio"`

	// Evaluations is how many in a row, 1 to 1000. Default 3.
	Evaluations int `mapstructure:"evaluations"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PendingConfig is what begins an episode: that M of the last N evaluations of a
// series are above the thresholds.
type PendingConfig struct {
	// M is 1 to n. Default 2.
	M int `mapstructure:"m"`

	// N is 1 to 64. Default 3.
	N int `mapstructure:"n"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// AdaptiveConfig is what makes an evaluation suspect that the ratios do not. It
// must be beyond all that the series did within baseline_ttl while it was normal,
// and beyond both of these.
type AdaptiveConfig struct {
	// Deviations is the distance from the median in robust standard deviations. 0
	// asks for none: to be beyond all that was is enough then, which chance does,
	// too, about once in a baseline_ttl. Default 5.
	Deviations float64 `mapstructure:"deviations"`

	// Ratio is the least multiple of the median that a single evaluation is
	// suspect above, 1 or more. Default 1.2.
	Ratio float64 `mapstructure:"ratio"`

	// DriftRatio is the same for the moving averages, 1 or more. Default 1.15.
	DriftRatio float64 `mapstructure:"drift_ratio"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// minLearned is how many evaluations mode adaptive wants to have seen, whatever
// min_samples says: two hours at one a minute. Of 60, neither the median
// deviation nor the furthest one says enough: of the false alarms in log-normal
// noise nearly all came between 60 and 120.
const minLearned = 120

func createDefaultConfig() component.Config {
	return &Config{
		Mode:        modeGuarded,
		Window:      time.Hour,
		Pane:        5 * time.Minute,
		MeanRatio:   2,
		P95Ratio:    1.5,
		Clear:       ClearConfig{MeanRatio: 1.6, P95Ratio: 1.2, Evaluations: 3},
		Pending:     PendingConfig{M: 2, N: 3},
		MinSamples:  12,
		MinDuration: 15 * time.Minute,
		MinCount:    30,
		Direction:   directionUp,
		Adaptive:    AdaptiveConfig{Deviations: 5, Ratio: 1.2, DriftRatio: 1.15},
		MaxDegraded: 6 * time.Hour,
		BaselineTTL: 24 * time.Hour,
		Current:     currentMean,
		Seasonality: seasonalityNone,
		MaxSeries:   10000,
		Emit:        emitDegraded,
		Metrics:     watchedByDefault(),
	}
}
