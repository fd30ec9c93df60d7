package budget

import (
	"math"
	"time"
)

const (
	// rise is the most that a multiplier grows by in a tick: a lull in the
	// traffic must not open the gate to the burst after it.
	rise = 1.2
	// least is the smallest multiplier. A millionth of what came is more than
	// the smallest rate of all keeps.
	least = 1e-6
	// calm is the time constant of demand: as long as senders that export
	// every few seconds pause. Demand that grows by more than leap is no noise
	// and is believed at once.
	calm = 5 * time.Second
	leap = 1.25
	// trimTime is the time constant of the trim, slow beside all of the above,
	// and trimDown to trimUp its range. Up is further: where spans come in
	// bursts, the demand of the bursts is believed and the pauses are not.
	trimTime = 30 * time.Second
	trimDown = 0.5
	trimUp   = 4
	// trimSpans and trimLook are how much the trim looks at at least, so that
	// it sees whole bursts with their pauses.
	trimSpans = 10
	trimLook  = 10 * time.Second
	// still is the change of a multiplier that is not worth one.
	still = 0.02
)

// Observed is what happened since the last tick.
type Observed struct {
	// Errors and Others are the demand of each kind: the sum of the
	// probabilities of the spans that came, which is how many would be kept
	// without a budget.
	Errors, Others float64
	// Kept is how many really were kept, and Minimum how many of them as the
	// minimum of their name.
	Kept, Minimum int64
}

// Multipliers are what the probabilities of each kind are multiplied by, above
// 0 and up to 1.
type Multipliers struct{ Errors, Others float64 }

// Controller keeps single spans to a budget. The multipliers follow the demand
// (feed-forward), so that they depend on what came and not on what became of
// it: demand 10, budget 2, multiplier 0.2. What that leaves over, most of all
// the spans of traces that keep an older multiplier, a slow trim takes up.
//
// A multiplier holds for what comes after it, so a span has no part in its own
// and its count is unbiased.
type Controller struct {
	limits Limits
	last   time.Time

	errors, others, minimum, demand average // demand is that of both kinds
	even                            float64 // seconds since demand last leapt

	now Multipliers

	trim float64
	look look
}

// look is what the trim has gathered for its next step.
type look struct {
	kept, seconds float64
	demand        float64 // just before
}

// NewController makes a controller with multipliers of 1.
func NewController(l Limits) *Controller {
	return &Controller{limits: l, trim: 1, even: trimLook.Seconds(), now: Multipliers{Errors: 1, Others: 1}}
}

// Multipliers are those in force.
func (c *Controller) Multipliers() Multipliers { return c.now }

// Tick takes what happened since the last tick and returns what holds from now
// on. It returns the very same when there is nothing to gain by a change.
func (c *Controller) Tick(now time.Time, seen Observed) Multipliers {
	elapsed := now.Sub(c.last).Seconds()
	first := c.last.IsZero()
	c.last = now
	if first || elapsed <= 0 {
		return c.now // no length, no rate: the clock stepped back
	}
	errors, _ := c.errors.observe(seen.Errors, elapsed)
	others, _ := c.others.observe(seen.Others, elapsed)
	minimum, _ := c.minimum.observe(float64(seen.Minimum), elapsed)
	budget := c.trim * max(0, c.limits.SpansPerSecond-minimum)
	forErrors := max(c.limits.ErrorShare*budget, budget-others)
	next := Multipliers{
		Errors: multiplier(forErrors, errors),
		Others: multiplier(budget-min(forErrors, errors), others),
	}
	demand, leapt := c.demand.observe(seen.Errors+seen.Others, elapsed)
	step := leapt && c.even >= trimLook.Seconds()
	if c.even += elapsed; leapt {
		c.even = 0
	}
	if step { // what passed during it is nothing that the trim could help
		c.look = look{demand: demand}
	} else {
		c.adjust(float64(seen.Kept), elapsed, demand, next)
	}
	c.now = Multipliers{Errors: toward(c.now.Errors, next.Errors), Others: toward(c.now.Others, next.Others)}
	return c.now
}

// average is a rate, the mean over about the last few seconds. A leap upwards
// begins it anew, and so the pauses after a burst count in full.
type average struct{ sum, seconds float64 }

func (a *average) observe(n, elapsed float64) (rate float64, leapt bool) {
	fade := math.Exp(-elapsed / calm.Seconds())
	if leapt = n > 0 && n*a.seconds >= a.sum*elapsed*leap; leapt {
		fade = 0
	}
	a.sum, a.seconds = a.sum*fade+n, a.seconds*fade+elapsed
	return a.sum / a.seconds, leapt
}

func multiplier(budget, demand float64) float64 {
	if demand <= budget {
		return 1
	}
	return max(least, budget/demand)
}

// adjust moves the trim towards what would have kept the budget. While demand
// falls, less is kept than could be, and that tells nothing; where nothing is
// held back, the trim is forgotten.
func (c *Controller) adjust(kept, elapsed, demand float64, next Multipliers) {
	if next == (Multipliers{Errors: 1, Others: 1}) {
		c.trim += (1 - c.trim) * min(1, elapsed/trimTime.Seconds())
		c.look = look{demand: demand}
		return
	}
	l := &c.look
	l.kept += kept
	l.seconds += elapsed
	budget := c.limits.SpansPerSecond * l.seconds
	if budget < trimSpans || l.seconds < trimLook.Seconds() {
		return
	}
	if demand*leap > l.demand {
		missed := max(-1, min(1, 1-l.kept/budget))
		c.trim *= 1 + missed*min(0.5, l.seconds/trimTime.Seconds())
		c.trim = max(trimDown, min(trimUp, c.trim))
	}
	c.look = look{demand: demand}
}

// toward limits how fast a multiplier rises, and leaves it when it would hardly
// move.
func toward(from, to float64) float64 {
	to = min(to, from*rise)
	if to != 1 && math.Abs(to-from) <= still*from {
		return from
	}
	return to
}
