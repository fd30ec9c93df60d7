package degradation

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
)

// Validate reports everything that is wrong at once.
func (c *Config) Validate() error {
	errs := []error{
		c.Mode.validate("mode"),
		c.validateWindow(),
		ratio("mean_ratio", c.MeanRatio),
		ratio("p95_ratio", c.P95Ratio),
		c.Direction.validate("direction"),
		c.Current.validate("current"),
		c.Seasonality.validate("seasonality"),
		c.Emit.validate("emit"),
	}
	if c.MinSamples < 0 {
		errs = append(errs, fmt.Errorf("min_samples: %d is not allowed, use 0 or more", c.MinSamples))
	}
	if c.MaxSeries < 1 {
		errs = append(errs, fmt.Errorf("max_series: %d is not allowed, use 1 or more", c.MaxSeries))
	}
	if c.Mode != modeStrict {
		errs = append(errs, c.validateGuarded())
	}
	if (c.Mode != modeStrict || c.Storage != nil) && c.validateWindow() == nil && c.BaselineTTL < c.Window {
		errs = append(errs, fmt.Errorf("baseline_ttl: %s is not allowed, use the window of %s or more", c.BaselineTTL, c.Window))
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
	if !(r >= 1) {
		return fmt.Errorf("%s: %v is not allowed, use a number of 1 or more, or .inf for none", path, r)
	}
	return nil
}

// maxDeviations is more than any series needs: the tenth of it has a chance of
// 1e-23 in normal noise.
const maxDeviations = 100

// validateGuarded looks at what mode strict does not use. A mode that does not
// exist is taken for one that does.
func (c *Config) validateGuarded() error {
	errs := []error{
		between("clear.mean_ratio", c.Clear.MeanRatio, "mean_ratio", c.MeanRatio),
		between("clear.p95_ratio", c.Clear.P95Ratio, "p95_ratio", c.P95Ratio),
		within("clear.evaluations", c.Clear.Evaluations, 1, 1000),
		within("pending.n", c.Pending.N, 1, episode.MaxN),
		within("pending.m", c.Pending.M, 1, max(1, min(c.Pending.N, episode.MaxN))),
		ratio("adaptive.ratio", c.Adaptive.Ratio),
		ratio("adaptive.drift_ratio", c.Adaptive.DriftRatio),
	}
	if d := c.Adaptive.Deviations; !(d >= 0 && d <= maxDeviations) {
		errs = append(errs, fmt.Errorf("adaptive.deviations: %v is not allowed, use 0 to %v", d, maxDeviations))
	}
	if c.MinCount < 0 || int64(c.MinCount) > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("min_count: %d is not allowed, use 0 to %d", c.MinCount, math.MaxInt32))
	}
	windowIsRight := c.validateWindow() == nil
	if c.MinDuration < 0 || windowIsRight && c.MinDuration > c.Window {
		errs = append(errs, fmt.Errorf("min_duration: %s is not allowed, use 0s to the window of %s, which is all that a baseline covers", c.MinDuration, c.Window))
	}
	if !(c.MinAbsoluteDelta >= 0) || math.IsInf(c.MinAbsoluteDelta, 0) {
		errs = append(errs, fmt.Errorf("min_absolute_delta: %v is not allowed, use a number of 0 or more", c.MinAbsoluteDelta))
	}
	if c.Seasonality == seasonalityHourOfWeek && c.Pane > time.Hour {
		errs = append(errs, fmt.Errorf("pane: %s is not allowed with seasonality hour_of_week, use 1h or less", c.Pane))
	}
	if c.MaxDegraded <= 0 {
		errs = append(errs, fmt.Errorf("max_degraded: %s is not allowed, use more than 0s", c.MaxDegraded))
	}
	return errors.Join(errs...)
}

// between checks a threshold to clear against the one to enter.
func between(path string, r float64, limit string, most float64) error {
	if !(r >= 1) || r > most {
		return fmt.Errorf("%s: %v is not allowed, use 1 to %s, which is %v", path, r, limit, most)
	}
	return nil
}

func within(path string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s: %d is not allowed, use %d to %d", path, n, least, most)
	}
	return nil
}
