package degradation

import (
	"fmt"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
)

// Mode is how a measurement is judged.
type Mode string

const (
	// modeGuarded is the rule with a guard against noise and against learning
	// what is not normal. It is also what an absent mode means.
	modeGuarded Mode = "guarded"
	// modeAdaptive is modeGuarded and what a series' own noise says.
	modeAdaptive Mode = "adaptive"
	// modeStrict compares with the baseline and nothing else.
	modeStrict Mode = "strict"
)

// String is the mode's name in the configuration.
func (m Mode) String() string { return orDefault(string(m), string(modeGuarded)) }

// UnmarshalText takes any text; Validate tells what is allowed together with
// everything else that is wrong.
func (m *Mode) UnmarshalText(text []byte) error {
	*m = Mode(text)
	return nil
}

func (m Mode) validate(path string) error {
	return oneOf(path, m.String(), string(modeGuarded), string(modeAdaptive), string(modeStrict))
}

// Seasonality is the pattern that is taken out of a series before it is judged.
type Seasonality string

const (
	// seasonalityNone takes out nothing. It is also what an absent value means.
	seasonalityNone Seasonality = "none"
	// seasonalityHourOfWeek takes out what is usual at each hour of the week.
	seasonalityHourOfWeek Seasonality = "hour_of_week"
)

// String is the name in the configuration.
func (s Seasonality) String() string { return orDefault(string(s), string(seasonalityNone)) }

// UnmarshalText takes any text, as Mode's does.
func (s *Seasonality) UnmarshalText(text []byte) error {
	*s = Seasonality(text)
	return nil
}

func (s Seasonality) validate(path string) error {
	return oneOf(path, s.String(), string(seasonalityNone), string(seasonalityHourOfWeek))
}

// Current is the number of a histogram's interval that is judged.
type Current string

const (
	// currentMean is the mean. It is also what an absent value means.
	currentMean Current = "mean"
	currentP50  Current = "p50"
	currentP95  Current = "p95"
	currentMax  Current = "max"
)

// String is the name in the configuration.
func (c Current) String() string { return orDefault(string(c), string(currentMean)) }

// UnmarshalText takes any text, as Mode's does.
func (c *Current) UnmarshalText(text []byte) error {
	*c = Current(text)
	return nil
}

func (c Current) validate(path string) error {
	return oneOf(path, c.String(), string(currentMean), string(currentP50), string(currentP95), string(currentMax))
}

func (c Current) measure() measure.Current {
	switch c {
	case currentP50:
		return measure.P50
	case currentP95:
		return measure.P95
	case currentMax:
		return measure.Max
	}
	return measure.Mean
}

// Direction is where worse lies.
type Direction string

const (
	// directionUp: more is worse. It is also what an absent value means.
	directionUp   Direction = "up"
	directionDown Direction = "down"
	directionBoth Direction = "both"
)

// String is the name in the configuration.
func (d Direction) String() string { return orDefault(string(d), string(directionUp)) }

// UnmarshalText takes any text, as Mode's does.
func (d *Direction) UnmarshalText(text []byte) error {
	*d = Direction(text)
	return nil
}

func (d Direction) validate(path string) error {
	return oneOf(path, d.String(), string(directionUp), string(directionDown), string(directionBoth))
}

// Emit is which verdicts are told.
type Emit string

const (
	// emitDegraded tells the degraded ones, and the first that no longer is.
	// It is also what an absent value means.
	emitDegraded Emit = "degraded"
	// emitAll tells every verdict.
	emitAll Emit = "all"
)

// String is the name in the configuration.
func (e Emit) String() string { return orDefault(string(e), string(emitDegraded)) }

// UnmarshalText takes any text, as Mode's does.
func (e *Emit) UnmarshalText(text []byte) error {
	*e = Emit(text)
	return nil
}

func (e Emit) validate(path string) error {
	return oneOf(path, e.String(), string(emitDegraded), string(emitAll))
}

func orDefault(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func oneOf(path, text string, allowed ...string) error {
	for _, a := range allowed {
		if text == a {
			return nil
		}
	}
	return fmt.Errorf("%s: %q is not allowed, use one of %q", path, text, allowed)
}
