package adaptivesampler

import (
	"maps"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

const defaultNameAttribute = semconv.AttributeEventName

// foundationOSCritical are the critical operations of Foundation OS. The
// second is a prefix of several events, not one of them.
var foundationOSCritical = []string{
	semconv.EventCoordinationMultiAgent,
	"foundation_jido.coordination",
	semconv.EventRequest,
}

// newRule lays the configuration over the preset.
func newRule(cfg *Config) *sampling.Rule {
	rule := &sampling.Rule{
		Rates:            map[string]float64{},
		DefaultRate:      cfg.DefaultRate,
		ErrorBoost:       cfg.Boosts.Error,
		ErrorFloor:       cfg.Boosts.ErrorFloor,
		CriticalFactor:   cfg.Boosts.Critical.Factor,
		CriticalContains: cfg.Boosts.Critical.Contains,
	}
	if cfg.Preset.String() == string(presetFoundationOS) {
		for _, event := range semconv.Events {
			if event.SamplingRate > 0 { // 0: the source gives it no rate
				rule.Rates[event.Name] = event.SamplingRate
			}
		}
		if rule.CriticalContains == nil {
			rule.CriticalContains = foundationOSCritical
		}
	}
	maps.Copy(rule.Rates, cfg.Rates)
	return rule
}
