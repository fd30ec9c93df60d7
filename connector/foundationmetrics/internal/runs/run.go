package runs

import (
	"container/list"
	"math"
	"time"
)

// The document says that a run converges but not when; these are ours.
const (
	stableDelta = 0.001
	stableSteps = 3
)

type run struct {
	key       Key
	program   *program
	labels    Labels
	seen      time.Time
	last      int64 // the time of the newest iteration
	closedAt  int64 // the time at which the enclosing operation ended
	number    int   // the highest
	score     float64
	hasScore  bool
	steady    int
	finished  bool
	converged bool
	elem      *list.Element // in Table.lru
	sibling   *list.Element // in program.runs
}

// program is what one program's runs share. Those of several requests overlap.
type program struct {
	runs *list.List // back = heard of last
	open int        // runs that have not finished
}

func (p *program) latest() *run { return p.runs.Back().Value.(*run) }

// isOver says whether an iteration belongs to the next run. Only time that moves on
// can begin one: a straggler of this run has a low number too.
func (r *run) isOver(it Iteration) bool {
	if it.At != 0 && r.closedAt != 0 {
		return it.At > r.closedAt
	}
	restarted := it.HasNumber && it.Number <= 1 && r.number > it.Number
	return restarted && (it.At == 0 || it.At > r.last)
}

func (r *run) add(it Iteration, out []Ended) []Ended {
	if it.Labels.Strategy != "" && !r.finished {
		r.labels = it.Labels
	}
	late := it.At != 0 && it.At < r.last
	r.last = max(r.last, it.At)
	r.number = max(r.number, it.Number)
	if it.HasScore && !late { // the difference to a newer iteration would mean nothing
		if r.hasScore && math.Abs(it.Score-r.score) < stableDelta {
			r.steady++
		} else {
			r.steady = 0
		}
		r.score, r.hasScore = it.Score, true
	}
	switch {
	case r.converged:
	case it.HasConverged && it.Converged, !it.HasConverged && r.steady >= stableSteps:
		r.converged = true
		out = append(r.finish(out), Ended{Labels: r.labels, Converged: 1})
	}
	return out
}

func (r *run) finish(out []Ended) []Ended {
	if r.finished {
		return out
	}
	r.finished = true
	r.program.open--
	return append(out, Ended{Labels: r.labels, Finished: 1})
}
