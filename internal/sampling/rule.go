package sampling

import "strings"

// Rule is the rate rule: a base rate by name, raised for errors and retries,
// lowered under load, raised for critical names.
type Rule struct {
	// Rates are the base rates by name. A name matches exactly, else by its
	// longest prefix that ends at a dot.
	Rates map[string]float64
	// DefaultRate is the base rate of names that match nothing.
	DefaultRate float64
	// ErrorBoost multiplies the base rate of an error or a retry.
	ErrorBoost float64
	// ErrorFloor is the least probability of an error, whatever the load.
	ErrorFloor float64
	// CriticalFactor multiplies the rate of critical names, after the load.
	CriticalFactor float64
	// CriticalContains are the texts that make a name critical when it
	// contains one of them.
	CriticalContains []string
}

// Content is what the rule wants to know of an item besides its name.
type Content uint8

const (
	// Plain items succeeded at the first attempt.
	Plain Content = iota
	// Retried items succeeded after a failed attempt: boosted, no floor.
	Retried
	// Failed items are errors: boosted, and never below the error floor.
	Failed
	// Contents is the number of values above.
	Contents
)

// Rate is a probability with the steps that led to it.
type Rate struct {
	// Matched is the key of Rates that gave the base, empty for the default.
	Matched string
	// Base, Boosted, Loaded and Critical are the rate after each step, before
	// the final clamp.
	Base, Boosted, Loaded, Critical float64
	// Probability is the result, between 0 and 1.
	Probability float64
}

// Rate applies the rule to an item. factor is the load factor, 1 without load.
func (r *Rule) Rate(name string, content Content, factor float64) Rate {
	base, matched := r.Base(name)
	rate := r.Steps(base, r.Critical(name), content, factor)
	rate.Matched = matched
	return rate
}

// Base looks up the base rate of a name and the key that matched. It goes
// through the keys and not through the prefixes of the name: there are few keys,
// and a hostile name can be megabytes of dots.
func (r *Rule) Base(name string) (rate float64, matched string) {
	if rate, ok := r.Rates[name]; ok {
		return rate, name
	}
	rate = r.DefaultRate
	for key, of := range r.Rates {
		if len(key) > len(matched) && len(key) < len(name) && name[len(key)] == '.' && strings.HasPrefix(name, key) {
			rate, matched = of, key
		}
	}
	return rate, matched
}

// Critical reports whether the name is one of a critical operation.
func (r *Rule) Critical(name string) bool {
	for _, part := range r.CriticalContains {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Steps applies the rule to a base rate. The order is part of the rule: the
// boost is cut at 1 before the load factor, so under load an error of a name
// that is always kept gets the factor itself, not twice of it.
func (r *Rule) Steps(base float64, critical bool, content Content, factor float64) Rate {
	rate := Rate{Base: base, Boosted: base}
	if content != Plain {
		rate.Boosted = min(1, base*r.ErrorBoost)
	}
	rate.Loaded = rate.Boosted * factor
	rate.Critical = rate.Loaded
	if critical {
		rate.Critical *= r.CriticalFactor
	}
	rate.Probability = max(0, min(1, rate.Critical))
	if content == Failed {
		rate.Probability = max(rate.Probability, r.ErrorFloor)
	}
	return rate
}
