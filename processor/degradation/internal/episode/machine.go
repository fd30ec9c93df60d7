package episode

import (
	"math"
	"math/bits"
)

// MaxN is the most evaluations that Rule.N can look back on.
const MaxN = 64

// Rule is when an episode begins and ends.
type Rule struct {
	// M of the last N evaluations must be suspect for an episode to begin;
	// 1 <= M <= N <= MaxN.
	M, N int
	// Clear is how many evaluations in a row must be cleared for it to end, 1 or
	// more.
	Clear int
}

// State is where a series is.
type State uint8

const (
	// Learning: there is no baseline to judge by.
	Learning State = iota
	// Normal: no suspect among the last evaluations.
	Normal
	// Pending: suspects, but too few.
	Pending
	// Degraded: in an episode.
	Degraded
	// Recovering: in an episode, and the last evaluations were cleared.
	Recovering
	// States is how many there are.
	States
)

// String is the value of the own metric's attribute `state`.
func (s State) String() string {
	if s < States {
		return [States]string{"learning", "normal", "pending", "degraded", "recovering"}[s]
	}
	return ""
}

// Evaluation is one judgement of a series.
type Evaluation struct {
	// Time of it, Unix nanoseconds of event time; From is where what was judged
	// begins, at or before Time.
	Time, From int64
	// Suspect: above the thresholds to enter. Cleared: not above those to leave.
	// Between them it is neither.
	Suspect, Cleared bool
	// Sure: suspect, and no other is needed for an episode to begin.
	Sure bool
}

// Machine is the state of a series. The zero value is Learning. It is a plain
// value: a copy is a snapshot.
type Machine struct {
	state   State
	cleared uint16 // in a row, while Recovering
	history uint64 // bit i: the evaluation i ago was suspect
	from    int64  // From of the first suspect in history, and of an episode's
	since   int64  // in an episode: Time of the evaluation that began it
}

// State is the present one.
func (m *Machine) State() State { return m.state }

// InEpisode says whether that is Degraded or Recovering.
func (m *Machine) InEpisode() bool { return m.state >= Degraded }

// Suspects is where the present suspicion, or the episode that just began, goes
// back to: the event time of its first suspect, or if that is no longer known
// (it is 0), the number of evaluations from the first of its suspects that still
// count to the last one.
func (m *Machine) Suspects() (from int64, evaluations int) {
	return m.from, bits.Len64(m.history)
}

// Since is the event time at which the present episode began.
func (m *Machine) Since() int64 { return m.since }

// Learn begins anew, without a baseline.
func (m *Machine) Learn() { *m = Machine{} }

// Reset begins anew, with one: nothing is suspect.
func (m *Machine) Reset() { *m = Machine{state: Normal} }

// Resume is for an episode of which nothing was heard for so long (nanoseconds)
// that what came before says nothing of the present: the first evaluation
// decides. One that is cleared ends it, else it goes on, and has lasted for so
// much less.
func (m *Machine) Resume(r Rule, silence int64) {
	if m.InEpisode() {
		m.state, m.cleared = Recovering, uint16(r.Clear-1)
		m.since += silence
	}
}

// Step takes the next evaluation, in the order of time, and returns the state
// after it. While Learning it changes nothing.
func (m *Machine) Step(r Rule, e Evaluation) State {
	switch m.state {
	case Learning:
	case Normal, Pending:
		m.watch(r, e)
	case Degraded, Recovering:
		switch {
		case !e.Cleared:
			m.state, m.cleared = Degraded, 0
		case int(m.cleared)+1 >= r.Clear:
			m.Reset()
		default:
			m.state, m.cleared = Recovering, m.cleared+1
		}
	}
	return m.state
}

func (m *Machine) watch(r Rule, e Evaluation) {
	all := uint64(math.MaxUint64) >> (MaxN - r.N)
	if gone := m.history &^ (all >> 1); gone != 0 {
		m.history &^= gone
		m.from = 0
	}
	m.history <<= 1
	if e.Suspect || e.Sure {
		if m.history == 0 {
			m.from = e.From
		}
		m.history |= 1
	}
	switch {
	case e.Sure || bits.OnesCount64(m.history) >= r.M:
		m.state, m.since = Degraded, e.Time
	case m.history != 0:
		m.state = Pending
	default:
		m.Reset()
	}
}
