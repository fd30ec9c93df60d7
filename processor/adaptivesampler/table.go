package adaptivesampler

import (
	"maps"
	"slices"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
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
	index  int
	levels []outcomes
}

// outcomes are those of one class, by content.
type outcomes [sampling.Contents]outcome

// table finds the class of a name.
type table struct {
	rule      *sampling.Rule
	precision int
	factors   []float64
	classes   map[classKey]*class
	names     *namecache.Cache[*known]
	// minimum finds the minimum of a name, nil when there is none.
	minimum func(name string) *budget.Name
	// written are the outcomes of the classes by their threshold.
	written map[otelsampling.Threshold]*outcome
}

// known is what is known of a name.
type known struct {
	*class
	minimum *budget.Name
}

type classKey struct {
	base     float64
	critical bool
}

// newTable makes the outcomes of every class at each of the load factors.
func newTable(rule *sampling.Rule, factors []float64, precision int) *table {
	t := &table{rule: rule, precision: precision, factors: factors, classes: map[classKey]*class{}, names: namecache.New[*known](), written: map[otelsampling.Threshold]*outcome{}}
	// In order, so that a class has one index in all pipelines.
	for _, base := range slices.Compact(slices.Sorted(maps.Values(rule.Rates))) {
		t.add(base)
	}
	if _, ok := t.classes[classKey{rule.DefaultRate, false}]; !ok {
		t.add(rule.DefaultRate)
	}
	return t
}

func (t *table) add(base float64) {
	for _, critical := range []bool{false, true} {
		if critical && len(t.rule.CriticalContains) == 0 {
			continue // no name is, so none must count in least
		}
		c := &class{classKey: classKey{base, critical}, index: len(t.classes), levels: make([]outcomes, len(t.factors))}
		for level := range t.factors {
			at := &c.levels[level]
			t.fill(at, c, level, budget.Multipliers{Errors: 1, Others: 1})
			for content := range at {
				t.written[at[content].threshold] = &at[content]
			}
		}
		t.classes[c.classKey] = c
	}
}

// fill makes the outcomes of a class at a level, multiplied.
func (t *table) fill(all *outcomes, c *class, level int, m budget.Multipliers) {
	for content := range all {
		rate := t.rule.Steps(c.base, c.critical, sampling.Content(content), t.factors[level])
		by := m.Others
		if sampling.Content(content) == sampling.Failed {
			by = m.Errors
		}
		all[content] = newOutcome(rate.Probability*by, t.precision)
	}
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

// hopeless is least; 0 when items of some name are never kept, since those are
// counted under another reason.
func (t *table) hopeless() uint64 {
	for _, c := range t.classes {
		for level := range c.levels {
			if c.levels[level][sampling.Plain].never() {
				return 0
			}
		}
	}
	return t.least()
}

// of is the outcome of a threshold.
func (t *table) of(threshold otelsampling.Threshold) *outcome {
	if o, ok := t.written[threshold]; ok {
		return o
	}
	return &outcome{
		threshold: threshold, limit: threshold.Unsigned(), tvalue: threshold.TValue(),
		tracestate: sampling.FormatTraceState(threshold), adjustedCount: threshold.AdjustedCount(),
	}
}

// class looks a name up; remembered tells whether it had been matched before.
func (t *table) class(name string) (c *class, remembered bool) {
	k, remembered := t.known(name)
	return k.class, remembered
}

// known is class with the name's minimum.
func (t *table) known(name string) (k *known, remembered bool) {
	return t.names.Get(name, t.match)
}

func (t *table) match(name string) *known {
	base, _ := t.rule.Base(name)
	k := &known{class: t.classes[classKey{base, t.rule.Critical(name)}]}
	if t.minimum != nil {
		k.minimum = t.minimum(name)
	}
	return k
}
