// Package runs finds the optimization runs behind a stream of iterations and says
// when one has finished and whether it converged.
//
// No event says where a run ends, so a run is: the iterations of one program for one
// request, until it converges, until the multi-agent run or request around it
// completes, until its iterations start again from the first, or until nothing is
// heard for long. It converged when an iteration says so, or when the score moved by
// less than 0.001 in three iterations running.
//
// An iteration may arrive before anybody knows its request. A run is unnamed as long
// as all of its iterations did: the first one with a request id names it, and so does
// the end of an operation with one. An iteration without a request id belongs to the
// program's unnamed run, else to the one heard of last. The end of an operation
// without one ends the unnamed run, else the program's only open one; among several
// it says nothing.
//
// A finished run is remembered for as long as an idle one, so that stragglers of it
// (the parent span may arrive before its children) are not taken for a new run.
package runs

import (
	"container/list"
	"time"
)

// Program is whose iterations belong together: a program, else a trace, within a
// scope such as an environment.
type Program struct {
	Scope string
	ID    string
}

// Key is a program, optimized for one request.
type Key struct {
	Program
	Request string // empty = not known
}

// unnamed is the key of the program's run of which no request is known.
func (k Key) unnamed() Key { return Key{Program: k.Program} }

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

// Table holds the runs, at most max; a new one beyond that ends the one that was
// silent for longest.
type Table struct {
	max      int
	ttl      time.Duration
	runs     map[Key]*run
	programs map[Program]*program
	lru      *list.List // front = silent for longest
	// When operations ended for which no open run was known: their iterations may
	// still come. Two generations, as in package once.
	closed, closedBefore map[Key]end
}

// end is when operations ended (ns): those of the key, and for a program's unnamed
// run those of all of its requests.
type end struct{ own, all int64 }

// New returns an empty table.
func New(limit int, ttl time.Duration) *Table {
	return &Table{
		max: limit, ttl: ttl, runs: map[Key]*run{}, programs: map[Program]*program{}, lru: list.New(),
		closed: map[Key]end{}, closedBefore: map[Key]end{},
	}
}

// Add takes an iteration in and appends what ended by it to out.
func (t *Table) Add(now time.Time, k Key, it Iteration, out []Ended) []Ended {
	r, out := t.runOf(k, it, out)
	if r == nil {
		r, out = t.begin(k, it.Labels, out)
	}
	r.seen = now
	t.lru.MoveToBack(r.elem)
	r.program.runs.MoveToBack(r.sibling)
	out = r.add(it, out)
	if r.closedAt == 0 && it.At != 0 {
		if at := t.endOf(r); at >= it.At {
			r.closedAt = at
			out = r.finish(out)
		}
	}
	return out
}

// runOf is the run that an iteration belongs to, nil when it begins one.
func (t *Table) runOf(k Key, it Iteration, out []Ended) (*run, []Ended) {
	for _, key := range [...]Key{k, k.unnamed()} {
		r := t.runs[key]
		if r == nil {
			continue
		}
		if !r.isOver(it) {
			t.name(r, k)
			return r, out
		}
		out = r.finish(out)
		t.drop(r)
	}
	p := t.programs[k.Program]
	if p == nil || k.Request != "" {
		return nil, out
	}
	if r := p.latest(); !r.isOver(it) {
		return r, out
	}
	return nil, out
}

func (t *Table) begin(k Key, labels Labels, out []Ended) (*run, []Ended) {
	if len(t.runs) >= t.max {
		oldest := t.lru.Front().Value.(*run)
		out = oldest.finish(out)
		t.drop(oldest)
	}
	p := t.programs[k.Program]
	if p == nil {
		p = &program{runs: list.New()}
		t.programs[k.Program] = p
	}
	r := &run{key: k, program: p, labels: labels}
	p.open++
	t.runs[k] = r
	r.elem, r.sibling = t.lru.PushBack(r), p.runs.PushBack(r)
	return r, out
}

// name says whose run it is.
func (t *Table) name(r *run, k Key) {
	delete(t.runs, r.key)
	r.key = k
	t.runs[k] = r
}

// Close ends the run of a key because the operation around it ended at the time at
// (ns, 0 = unknown).
func (t *Table) Close(k Key, at int64, out []Ended) []Ended {
	r := t.runs[k]
	if r == nil {
		u, p := t.runs[k.unnamed()], t.programs[k.Program]
		switch {
		case u != nil && (at == 0 || u.last <= at):
			t.name(u, k)
			r = u
		case k.Request != "" || p == nil:
			t.remember(k, at)
			return out
		case p.open > 1 || p.open == 1 && p.latest().finished:
			return out // nobody knows whose
		default:
			r = p.latest()
		}
	}
	switch {
	case at != 0 && r.last > at:
		return out // the end of an earlier operation
	case r.closedAt != 0:
		// The operation around that one, whose iterations are all here; or the next
		// one, whose iterations may be yet to come.
		if at > r.closedAt {
			t.remember(k, at)
		}
		return out
	}
	out = r.finish(out)
	if at == 0 {
		t.drop(r) // without times a straggler cannot be told from a new run
		return out
	}
	r.closedAt = at
	return out
}

func (t *Table) remember(k Key, at int64) {
	if at == 0 {
		return
	}
	e := t.ended(k)
	e.own = max(e.own, at)
	t.put(k, e)
	e = t.ended(k.unnamed())
	e.all = max(e.all, at)
	t.put(k.unnamed(), e)
}

func (t *Table) put(k Key, e end) {
	if _, ok := t.closed[k]; !ok && len(t.closed) >= t.max {
		t.closed, t.closedBefore = t.closedBefore, t.closed
		clear(t.closed)
	}
	t.closed[k] = e
}

func (t *Table) ended(k Key) end {
	if e, ok := t.closed[k]; ok {
		return e
	}
	return t.closedBefore[k]
}

// endOf is the latest known end of an operation that the run may belong to.
func (t *Table) endOf(r *run) int64 {
	e := t.ended(r.key)
	switch {
	case r.key.Request == "":
		return e.all
	case r.program.open == 0 || r.program.open == 1 && !r.finished: // no other is open
		return max(e.own, t.ended(r.key.unnamed()).own)
	default:
		return e.own
	}
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

// drop forgets a run that has finished.
func (t *Table) drop(r *run) {
	t.lru.Remove(r.elem)
	delete(t.runs, r.key)
	r.program.runs.Remove(r.sibling)
	if r.program.runs.Len() == 0 {
		delete(t.programs, r.key.Program)
	}
}
