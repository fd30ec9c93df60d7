package season

import "math"

const (
	// Slots is the hours of a week. Slot 0 is Thursday 00:00 UTC, as the Unix
	// epoch was.
	Slots = 7 * 24
	// enough is how often an hour must have been seen before it is used: in two
	// weeks, for one is an anecdote.
	enough = 2
	// memory is how many weeks a slot is the average of; from then on each new
	// one moves it by a quarter. A month is what a change of habits may take.
	memory = 4
	// agree is by how much (a logarithm: 1.5 times) an hour may differ from the
	// same hour of other weeks. Of two that differ by more, the one nearer to the
	// rest of the week counts; and one that differs by more from what is known
	// moves it as one that differs by so much: an incident is not a habit, and
	// costs a tenth at most of what is known of its hour.
	agree = 0.405
	// fadeIn is over how many hours the factors take effect, once two weeks were
	// learned. At once, the first of them would be a step: what lies in the
	// baseline was not divided.
	fadeIn = 24
	// MinFactor and MaxFactor bound the factors. A pattern of more is no pattern
	// of a latency but of being in use at all.
	MinFactor, MaxFactor = 1.0 / 16, 16.0
	// recentHours is how many hours' factors are remembered, in order to know
	// what the values of a pane were divided by when it turns out to be normal.
	// One that takes longer teaches nothing.
	recentHours = 3

	hour = int64(3600e9)
)

// Hours is what is known of one series. The zero value knows nothing.
type Hours struct {
	// level is the average of the logarithm of the hour's mean, by slot, and
	// seen how many weeks it is of, up to 255.
	level [Slots]float32
	seen  [Slots]uint8
	// learned is the number of hours so far, up to two weeks and fadeIn; whole
	// the average level of the slots that are used.
	learned uint16
	whole   float64

	// The hour that is being learned: its number, and of its values as they
	// came how many and their sum.
	now   int64
	count uint64
	sum   float64

	recent [recentHours]frozen
	next   int
}

// frozen is the factor of an hour, which does not change once it was asked for.
type frozen struct {
	hour   int64
	factor float64 // 0: none
}

// Factor is what the values of a pane that begins at t (Unix nanoseconds, not
// negative) are to be divided by, before they are judged and fed to the
// baseline: 1/16 to 16, and 1 as long as nothing is known.
func (h *Hours) Factor(t int64) float64 {
	n := t / hour
	if f := h.recall(n); f > 0 {
		return f
	}
	f := h.factor(int(n % Slots))
	h.recent[h.next] = frozen{n, f}
	h.next = (h.next + 1) % recentHours
	return f
}

func (h *Hours) recall(n int64) float64 {
	for _, r := range h.recent {
		if r.factor > 0 && r.hour == n {
			return r.factor
		}
	}
	return 0
}

func (h *Hours) factor(slot int) float64 {
	if h.seen[slot] < enough || h.learned <= enough*Slots {
		return 1
	}
	effect := float64(h.learned-enough*Slots) / fadeIn
	f := math.Exp(min(1, effect) * (float64(h.level[slot]) - h.whole))
	return max(MinFactor, min(MaxFactor, f))
}

// Learn takes a pane that begins at t and is over: so many values, with this sum
// after they were divided by Factor. Panes must come in the order of time; others
// teach nothing, nor do values that have no logarithm.
//
// Panes of an episode belong to it, too: until a rush is known it is an episode
// every morning, and would never be known.
func (h *Hours) Learn(t int64, count uint64, sum float64) {
	n := t / hour
	factor := h.recall(n)
	if n < h.now || factor == 0 || count == 0 {
		return
	}
	if n > h.now {
		h.finish()
		h.now = n
	}
	h.count += count
	h.sum += sum * factor
}

// finish learns the hour that is over.
func (h *Hours) finish() {
	mean := h.sum / float64(h.count)
	h.count, h.sum = 0, 0
	level := math.Log(mean)
	if math.IsNaN(level) || math.IsInf(level, 0) { // also: there was none
		return
	}
	slot := h.now % Slots
	h.level[slot] = float32(h.learnt(slot, level))
	h.seen[slot] = uint8(min(int(h.seen[slot])+1, math.MaxUint8))
	h.learned = uint16(min(int(h.learned)+1, enough*Slots+fadeIn))
	h.weigh()
}

// learnt is the level of a slot after one more week.
func (h *Hours) learnt(slot int64, level float64) float64 {
	old := float64(h.level[slot])
	differs := math.Abs(level-old) > agree
	switch seen := float64(h.seen[slot]); {
	case seen == 0:
		return level
	case seen == 1 && differs:
		week := h.average(1)
		if math.Abs(level-week) < math.Abs(old-week) {
			return level
		}
		return old
	case differs:
		return old + math.Copysign(agree, level-old)/min(seen+1, memory)
	default:
		return old + (level-old)/min(seen+1, memory)
	}
}

func (h *Hours) weigh() { h.whole = h.average(enough) }

// average is the average level of the slots that were seen so often.
func (h *Hours) average(often uint8) float64 {
	var sum, n float64
	for i, seen := range h.seen {
		if seen >= often {
			sum += float64(h.level[i])
			n++
		}
	}
	return sum / max(n, 1)
}
