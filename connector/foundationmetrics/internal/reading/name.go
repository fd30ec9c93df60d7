package reading

import (
	"strings"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Phase returns the canonical phase that a word stands for, "" when it is none.
func Phase(word string) string {
	switch word {
	case "start":
		return semconv.PhaseStart
	case "complete", "stop", "end":
		return semconv.PhaseComplete
	case "failed", "exception":
		return semconv.PhaseFailed
	case "cancelled":
		return semconv.PhaseCancelled
	default:
		return ""
	}
}

// SplitPhase cuts a trailing phase off a dotted name.
func SplitPhase(name string) (base, phase string) {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if p := Phase(name[i+1:]); p != "" {
			return name[:i], p
		}
	}
	return name, ""
}

// maxName is longer than any event's name; a longer body is prose.
const maxName = 200

// Atoms makes the dotted name of an inspected list of atoms, [:a, :b] or ["a", "b"],
// and returns other names as they are.
func Atoms(s string) string {
	if len(s) < 3 || len(s) > maxName || s[0] != '[' || s[len(s)-1] != ']' {
		return s
	}
	parts := strings.Split(s[1:len(s)-1], ",")
	for i, p := range parts {
		p = strings.Trim(strings.TrimSpace(p), `"`)
		parts[i] = strings.TrimPrefix(p, ":")
	}
	return strings.Join(parts, ".")
}

// requestPrefix begins the names of request spans: request.<operation>.
const requestPrefix = "request."

// Name is what an item's name says.
type Name struct {
	Base      string // without the phase
	Phase     string
	Operation string // of request.<operation>
}

// ReadName takes a name apart.
func ReadName(s string) Name {
	base, phase := SplitPhase(Atoms(s))
	if op, ok := strings.CutPrefix(base, requestPrefix); ok && op != "" {
		return Name{Base: semconv.EventRequest, Phase: phase, Operation: op}
	}
	return Name{Base: base, Phase: phase}
}
