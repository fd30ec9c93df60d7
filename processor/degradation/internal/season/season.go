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
	// fadeIn is over how many hours the factors take effect, once two weeks were
	// learned. At once, the first of them would be a step: what lies in the
	// baseline was not divided.
	fadeIn = 24
	// maxFactor bounds a factor, and 1/maxFactor from below. A pattern of more
	// is no pattern of a latency but of being in use at all.
	maxFactor = 16
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
	return max(1/float64(maxFactor), min(maxFactor, f))
}

// Learn takes a pane that begins at t and is part of the baseline: so many
// values, with this sum after they were divided by Factor. Panes must come in
// the order of time; others teach nothing, nor do values that have no logarithm.
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
	seen := float64(h.seen[slot])
	old := float64(h.level[slot])
	h.level[slot] = float32(old + (level-old)/min(seen+1, memory))
	h.seen[slot] = uint8(min(seen+1, math.MaxUint8))
	h.learned = uint16(min(int(h.learned)+1, enough*Slots+fadeIn))
	h.weigh()
}

func (h *Hours) weigh() {
	var sum, n float64
	for i, seen := range h.seen {
		if seen >= enough {
			sum += float64(h.level[i])
			n++
		}
	}
	h.whole = sum / max(n, 1)
}
