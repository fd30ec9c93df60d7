package alertmanager

import (
	"fmt"
	"slices"
	"strings"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/message"
)

// LabelNames is what becomes of the names of labels and annotations.
type LabelNames uint8

// The values of LabelNames.
const (
	Underscore LabelNames = iota
	UTF8
)

func labelNamesNames() []string { return []string{"underscore", "utf8"} }

func (l LabelNames) String() string { return labelNamesNames()[l] }

// MarshalText writes the name.
func (l LabelNames) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the name.
func (l *LabelNames) UnmarshalText(text []byte) error {
	i := slices.Index(labelNamesNames(), string(text))
	if i < 0 {
		return fmt.Errorf("%q is unknown, allowed are %s", text, strings.Join(labelNamesNames(), ", "))
	}
	*l = LabelNames(i)
	return nil
}

func (l LabelNames) naming() message.Naming {
	if l == UTF8 {
		return message.UTF8
	}
	return message.Underscore
}
