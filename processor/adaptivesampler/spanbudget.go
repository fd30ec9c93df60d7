package adaptivesampler

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/budget"
)

// multiplyEvery is how often the multipliers follow the demand. Shorter times
// would follow the noise.
const multiplyEvery = time.Second

// spanBudget keeps the spans of mode span to the budget. It is the monitor's, so
// that all pipelines with the same configuration share it.
type spanBudget struct {
	names     *budget.Names // nil without a minimum
	precision int
	classes   int // at most

	// room is for how many spans the minimum has room until the next tick.
	room  atomic.Int64
	unmet atomic.Int64

	// What follows is the tick's.
	controller *budget.Controller
	last       time.Time
	roomRate   float64 // spans a second
	roomParts  float64 // of a span

	mu   sync.Mutex // of what follows
	seen budget.Observed
	told budget.Counts
}

// newSpanBudget is nil without a budget, and in mode trace, which has its own.
func newSpanBudget(cfg *Config) *spanBudget {
	perSecond := cfg.Budget.SpansPerSecond
	if perSecond == 0 || cfg.Mode.String() != string(modeSpan) {
		return nil
	}
	s := &spanBudget{
		precision:  cfg.SamplingPrecision,
		classes:    2 * (len(newRule(cfg).Rates) + 1),
		controller: budget.NewController(budget.Limits{SpansPerSecond: perSecond, ErrorShare: cfg.Budget.ErrorShare}),
		// Half of what is not the errors', as in mode trace.
		roomRate: perSecond * (1 - cfg.Budget.ErrorShare) / 2,
	}
	if n := cfg.Budget.MinPerNamePerMinute; n > 0 {
		s.names = budget.NewNames(n, maxBudgetNames)
	}
	return s
}

// tick returns the multipliers, and whether they have changed.
func (s *spanBudget) tick(now time.Time) (by budget.Multipliers, changed bool) {
	elapsed := now.Sub(s.last)
	first := s.last.IsZero()
	if !first && elapsed >= 0 && elapsed < multiplyEvery {
		return by, false
	}
	s.last = now
	if first {
		elapsed = multiplyEvery
	}
	// Room that was left is not lost, but does not become a burst either.
	s.roomParts = min(max(1, s.roomRate), s.roomParts+s.roomRate*max(0, elapsed.Seconds())+float64(s.room.Swap(0)))
	whole := math.Floor(s.roomParts)
	s.roomParts -= whole
	s.room.Add(int64(whole))

	s.mu.Lock()
	seen := s.seen
	s.seen = budget.Observed{}
	s.mu.Unlock()
	before := s.controller.Multipliers()
	by = s.controller.Tick(now, seen)
	return by, by != before
}

// observe adds a batch to what was seen.
func (s *spanBudget) observe(b *tally) {
	var all int64
	for _, n := range b.items[kept] {
		all += n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Errors += b.demand[sampling.Failed]
	s.seen.Others += b.demand[sampling.Plain]
	s.seen.Kept += all
	s.seen.Minimum += b.items[kept][reasonMinimum]
}

// minimum is that of a name, nil when there is none.
func (s *spanBudget) minimum(name string) *budget.Name {
	if s.names == nil {
		return nil
	}
	return s.names.Of(time.Now(), name)
}

// claim takes the minimum of a name that is due, if there is room. A name of
// rate 0 has none, and one that is always kept needs none.
func (s *spanBudget) claim(now time.Time, k *known, at *outcomes) bool {
	switch {
	case k.minimum == nil || at[sampling.Plain].never():
		return false
	case at[sampling.Plain].limit == 0 && at[sampling.Failed].limit == 0:
		return false
	case !s.names.Due(now, k.minimum):
		return false
	}
	if s.room.Add(-1) < 0 {
		s.room.Add(1)
		s.unmet.Add(1)
		return false
	}
	if !s.names.Claim(now, 0, k.minimum) { // another one was first
		s.room.Add(1)
		return false
	}
	return true
}

// news are the counts since the last time.
func (s *spanBudget) news() budget.Counts {
	now := budget.Counts{Unmet: s.unmet.Load()}
	if s.names != nil {
		now.Overflow = s.names.Overflow()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.told
	s.told = now
	return budget.Counts{Unmet: now.Unmet - before.Unmet, Overflow: now.Overflow - before.Overflow}
}

// behind is the outcome of an item that an earlier stage has kept at a smaller
// probability than its own, and for what it was made.
type behind struct {
	outcome
	incoming otelsampling.Threshold
	content  sampling.Content
	times    *multiplied
}

// certain is the outcome of the minimum.
var certain = newOutcome(1, 1)

// apply adds an item to the demand and returns its outcome under the budget.
func (s *spanBudget) apply(b *batch, k *known, of *setting, content sampling.Content, at *outcomes, forced bool) *outcome {
	if forced { // whatever its probability
		return &certain
	}
	// Behind another sampler only those came that it kept, of each all.
	all, a := 1.0, &b.arrived
	if a.hasThreshold && a.threshold.ShouldSample(a.randomness) {
		all = a.threshold.Probability()
	}
	// What no content could save was dropped unseen; what was not stands for it.
	chance := all
	if !at[sampling.Plain].never() {
		chance = min(all, k.levels[0][sampling.Failed].threshold.Probability())
	}
	kind := sampling.Plain
	if content == sampling.Failed {
		kind = sampling.Failed
	}
	p := k.levels[of.level][content].threshold.Probability()
	b.tally.demand[kind] += min(all, p) / chance
	if of.times == nil || all >= p {
		return &at[content]
	}
	// The multiplier applies to what came, or the budget would hold back
	// nothing of it.
	made := &b.scratch
	if made.times != of.times || made.content != content || made.incoming != a.threshold {
		by := of.times.by.Others
		if content == sampling.Failed {
			by = of.times.by.Errors
		}
		*made = behind{outcome: newOutcome(all*by, s.precision), incoming: a.threshold, content: content, times: of.times}
	}
	return &made.outcome
}
