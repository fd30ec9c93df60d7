package baseline

import "github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"

// Status is what a pane of a History is good for.
type Status uint8

const (
	// Open: it is the newest, or it is not yet known whether it is normal.
	Open Status = iota
	// Normal: it is part of the baseline.
	Normal
	// Quarantined: an episode touched it. It is no part of the baseline, unless
	// the episode lasts for so long that it becomes the new one.
	Quarantined
)

// History is the past of one series, of which some does not count: the baseline
// are the newest Normal panes that hold data, however long ago, so that neither
// a gap nor an incident moves it. The zero value is empty.
//
// Whole panes are left out, not single measurements: a pane is a sum that a
// measurement cannot be taken out of, its content does not depend on the order
// of what came, and leaving out the single high values of normal noise would
// lower the baseline, which makes more of the noise look high.
type History struct {
	// panes in the order of time, the newest last. Beyond their length lie
	// spare ones, for their memory.
	panes []pane
}

// Newest is the number of the newest pane. ok is false when there is none.
func (h *History) Newest() (number int64, ok bool) {
	if len(h.panes) == 0 {
		return 0, false
	}
	return h.panes[len(h.panes)-1].number, true
}

// Put adds a measurement to the newest pane. There must be one.
func (h *History) Put(m *Measurement) { h.panes[len(h.panes)-1].add(m) }

// Judged remembers a value that was judged in the newest pane, for Currents.
func (h *History) Judged(current float64) {
	p := &h.panes[len(h.panes)-1]
	if len(p.values) == 0 { // else they are the judged ones
		p.makeForm().currents.add(current)
	}
}

// Back is the number of the pane in which the n-th last judged value lies, 1
// being the last, of which the newest pane has so many; the oldest pane when
// they are not as many.
func (h *History) Back(n, newest int) int64 {
	i := len(h.panes) - 1
	for seen := newest; seen < n && i > 0; {
		i--
		seen += h.panes[i].judged()
	}
	return h.panes[i].number
}

// judged is how many values were judged in a pane that is complete.
func (p *pane) judged() int {
	n := len(p.values)
	if p.form != nil {
		n += int(p.form.currents.seen)
	}
	return n
}

// EachDecided visits the panes above a number that come before the first Open
// one, in the order of time: how many values each has, and their sum.
func (h *History) EachDecided(above int64, visit func(number int64, count uint64, sum float64)) {
	for i := range h.panes {
		p := &h.panes[i]
		if p.status == Open {
			return
		}
		if p.number > above {
			count, sum, _, _ := p.total()
			visit(p.number, count, sum)
		}
	}
}

// Begin opens the pane of this number, which must be above Newest.
func (h *History) Begin(number int64) {
	n := len(h.panes)
	if n == cap(h.panes) {
		grown := make([]pane, n, n+4)
		copy(grown, h.panes)
		h.panes = grown
	}
	h.panes = h.panes[:n+1]
	h.panes[n].reset(number)
}

// Decide says what the Open panes are: those from quarantine on are Quarantined,
// those from undecided on stay Open, the others are Normal. It returns how many
// were quarantined.
func (h *History) Decide(quarantine, undecided int64) (quarantined int) {
	for i := range h.panes {
		p := &h.panes[i]
		switch {
		case p.status != Open:
		case p.number >= quarantine:
			p.status = Quarantined
			quarantined++
		case p.number < undecided:
			p.status = Normal
		}
	}
	return quarantined
}

// Adopt makes the quarantine the baseline, in place of the one before.
func (h *History) Adopt() {
	h.keep(func(p *pane) bool { return p.status != Normal })
	for i := range h.panes {
		if h.panes[i].status == Quarantined {
			h.panes[i].status = Normal
		}
	}
}

// Trim forgets what is over: Normal panes beyond the newest limit, or below the
// number oldest; Quarantined ones the same, or all of them. Open ones beyond
// the newest limit become Normal: doubt does not last.
func (h *History) Trim(limit int, oldest int64, quarantine bool) {
	var seen [3]int
	for i := len(h.panes) - 1; i >= 0; i-- {
		p := &h.panes[i]
		if p.status == Open && seen[Open] >= limit {
			p.status = Normal
		}
		seen[p.status]++
		if p.status != Open && (seen[p.status] > limit || p.number < oldest || p.status == Quarantined && !quarantine) {
			p.number = -1
		}
	}
	h.keep(func(p *pane) bool { return p.number >= 0 })
}

// keep moves the panes not to be kept beyond the end, one as a spare, and lets
// go of the memory of the others.
func (h *History) keep(which func(*pane) bool) {
	all := h.panes[:cap(h.panes)]
	n := 0
	for i := range h.panes {
		if which(&all[i]) {
			if i != n {
				all[n], all[i] = all[i], all[n]
			}
			n++
		}
	}
	h.panes = all[:n]
	for i := n + 1; i < len(all); i++ {
		all[i] = pane{}
	}
}

// Baseline is what the Normal panes of h make together, and how many they are.
func (mg *Merger) Baseline(h *History) (b verdict.Baseline, panes int) {
	return mg.of(h, Normal)
}

// Quarantine is what the Quarantined panes of h make together, and how many
// they are.
func (mg *Merger) Quarantine(h *History) (b verdict.Baseline, panes int) {
	return mg.of(h, Quarantined)
}

func (mg *Merger) of(h *History, s Status) (b verdict.Baseline, panes int) {
	for i := range h.panes {
		if h.panes[i].status == s {
			panes++
		}
	}
	return mg.mergePanes(h.panes, func(p *pane) bool { return p.status == s }), panes
}

// Halves are the means of the older and of the newer half of the quarantine.
// ok is false when there are not two panes.
func (h *History) Halves() (older, newer float64, ok bool) {
	panes := 0
	for i := range h.panes {
		if h.panes[i].status == Quarantined {
			panes++
		}
	}
	var counts [2]uint64
	var sums [2]float64
	at := 0
	for i := range h.panes {
		if p := &h.panes[i]; p.status == Quarantined {
			half := 0
			if at >= (panes+1)/2 {
				half = 1
			}
			at++
			n, sum, _, _ := p.total()
			counts[half] += n
			sums[half] += sum
		}
	}
	if counts[0] == 0 || counts[1] == 0 {
		return 0, 0, false
	}
	return sums[0] / float64(counts[0]), sums[1] / float64(counts[1]), true
}

// Currents are the values that were judged in the Normal panes, in the order of
// time of the panes: the measurements themselves where they are single values,
// else what Judged was told, of each pane an even part of at most 64. Valid
// until the next call of the merger.
func (mg *Merger) Currents(h *History) []float64 {
	mg.values = mg.values[:0]
	for i := range h.panes {
		p := &h.panes[i]
		if p.status != Normal {
			continue
		}
		mg.values = append(mg.values, p.values...)
		if p.form != nil {
			mg.values = append(mg.values, p.form.currents.values...)
		}
	}
	return mg.values
}
