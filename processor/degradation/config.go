package degradation

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
)

// maxPanes bounds the memory of a series: a day of five minutes.
const maxPanes = 288

// Config is the configuration of the degradation processor.
type Config struct {
	// Mode is how a measurement is judged. Only "strict" exists, the default:
	// it is degraded if it is above mean_ratio times the baseline's mean or
	// above p95_ratio times its 95th percentile.
	Mode Mode `mapstructure:"mode"`

	// Window is how much of the past is the baseline. A whole number of panes,
	// 1 to 288. Default 1h.
	Window time.Duration `mapstructure:"window"`

	// Pane is the step in which the window moves on: a measurement is compared
	// with the panes before its own. Default 5m.
	Pane time.Duration `mapstructure:"pane"`

	// MeanRatio is the multiple of the baseline's mean above which a
	// measurement is degraded, 1 or more. Default 2.
	MeanRatio float64 `mapstructure:"mean_ratio"`

	// P95Ratio is the same for the baseline's 95th percentile. Default 1.5.
	P95Ratio float64 `mapstructure:"p95_ratio"`

	// MinSamples is how many measurements the baseline must hold before
	// anything is judged by it; a histogram's point brings as many as it
	// counts. 0 and 1 judge by a single one. Default 12.
	MinSamples int `mapstructure:"min_samples"`

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
	// read at the start. Default none: the state is in memory only.
	Storage *component.ID `mapstructure:"storage"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Mode:       modeStrict,
		Window:     time.Hour,
		Pane:       5 * time.Minute,
		MeanRatio:  2,
		P95Ratio:   1.5,
		MinSamples: 12,
		Current:    currentMean,
		MaxSeries:  10000,
		Emit:       emitDegraded,
		Metrics:    watchedByDefault(),
	}
}

// Validate reports everything that is wrong at once.
func (c *Config) Validate() error {
	errs := []error{
		c.Mode.validate("mode"),
		c.validateWindow(),
		ratio("mean_ratio", c.MeanRatio),
		ratio("p95_ratio", c.P95Ratio),
		c.Current.validate("current"),
		c.Emit.validate("emit"),
	}
	if c.MinSamples < 0 {
		errs = append(errs, fmt.Errorf("min_samples: %d is not allowed, use 0 or more", c.MinSamples))
	}
	if c.MaxSeries < 1 {
		errs = append(errs, fmt.Errorf("max_series: %d is not allowed, use 1 or more", c.MaxSeries))
	}
	for i, name := range c.ExcludeAttributes {
		if name == "" {
			errs = append(errs, fmt.Errorf("exclude_attributes[%d]: is empty, use the name of an attribute", i))
		}
	}
	if len(c.Metrics) == 0 {
		errs = append(errs, errors.New("metrics: is empty and would watch nothing, use one name or pattern at least"))
	}
	for i, pattern := range c.Metrics {
		switch {
		case pattern == "":
			errs = append(errs, fmt.Errorf("metrics[%d]: is empty, use a metric's name, in which * and ? may stand for others", i))
		case slices.Contains(ownMetrics[:], pattern):
			errs = append(errs, fmt.Errorf("metrics[%d]: %s is this processor's own output, which it does not watch; use another metric's name", i, pattern))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateWindow() error {
	if c.Pane < time.Millisecond {
		return fmt.Errorf("pane: %s is not allowed, use 1ms or more", c.Pane)
	}
	if c.Window < c.Pane || c.Window%c.Pane != 0 || c.Window/c.Pane > maxPanes {
		return fmt.Errorf("window: %s is not allowed, use 1 to %d times the pane of %s", c.Window, maxPanes, c.Pane)
	}
	return nil
}

func ratio(path string, r float64) error {
	if !(r >= 1) || math.IsInf(r, 0) {
		return fmt.Errorf("%s: %v is not allowed, use a number of 1 or more", path, r)
	}
	return nil
}
