package load

import "time"

// Pressure measures how much a consumer holds up its callers.
//
// A call is patient for a while: a busy consumer that answers each call soon
// is no load, however many there are. What counts is the time that calls spend
// beyond Patience. By Little's law the time that all calls spent, over the
// time that passed, is how many there were on average. So with
//
//	waiting = calls beyond their patience, on average
//	inside  = calls, on average
//
// the load is waiting/inside where there is always a call, and waiting where
// there is not: one slow call a minute is a slow call and not a load. Calls
// that all take n times Patience give 1 - 1/n: 0.6 at 2.5 times, 0.8 at 5 times.
// That is also how busy a server is whose customers take n times as long as at
// an idle one (M/M/1), so the number means what it means for the processor.
//
// A refused call counts as full: the consumer says itself that it can take no
// more.
//
// It remembers the calls under way and nothing of those that have ended.
type Pressure struct {
	// Patience is the longest that a healthy call takes.
	Patience time.Duration

	calls           map[uint64]time.Time // under way: when they began
	last            uint64
	inside, waiting time.Duration // of calls that have ended since read
	refused         bool
	read            time.Time
}

// Begin notes that a call begins and returns its number for End.
func (p *Pressure) Begin(now time.Time) uint64 {
	if p.calls == nil {
		p.calls = map[uint64]time.Time{}
	}
	p.last++
	p.calls[p.last] = now
	return p.last
}

// End notes that a call has ended, and whether it was refused.
func (p *Pressure) End(now time.Time, call uint64, refused bool) {
	inside, waiting := p.spent(p.calls[call], now)
	delete(p.calls, call)
	p.inside += inside
	p.waiting += waiting
	p.refused = p.refused || refused
}

// Read returns the load since the reading before, 0 to 1. The first has none
// before it, and false is returned, as it is when no time has passed.
func (p *Pressure) Read(now time.Time) (load float64, ok bool) {
	elapsed := now.Sub(p.read)
	if elapsed <= 0 {
		return 0, false
	}
	for _, began := range p.calls {
		inside, waiting := p.spent(began, now)
		p.inside += inside
		p.waiting += waiting
	}
	load = p.waiting.Seconds() / max(elapsed, p.inside).Seconds()
	if p.refused {
		load = 1
	}
	ok = !p.read.IsZero()
	p.read, p.inside, p.waiting, p.refused = now, 0, 0, false
	return load, ok
}

// spent is how much of the time since the last reading a call has spent, and
// how much of that beyond its patience.
func (p *Pressure) spent(began, now time.Time) (inside, waiting time.Duration) {
	since := func(from time.Time) time.Duration {
		if from.Before(p.read) {
			from = p.read
		}
		return max(0, now.Sub(from))
	}
	return since(began), since(began.Add(p.Patience))
}
