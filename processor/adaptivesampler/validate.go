package adaptivesampler

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// Validate reports everything that is wrong at once.
func (c *Config) Validate() error {
	errs := []error{
		c.Mode.validate("mode"),
		c.Scope.validate("scope"),
		c.Preset.validate("preset"),
		probability("default_rate", c.DefaultRate),
		c.Boosts.validate("boosts"),
		c.Load.validate("load"),
		c.Budget.validate("budget"),
		c.Trace.validate("trace"),
		positive("decision_cache.kept", c.DecisionCache.Kept),
		positive("decision_cache.dropped", c.DecisionCache.Dropped),
	}
	names := make([]string, 0, len(c.Rates))
	for name := range c.Rates {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case name == "":
			errs = append(errs, errors.New("rates: a name is empty, use default_rate for names without a rate"))
		case strings.HasSuffix(name, "."):
			errs = append(errs, fmt.Errorf("rates[%s]: ends with a dot and is the prefix of no name, leave the dot out", name))
		}
		errs = append(errs, probability(fmt.Sprintf("rates[%s]", name), c.Rates[name]))
	}
	if c.SamplingPrecision < 1 || c.SamplingPrecision > otelsampling.NumHexDigits {
		errs = append(errs, fmt.Errorf("sampling_precision: %d is not allowed, use 1 to %d hex digits", c.SamplingPrecision, otelsampling.NumHexDigits))
	}
	return errors.Join(errs...)
}

func (c *BoostsConfig) validate(path string) error {
	errs := []error{
		boost(path+".error", c.Error),
		probability(path+".error_floor", c.ErrorFloor),
		boost(path+".critical.factor", c.Critical.Factor),
	}
	for i, part := range c.Critical.Contains {
		if part == "" {
			errs = append(errs, fmt.Errorf("%s.critical.contains[%d]: is empty and would make every name critical, use a part of a name", path, i))
		}
	}
	return errors.Join(errs...)
}

func (c *BudgetConfig) validate(path string) error {
	var errs []error
	if !(c.SpansPerSecond >= 0) || math.IsInf(c.SpansPerSecond, 0) {
		errs = append(errs, fmt.Errorf("%s.spans_per_second: %v is not allowed, use 0 for no budget or more", path, c.SpansPerSecond))
	}
	errs = append(errs, probability(path+".error_share", c.ErrorShare))
	if c.MinPerNamePerMinute < 0 {
		errs = append(errs, fmt.Errorf("%s.min_per_name_per_minute: %d is not allowed, use 0 or more", path, c.MinPerNamePerMinute))
	}
	return errors.Join(errs...)
}

func (c *TraceConfig) validate(path string) error {
	errs := []error{
		positive(path+".timeout", c.Timeout),
		positive(path+".max_bytes", c.MaxBytes),
		positive(path+".span_limit", c.SpanLimit),
	}
	if c.DecisionDelay < 0 {
		errs = append(errs, fmt.Errorf("%s.decision_delay: %v is not allowed, use 0s or more", path, c.DecisionDelay))
	}
	return errors.Join(errs...)
}

func (c *LoadConfig) validate(path string) error {
	var errs []error
	for i, source := range c.Sources {
		at := fmt.Sprintf("%s.sources[%d]", path, i)
		errs = append(errs, source.validate(at))
		if slices.Contains(c.Sources[:i], source) {
			errs = append(errs, fmt.Errorf("%s: %q is there twice", at, source))
		}
	}
	for i, step := range c.Ladder {
		at := fmt.Sprintf("%s.ladder[%d]", path, i)
		if !(step.Above >= 0 && step.Above < 1) {
			errs = append(errs, fmt.Errorf("%s.above: %v is not allowed, use 0 or more and less than 1", at, step.Above))
		}
		// A factor of 0 would drop without a threshold, and nothing would
		// stand for what was dropped.
		if !(step.Factor > 0 && step.Factor <= 1) {
			errs = append(errs, fmt.Errorf("%s.factor: %v is not allowed, use more than 0 and at most 1", at, step.Factor))
		}
		if i > 0 && step.Above <= c.Ladder[i-1].Above {
			errs = append(errs, fmt.Errorf("%s.above: %v does not exceed the step before, sort the steps by load", at, step.Above))
		}
		if i > 0 && step.Factor > c.Ladder[i-1].Factor {
			errs = append(errs, fmt.Errorf("%s.factor: %v is more than in the step before, more load must not keep more", at, step.Factor))
		}
	}
	switch {
	case !(c.ExitMargin >= 0 && c.ExitMargin < 1):
		errs = append(errs, fmt.Errorf("%s.exit_margin: %v is not allowed, use 0 or more and less than 1", path, c.ExitMargin))
	case len(c.Ladder) > 0 && c.ExitMargin > c.Ladder[0].Above:
		errs = append(errs, fmt.Errorf("%s.exit_margin: with %v the first step is never left, use at most its load of %v", path, c.ExitMargin, c.Ladder[0].Above))
	}
	if c.MinDwell < 0 {
		errs = append(errs, fmt.Errorf("%s.min_dwell: %v is not allowed, use 0s or more", path, c.MinDwell))
	}
	if c.Tick < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("%s.tick: %v is not allowed, use 10ms or more", path, c.Tick))
	}
	return errors.Join(errs...)
}

func probability(path string, p float64) error {
	if p >= 0 && p <= 1 { // false for NaN
		return nil
	}
	return fmt.Errorf("%s: %v is not allowed, use 0 to 1", path, p)
}

func positive[N int | int64 | time.Duration](path string, n N) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("%s: %v is not allowed, use more than 0", path, n)
}

func boost(path string, factor float64) error {
	if factor >= 1 && !math.IsInf(factor, 0) {
		return nil
	}
	return fmt.Errorf("%s: %v is not allowed, use 1 or more", path, factor)
}
