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
	levels [][sampling.Contents]outcome
}

// table finds the class of a name.
type table struct {
	rule    *sampling.Rule
	classes map[classKey]*class
	names   *namecache.Cache[*class]
}

type classKey struct {
	base     float64
	critical bool
}

// newTable makes the outcomes of every class at each of the load factors.
func newTable(rule *sampling.Rule, factors []float64, precision int) *table {
	t := &table{rule: rule, classes: map[classKey]*class{}, names: namecache.New[*class]()}
	add := func(base float64) {
		for _, critical := range []bool{false, true} {
			c := &class{levels: make([][sampling.Contents]outcome, len(factors))}
			for level, factor := range factors {
				for content := range sampling.Contents {
					rate := rule.Steps(base, critical, content, factor)
					c.levels[level][content] = newOutcome(rate.Probability, precision)
				}
			}
			t.classes[classKey{base, critical}] = c
		}
	}
	add(rule.DefaultRate)
	for _, base := range rule.Rates {
		add(base)
	}
	return t
}

// class looks a name up; remembered tells whether it had been matched before.
func (t *table) class(name string) (c *class, remembered bool) {
	return t.names.Get(name, t.match)
}

func (t *table) match(name string) *class {
	base, _ := t.rule.Base(name)
	return t.classes[classKey{base, t.rule.Critical(name)}]
}
