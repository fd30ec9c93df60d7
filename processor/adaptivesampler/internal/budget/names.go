package budget

import (
	"sync"
	"sync/atomic"
	"time"
)

// maxName is the longest name with a minimum of its own. With it the names
// cannot outgrow their number times this, whatever arrives.
const maxName = 256

// Name is when a name is next due for its minimum.
type Name struct {
	due atomic.Int64 // nanoseconds since 1970
}

// Names are the names with a minimum: how many of each are kept within a
// minute whatever the budget. A minimum of n is kept as one every nth part of
// a minute, so that one time is all there is to remember.
//
// They are bounded. A name beyond the bound shares one minimum with all others
// beyond it, until some of the known ones have been idle.
type Names struct {
	interval int64
	bound    int

	mu       sync.Mutex
	known    map[string]*Name
	rest     Name
	swept    int64
	overflow atomic.Int64
}

// NewNames makes the minimum for at most bound names. perMinute is 1 or more.
func NewNames(perMinute, bound int) *Names {
	return &Names{interval: int64(time.Minute) / int64(perMinute), bound: bound, known: map[string]*Name{}}
}

// Of finds or makes the state of a name.
func (n *Names) Of(now time.Time, name string) *Name {
	n.mu.Lock()
	defer n.mu.Unlock()
	if of, ok := n.known[name]; ok {
		return of
	}
	if len(name) > maxName || len(n.known) >= n.bound && !n.sweep(now.UnixNano()) {
		n.overflow.Add(1)
		return &n.rest
	}
	of := &Name{}
	n.known[name] = of
	return of
}

// Overflow is how often a name had to share.
func (n *Names) Overflow() int64 { return n.overflow.Load() }

// sweep forgets the names that have been due for a whole interval, and tells
// whether there is room. Nothing is lost with them: a name that is not known
// is due as well. It looks through all names, so not more than once an
// interval.
func (n *Names) sweep(now int64) bool {
	if elapsed := now - n.swept; elapsed >= 0 && elapsed < n.interval {
		return false
	}
	n.swept = now
	for name, of := range n.known {
		if now-of.due.Load() > n.interval {
			delete(n.known, name)
		}
	}
	return len(n.known) < n.bound
}

// Due tells whether the name has had none for an interval.
func (n *Names) Due(now time.Time, of *Name) bool {
	return n.overdue(now.UnixNano(), of.due.Load())
}

// overdue also holds for a time further away than any that is ever set: the
// clock has stepped back since.
func (n *Names) overdue(now, due int64) bool { return due <= now || due-now > n.interval }

// Claim takes the minimum of a name that is due; of several at once it is true
// for one. within is how far back the items that are decided now may have
// come: as many are due as there are intervals in it, and one at least.
func (n *Names) Claim(now time.Time, within time.Duration, of *Name) bool {
	at, due := now.UnixNano(), of.due.Load()
	if !n.overdue(at, due) {
		return false
	}
	earlier := at - max(0, int64(within)-n.interval)
	return of.due.CompareAndSwap(due, max(min(due, at), earlier)+n.interval)
}

// Kept tells that one of the name was kept anyway.
func (n *Names) Kept(now time.Time, of *Name) {
	of.due.Store(now.UnixNano() + n.interval)
}
