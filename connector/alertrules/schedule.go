package alertrules

import "time"

// schedule says when something is due that happens at the multiples of its
// interval, whoever started when: replicas evaluate at the same times.
type schedule struct {
	interval time.Duration
	next     time.Time
}

func newSchedule(interval time.Duration, now time.Time) schedule {
	return schedule{interval: interval, next: aligned(now, interval).Add(interval)}
}

// due returns the newest time that is due, and how many before it were missed.
func (s *schedule) due(now time.Time) (at time.Time, missed int, ok bool) {
	if s.next.Sub(now) > 2*s.interval {
		// The clock was set back: begin anew rather than wait for the old time.
		*s = newSchedule(s.interval, now)
	}
	if now.Before(s.next) {
		return time.Time{}, 0, false
	}
	at = aligned(now, s.interval)
	missed = int(at.Sub(s.next) / s.interval)
	s.next = at.Add(s.interval)
	return at, missed, true
}

func aligned(t time.Time, interval time.Duration) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-ns%int64(interval)).UTC()
}
