package alertrules

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Severity of an alert.
type Severity int

const (
	SeverityWarning Severity = iota
	SeverityInfo
	SeverityError
	SeverityCritical
)

var severities = []string{"warning", "info", "error", "critical"}

func (s Severity) String() string { return nameOf(severities, int(s)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	i, err := indexOf(severities, text, "severity")
	*s = Severity(i)
	return err
}

// severityNumber reads the label severity of any rule file; what it does not
// know is a warning, as an alert is never less.
func severityNumber(label string) plog.SeverityNumber {
	switch strings.ToLower(label) {
	case "info", "informational", "notice", "none":
		return plog.SeverityNumberInfo
	case "error", "major", "high":
		return plog.SeverityNumberError
	case "critical", "fatal", "page", "emergency", "disaster":
		return plog.SeverityNumberFatal
	}
	return plog.SeverityNumberWarn
}

// Signal that an event rule looks at.
type Signal int

const (
	SignalLogs Signal = iota
	SignalSpans
)

var signals = []string{"logs", "spans"}

func (s Signal) String() string { return nameOf(signals, int(s)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Signal) UnmarshalText(text []byte) error {
	i, err := indexOf(signals, text, "signal of event rules")
	*s = Signal(i)
	return err
}

// Kind of an alert event: the end of its name.
type Kind int

const (
	KindTriggered Kind = iota // an alert begins to fire
	KindResolved              // it ends
	KindActive                // told again: it fires, or ended a short while ago
	KindPending               // it will fire if it goes on
	KindNoData                // there is nothing any more to compare
	KindFlapping              // it changed so often that it is held firing
)

var kinds = []string{"triggered", "resolved", "active", "pending", "no_data", "flapping"}

func (k Kind) String() string { return nameOf(kinds, int(k)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(text []byte) error {
	i, err := indexOf(kinds, text, "alert event")
	*k = Kind(i)
	return err
}

// Strategy of translating OTLP names, as in Prometheus' OTLP settings.
type Strategy int

const (
	NoTranslation Strategy = iota
	UnderscoreEscapingWithSuffixes
	NoUTF8EscapingWithSuffixes
)

var strategies = []string{"NoTranslation", "UnderscoreEscapingWithSuffixes", "NoUTF8EscapingWithSuffixes"}

func (s Strategy) String() string { return nameOf(strategies, int(s)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Strategy) UnmarshalText(text []byte) error {
	i, err := indexOf(strategies, text, "translation strategy")
	*s = Strategy(i)
	return err
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("unknown(%d)", i)
	}
	return names[i]
}

func indexOf(names []string, text []byte, what string) (int, error) {
	i := slices.Index(names, string(text))
	if i < 0 {
		return 0, fmt.Errorf("%q is no %s, allowed: %s", text, what, strings.Join(names, ", "))
	}
	return i, nil
}
