package adaptive

import (
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// Params are the same for all series.
type Params struct {
	// Up and Down are the directions in which worse lies.
	Up, Down bool
	// M of the last N evaluations must be suspect, 1 <= M <= N <= 64.
	M, N int
	// Deviations is how many robust standard deviations from the median are
	// suspect; 0 asks for none.
	Deviations float64
	// Ratio is what a single value must be above, as a multiple of the median (or
	// the median of it, where less is worse), and DriftRatio what an average must
	// be above; at least 1.
	Ratio, DriftRatio float64
	// MinValues is how many evaluations must be learned before anything is
	// suspect.
	MinValues uint64
	// BlockStages is how many stages, of stagePanes panes each, make one of the
	// Blocks that the memory has.
	BlockStages int
}

// Arms are those of one series.
type Arms struct {
	params *Params
	memory memory
	limits limits
	// of the baseline at the end of the stage
	centre, deviation float64

	now, mark carried
}

// carried is what goes from one evaluation to the next. It is a plain value: a
// copy is a snapshot.
type carried struct {
	levels levels
	count  uint64 // of evaluations in them
	hits   uint64 // bit i: the evaluation i ago was suspect
	// since the last Settle: how far the levels went, and where they were then.
	since   extremes
	settled levels
	// told is how far they went in an alarm that is over, until the memory has it.
	told extremes
	// While an arm keeps an episode: 1 + the index of the scale, on which side,
	// and how far it must go back.
	fired   int8
	below   bool
	clearAt float64
}

// New returns the arms of a series. The parameters are shared.
func New(p *Params) *Arms {
	a := &Arms{params: p}
	a.Forget()
	return a
}

// Forget forgets all: there is another baseline, or none.
func (a *Arms) Forget() {
	a.memory.forget()
	a.limits, a.centre, a.deviation = limits{}, 0, 0
	a.now = carried{since: none(), told: none()}
	a.mark = a.now
}

// Learn makes the limits of what is remembered and of the currents, the values
// judged in the baseline, which it reorders. The first ones also tell the unit.
// Most panes change nothing that is compared with, and cost nothing.
func (a *Arms) Learn(currents []float64) {
	if a.memory.unit == 0 && a.memory.chooseUnit(currents) {
		a.begin(slices.Sorted(slices.Values(currents)))
	}
	if a.memory.unit > 0 && len(currents) > 0 && a.memory.closes() {
		a.centre, a.deviation = a.memory.spread(currents)
	}
	if a.memory.closed() {
		a.limits.set(&a.memory, a.now.count, len(currents), a.params)
	}
}

// begin starts the averages at the median of the first values, whose order says
// nothing, and remembers how far these went.
func (a *Arms) begin(sorted []float64) {
	c, n := &a.now, len(sorted)
	for i := range c.levels {
		c.levels[i] = a.memory.place(sorted[n/2])
	}
	c.since.low[0], c.since.high[0] = bounded(a.memory.place(sorted[0])), bounded(a.memory.place(sorted[n-1]))
	c.count, c.settled = uint64(n), c.levels
}

// Settle says that a pane is over and that all since the last Settle is normal.
func (a *Arms) Settle() {
	c := &a.now
	a.memory.add(&c.since, a.centre, a.deviation, a.params.BlockStages)
	if a.memory.closed() {
		a.memory.tell(&c.told)
		c.told = none()
	}
	c.since, c.settled = none(), c.levels
}

// Judge looks at the next evaluation, in the order of time. inEpisode is whether
// the series is in an episode already: cleared matters only then, suspect only
// otherwise.
func (a *Arms) Judge(current float64, inEpisode bool) (suspect verdict.Reason, cleared bool) {
	if a.memory.unit == 0 {
		return verdict.None, true
	}
	c := &a.now
	c.move(a.memory.place(current))
	if !a.limits.ready {
		return verdict.None, true
	}
	scale, below := a.beyond()
	if inEpisode {
		if scale >= 0 && c.fired == 0 {
			a.fire(scale, below)
		}
		return verdict.None, a.cleared()
	}
	c.hits <<= 1
	if scale < 0 {
		return verdict.None, true
	}
	c.hits |= 1
	if ones(c.hits, a.params.N) < a.params.M {
		return verdict.None, true
	}
	a.fire(scale, below)
	return reason(scale, below), false
}

// beyond is the finest scale that is beyond its limit, -1 when none is.
func (a *Arms) beyond() (scale int, below bool) {
	l, told := &a.limits, &a.now.told
	for i, v := range a.now.levels {
		if v > l.high[i] && v > float64(told.high[i])+l.margin[i] {
			return i, false
		}
		if v < l.low[i] && v < float64(told.low[i])-l.margin[i] {
			return i, true
		}
	}
	return -1, false
}

// fire remembers what it takes to be over: to be back half of the way to the
// median.
func (a *Arms) fire(scale int, below bool) {
	limit := a.limits.high[scale]
	if below {
		limit = a.limits.low[scale]
	}
	a.now.fired, a.now.below = int8(scale+1), below
	a.now.clearAt = a.limits.centre + (limit-a.limits.centre)/2
}

// cleared looks at the scale that fired, but at none slower than slowestClear: a
// slow average says that it was worse, and goes on saying so for long.
func (a *Arms) cleared() bool {
	if a.now.fired == 0 {
		return true
	}
	level := a.now.levels[min(int(a.now.fired)-1, slowestClear)]
	if a.now.below {
		return level > a.now.clearAt
	}
	return level < a.now.clearAt
}

// Reset says that an episode is over, or that nothing is known of the present.
// What an arm told is remembered. What the rule told is taken out of the averages
// and of what they reached: it is the rule's to tell again, and would blind the
// arms to all that is less.
func (a *Arms) Reset(told bool) {
	c := &a.now
	if told {
		c.told.merge(&c.since)
	} else {
		c.levels, c.since = c.settled, none()
	}
	c.hits, c.fired = 0, 0
}

// Mark remembers what is carried now, and Rewind goes back to it, any number of
// times.
func (a *Arms) Mark() { a.mark = a.now }

// Rewind: see Mark.
func (a *Arms) Rewind() { a.now = a.mark }

// move takes a value into the averages and notes where they are. An average
// counts when it has seen twice its length.
func (c *carried) move(place float64) {
	if c.count == 0 {
		for i := range c.levels {
			c.levels[i] = place
		}
	}
	c.count++
	for i, n := range lengths {
		c.levels[i] += (place - c.levels[i]) / n
		if float64(c.count) >= 2*n || i == 0 {
			v := bounded(c.levels[i])
			c.since.high[i], c.since.low[i] = max(c.since.high[i], v), min(c.since.low[i], v)
		}
	}
}

func reason(scale int, below bool) verdict.Reason {
	r := verdict.Drift
	if scale == 0 {
		r = verdict.Robust
	}
	if below {
		r |= verdict.Below
	}
	return r
}

func ones(set uint64, n int) (count int) {
	for i := range n {
		count += int(set >> i & 1)
	}
	return count
}

// bounded keeps a number within float32.
func bounded(v float64) float32 {
	return float32(max(-math.MaxFloat32, min(math.MaxFloat32, v)))
}
