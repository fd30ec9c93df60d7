package adaptivesampler

import (
	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/namecache"
)

// outcome is everything that a decision needs of a probability, made once.
type outcome struct {
	threshold otelsampling.Threshold
	// limit is the least randomness that is kept; beyond all randomness when
	// the probability is 0.
	limit uint64
	// tvalue and tracestate are what a kept item carries.
	tvalue, tracestate string
	adjustedCount      float64
}

func (o *outcome) never() bool { return o.limit >= otelsampling.MaxAdjustedCount }

func newOutcome(probability float64, precision int) outcome {
	threshold, ok := sampling.Threshold(probability, precision)
	if !ok {
		return outcome{threshold: threshold, limit: threshold.Unsigned()}
	}
	return outcome{
		threshold:     threshold,
		limit:         threshold.Unsigned(),
		tvalue:        threshold.TValue(),
		tracestate:    sampling.FormatTraceState(threshold),
		adjustedCount: threshold.AdjustedCount(),
	}
}

// class holds the outcomes of the names that share a base rate and are
// critical or not: by level of the ladder, then by content. There are at most
// twice as many classes as rates, however many names there are.
type class struct {
	classKey
	levels [][sampling.Contents]outcome
}

// table finds the class of a name.
type table struct {
	rule    *sampling.Rule
	classes map[classKey]*class
	names   *namecache.Cache[*class]
	known   map[otelsampling.Threshold]*outcome // of the classes
}

type classKey struct {
	base     float64
	critical bool
}

// newTable makes the outcomes of every class at each of the load factors.
func newTable(rule *sampling.Rule, factors []float64, precision int) *table {
	t := &table{rule: rule, classes: map[classKey]*class{}, names: namecache.New[*class](), known: map[otelsampling.Threshold]*outcome{}}
	add := func(base float64) {
		for _, critical := range []bool{false, true} {
			if critical && len(rule.CriticalContains) == 0 {
				continue // no name is, so none must count in least
			}
			c := &class{classKey: classKey{base, critical}, levels: make([][sampling.Contents]outcome, len(factors))}
			for level, factor := range factors {
				for content := range sampling.Contents {
					rate := rule.Steps(base, critical, content, factor)
					c.levels[level][content] = newOutcome(rate.Probability, precision)
					t.known[c.levels[level][content].threshold] = &c.levels[level][content]
				}
			}
			t.classes[c.classKey] = c
		}
	}
	add(rule.DefaultRate)
	for _, base := range rule.Rates {
		add(base)
	}
	return t
}

// least is the least randomness at which an item of any name and content could be
// kept without load; beyond all randomness when none ever is.
func (t *table) least() uint64 {
	least := otelsampling.MaxAdjustedCount
	for _, c := range t.classes {
		for content := range sampling.Contents {
			least = min(least, c.levels[0][content].limit)
		}
	}
	return least
}

// of is the outcome of a threshold.
func (t *table) of(threshold otelsampling.Threshold) *outcome {
	if known, ok := t.known[threshold]; ok {
		return known
	}
	return &outcome{
		threshold: threshold, limit: threshold.Unsigned(), tvalue: threshold.TValue(),
		tracestate: sampling.FormatTraceState(threshold), adjustedCount: threshold.AdjustedCount(),
	}
}

// class looks a name up; remembered tells whether it had been matched before.
func (t *table) class(name string) (c *class, remembered bool) {
	return t.names.Get(name, t.match)
}

func (t *table) match(name string) *class {
	base, _ := t.rule.Base(name)
	return t.classes[classKey{base, t.rule.Critical(name)}]
}
