package adaptivesampler

import "fmt"

// Mode is what a decision is made for.
type Mode string

const (
	// modeTrace buffers the spans of a trace and decides them together. It is
	// also what an absent mode means.
	modeTrace Mode = "trace"
	// modeSpan decides each span by its own name, as it comes.
	modeSpan Mode = "span"
)

// String is the mode's name in the configuration.
func (m Mode) String() string { return orDefault(string(m), string(modeTrace)) }

// UnmarshalText takes any text; Validate tells what is allowed together with
// everything else that is wrong.
func (m *Mode) UnmarshalText(text []byte) error {
	*m = Mode(text)
	return nil
}

func (m Mode) validate(path string) error {
	return oneOf(path, m.String(), string(modeTrace), string(modeSpan))
}

// Scope tells which names give a trace its rate.
type Scope string

const (
	// scopeRoot: that of the root. It is also what an absent scope means.
	scopeRoot Scope = "root"
	// scopeMaxName: all of its spans'; the highest rate counts.
	scopeMaxName Scope = "max_name"
)

// String is the scope's name in the configuration.
func (s Scope) String() string { return orDefault(string(s), string(scopeRoot)) }

// UnmarshalText takes any text, as Mode's does.
func (s *Scope) UnmarshalText(text []byte) error {
	*s = Scope(text)
	return nil
}

func (s Scope) validate(path string) error {
	return oneOf(path, s.String(), string(scopeRoot), string(scopeMaxName))
}

// Preset is a table of names to start from.
type Preset string

const (
	// presetFoundationOS has the rates and critical names of Foundation OS. It
	// is also what an absent preset means.
	presetFoundationOS Preset = "foundation_os"
	// presetNone has no names.
	presetNone Preset = "none"
)

// String is the preset's name in the configuration.
func (p Preset) String() string { return orDefault(string(p), string(presetFoundationOS)) }

// UnmarshalText takes any text, as Mode's does.
func (p *Preset) UnmarshalText(text []byte) error {
	*p = Preset(text)
	return nil
}

func (p Preset) validate(path string) error {
	return oneOf(path, p.String(), string(presetFoundationOS), string(presetNone))
}

// LoadSource is a load signal.
type LoadSource string

const (
	// loadSourceCPU is this process's share of the processor time it may use.
	loadSourceCPU LoadSource = "cpu"
	// loadSourceMemory is how full the memory is that it may use.
	loadSourceMemory LoadSource = "memory"
	// loadSourceBackpressure is how much the next consumer holds up its callers.
	loadSourceBackpressure LoadSource = "backpressure"
)

// String is the source's name in the configuration.
func (s LoadSource) String() string { return string(s) }

// UnmarshalText takes any text, as Mode's does.
func (s *LoadSource) UnmarshalText(text []byte) error {
	*s = LoadSource(text)
	return nil
}

func (s LoadSource) validate(path string) error {
	return oneOf(path, string(s), string(loadSourceCPU), string(loadSourceMemory), string(loadSourceBackpressure))
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
