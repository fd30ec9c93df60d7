// Package runs finds the optimization runs behind a stream of iterations and says
// when one has finished and whether it converged.
//
// No event says where a run ends, so a run is: the iterations of one program, until
// it converges, until the multi-agent run or request around it completes, until its
// iterations start again from the first, or until nothing is heard for long.
// It converged when an iteration says so, or when the score moved by less than 0.001
// in three iterations running.
//
// A finished run is remembered for as long as an idle one, so that stragglers of it
// (the parent span may arrive before its children) are not taken for a new run.
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

// Key is whose iterations belong together: a program, else a coordination or a trace,
// within a scope such as an environment.
type Key struct {
	Scope string
	ID    string
}

// Labels are what the counters are counted by.
type Labels struct {
	Resource int
	Layer    string
	Strategy string
}

// Ended is a change of the counters.
type Ended struct {
	Labels
	Finished  int
	Converged int
}

// Iteration is one completed iteration.
type Iteration struct {
	Labels
	At           int64 // when it ended, ns; 0 = unknown
	Number       int
	HasNumber    bool
	Score        float64
	HasScore     bool
	Converged    bool
	HasConverged bool
}

type run struct {
	key       Key
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
	elem      *list.Element
}

// Table holds the runs, at most max; a new one beyond that ends the one that was
// silent for longest.
type Table struct {
	max  int
	ttl  time.Duration
	runs map[Key]*run
	lru  *list.List // front = silent for longest
	// When operations ended for which no run was known: their iterations may still
	// come. Two generations, as in package once.
	closed, closedBefore map[Key]int64
}

// New returns an empty table.
func New(limit int, ttl time.Duration) *Table {
	return &Table{max: limit, ttl: ttl, runs: map[Key]*run{}, lru: list.New(), closed: map[Key]int64{}, closedBefore: map[Key]int64{}}
}

// Add takes an iteration in and appends what ended by it to out.
func (t *Table) Add(now time.Time, k Key, it Iteration, out []Ended) []Ended {
	r := t.runs[k]
	if r != nil && r.isOver(it) {
		out = r.finish(out)
		t.drop(r)
		r = nil
	}
	if r == nil {
		if len(t.runs) >= t.max {
			oldest := t.lru.Front().Value.(*run)
			out = oldest.finish(out)
			t.drop(oldest)
		}
		r = &run{key: k, labels: it.Labels}
		t.runs[k] = r
		r.elem = t.lru.PushBack(r)
	}
	r.seen = now
	t.lru.MoveToBack(r.elem)
	out = r.add(it, out)
	if r.closedAt == 0 && it.At != 0 {
		if at := max(t.closed[k], t.closedBefore[k]); at >= it.At {
			r.closedAt = at
			out = r.finish(out)
		}
	}
	return out
}

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
		e := Ended{Labels: r.labels, Converged: 1}
		if !r.finished {
			r.finished = true
			e.Finished = 1
		}
		out = append(out, e)
	}
	return out
}

func (r *run) finish(out []Ended) []Ended {
	if r.finished {
		return out
	}
	r.finished = true
	return append(out, Ended{Labels: r.labels, Finished: 1})
}

// Close ends the run of a key because the operation around it ended at the time at
// (ns, 0 = unknown).
func (t *Table) Close(k Key, at int64, out []Ended) []Ended {
	r := t.runs[k]
	if r == nil {
		t.remember(k, at)
		return out
	}
	if at != 0 && r.last > at {
		return out // the end of an earlier operation
	}
	out = r.finish(out)
	if at == 0 {
		t.drop(r) // without times a straggler cannot be told from a new run
		return out
	}
	r.closedAt = max(r.closedAt, at)
	return out
}

func (t *Table) remember(k Key, at int64) {
	if at == 0 {
		return
	}
	if _, ok := t.closed[k]; !ok && len(t.closed) >= t.max {
		t.closed, t.closedBefore = t.closedBefore, t.closed
		clear(t.closed)
	}
	t.closed[k] = max(t.closed[k], at)
}

// Expire ends the runs that were silent for the time to live.
func (t *Table) Expire(now time.Time, out []Ended) []Ended {
	for e := t.lru.Front(); e != nil; e = t.lru.Front() {
		r := e.Value.(*run)
		if now.Sub(r.seen) <= t.ttl {
			break
		}
		out = r.finish(out)
		t.drop(r)
	}
	return out
}

// Len is the number of runs remembered.
func (t *Table) Len() int { return len(t.runs) }

func (t *Table) drop(r *run) {
	t.lru.Remove(r.elem)
	delete(t.runs, r.key)
}
