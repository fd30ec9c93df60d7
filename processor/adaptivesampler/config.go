package adaptivesampler

import (
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config is the configuration of the adaptive_sampler processor.
type Config struct {
	// Mode is what a decision is made for: "trace", the default, buffers the
	// spans of a trace and keeps all of them or none; "span" decides each span
	// by its own name, as it comes. Log records are always decided one by one.
	Mode Mode `mapstructure:"mode"`

	// Scope tells, in mode trace, whose name gives a trace its rate: "root",
	// the default, the root's, or that of the span with which the trace enters
	// when no root is seen; "max_name" the name with the highest rate, so that
	// every name is kept at least at its own.
	Scope Scope `mapstructure:"scope"`

	// DefaultRate is the rate of names without one, 0 to 1. 0 drops them.
	// Default 1.
	DefaultRate float64 `mapstructure:"default_rate"`

	// Rates are the rates by name, 0 to 1. A name has the rate of its longest
	// prefix that ends at a dot. They are laid over those of the preset. 0
	// drops the name. Default none.
	Rates map[string]float64 `mapstructure:"rates"`

	// Preset is the table of names to start from: "foundation_os", the
	// default, or "none".
	Preset Preset `mapstructure:"preset"`

	// Boosts raise the rate of some items.
	Boosts BoostsConfig `mapstructure:"boosts"`

	// NameAttribute is the attribute that names an item before its own name
	// does. Empty: always its own name. Default foundation_os.event.name.
	NameAttribute string `mapstructure:"name_attribute"`

	// Load lowers all rates under load.
	Load LoadConfig `mapstructure:"load"`

	// SamplingPrecision is how many hex digits the threshold has, 1 to 14.
	// Fewer are shorter to carry, more are closer to the rate. Default 4.
	SamplingPrecision int `mapstructure:"sampling_precision"`

	// FailClosed drops items whose sampling information cannot be read, and
	// spans without a trace id. False, the default, keeps them without a
	// threshold.
	FailClosed bool `mapstructure:"fail_closed"`

	// Budget bounds the spans that are kept.
	Budget BudgetConfig `mapstructure:"budget"`

	// Trace bounds the buffer of mode trace.
	Trace TraceConfig `mapstructure:"trace"`

	// DecisionCache bounds what mode trace remembers of decided traces, for
	// spans that come later.
	DecisionCache DecisionCacheConfig `mapstructure:"decision_cache"`

	// Logs is for log records only.
	Logs LogsConfig `mapstructure:"logs"`
}

// BudgetConfig bounds the spans that are kept. Log records are not concerned.
type BudgetConfig struct {
	// SpansPerSecond is how many spans are kept a second at the most. 0, the
	// default, is no bound.
	SpansPerSecond float64 `mapstructure:"spans_per_second"`

	// ErrorShare is the part of it that errors are sure of, 0 to 1. What they
	// do not need the others have, and the other way round. Default 0.2.
	ErrorShare float64 `mapstructure:"error_share"`

	// MinPerNamePerMinute is how many spans (mode span) or traces (mode trace)
	// of each name are kept before anything else, as far as the budget goes. 0:
	// none. Default 1.
	MinPerNamePerMinute int `mapstructure:"min_per_name_per_minute"`
}

// TraceConfig bounds the buffer of mode trace.
type TraceConfig struct {
	// Timeout is how long after its first span a trace is decided at the
	// latest. Must be greater than 0. Default 30s.
	Timeout time.Duration `mapstructure:"timeout"`

	// DecisionDelay is how long after its root a trace is decided: spans may
	// come later than their parents. 0 decides when the root is there. Default
	// 2s.
	DecisionDelay time.Duration `mapstructure:"decision_delay"`

	// MaxBytes is how much is buffered, by the buffer's own count; over it
	// traces are decided early, the oldest first. Must be greater than 0.
	// Default 268435456 (256 MiB).
	MaxBytes int64 `mapstructure:"max_bytes"`

	// SpanLimit is how many spans a trace has at the most before it is
	// decided. Must be greater than 0. Default 10000.
	SpanLimit int `mapstructure:"span_limit"`
}

// DecisionCacheConfig bounds what is remembered of decided traces: the ones that
// were asked for least recently are forgotten, kept and dropped ones of the same age
// together, whichever bound is reached first. A span of a forgotten trace begins it
// anew.
type DecisionCacheConfig struct {
	// Kept is how many kept traces are remembered. Must be greater than 0.
	// Default 50000.
	Kept int `mapstructure:"kept"`

	// Dropped is how many dropped ones. Must be greater than 0. Default
	// 1000000.
	Dropped int `mapstructure:"dropped"`
}

// BoostsConfig is what raises a rate.
type BoostsConfig struct {
	// Error multiplies the rate of errors and retries, before the load does.
	// 1 switches it off. Default 2.
	Error float64 `mapstructure:"error"`

	// ErrorFloor is the least probability of an error, whatever the load,
	// 0 to 1. 1 keeps every error. Default 0: no floor.
	ErrorFloor float64 `mapstructure:"error_floor"`

	// Critical raises the rate of some names.
	Critical CriticalConfig `mapstructure:"critical"`
}

// CriticalConfig is what raises the rate of critical names.
type CriticalConfig struct {
	// Factor multiplies their rate, after the load does. 1 switches it off.
	// Default 1.5.
	Factor float64 `mapstructure:"factor"`

	// Contains are the texts of which a critical name contains one. An empty
	// list: no name is critical. Default, when absent, is the preset's list.
	Contains []string `mapstructure:"contains"`
}

// LoadConfig is how load lowers the rates.
type LoadConfig struct {
	// Sources are the signals; the highest counts. "cpu" is this process's
	// share of the processor time it may use, "memory" how full the memory is
	// that it may use, "backpressure" how much the next consumer holds up its
	// callers. An empty list switches load off. Default all three.
	Sources []LoadSource `mapstructure:"sources"`

	// Ladder are the steps, each with a higher load and a smaller factor.
	// Empty: the factor stays 1. Default 0.7 above 0.6 and 0.5 above 0.8.
	Ladder []LadderStep `mapstructure:"ladder"`

	// ExitMargin is how far the load must fall below a step to leave it. 0:
	// it is left where it was entered. Default 0.1.
	ExitMargin float64 `mapstructure:"exit_margin"`

	// MinDwell is how long a step is held before it is left downwards. 0: as
	// short as one tick. Default 10s.
	MinDwell time.Duration `mapstructure:"min_dwell"`

	// Tick is how often the signals are read, 10ms or more. Default 500ms.
	Tick time.Duration `mapstructure:"tick"`
}

// LadderStep is one step of the ladder.
type LadderStep struct {
	// Above is the load that must be exceeded, 0 or more and below 1.
	Above float64 `mapstructure:"above"`

	// Factor multiplies the rates, above 0 and up to 1.
	Factor float64 `mapstructure:"factor"`
}

// LogsConfig is for log records only.
type LogsConfig struct {
	// HashAttribute is the attribute whose value stands in for the trace id
	// of a log record that has none, such as a request id: records with the
	// same value are kept or dropped together. Empty, the default: a record
	// without a trace id passes.
	HashAttribute string `mapstructure:"hash_attribute"`
}

func createDefaultConfig() component.Config {
	return &Config{
		DefaultRate: 1,
		Boosts: BoostsConfig{
			Error:    2,
			Critical: CriticalConfig{Factor: 1.5},
		},
		NameAttribute: defaultNameAttribute,
		Load: LoadConfig{
			Sources:    []LoadSource{loadSourceCPU, loadSourceMemory, loadSourceBackpressure},
			Ladder:     []LadderStep{{Above: 0.6, Factor: 0.7}, {Above: 0.8, Factor: 0.5}},
			ExitMargin: 0.1,
			MinDwell:   10 * time.Second,
			Tick:       500 * time.Millisecond,
		},
		SamplingPrecision: 4,
		Budget:            BudgetConfig{ErrorShare: 0.2, MinPerNamePerMinute: 1},
		Trace: TraceConfig{
			Timeout:       30 * time.Second,
			DecisionDelay: 2 * time.Second,
			MaxBytes:      256 << 20,
			SpanLimit:     10_000,
		},
		DecisionCache: DecisionCacheConfig{Kept: 50_000, Dropped: 1_000_000},
	}
}
