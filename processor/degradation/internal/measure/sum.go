package measure

// Rate is what a point of a monotonic sum measured: the increase per second.
func (s *Stream) Rate(p Point, value float64, within int64) (rate float64, r Reason) {
	if !Finite(value) {
		return 0, NotFinite
	}
	if value < 0 {
		return 0, Negative // a monotonic sum begins at zero
	}
	if !p.Cumulative {
		from := p.Start
		if from <= 0 {
			from = s.time // no start: since the point before
		}
		// What a cumulative stream said last is not comparable with what it
		// will say after a delta, should the stream change its mind.
		*s = Stream{time: max(s.time, p.Time)}
		return perSecond(value, from, p.Time)
	}
	how := s.relate(p, within)
	if how == stale {
		return 0, OutOfOrder
	}
	increase := value
	if how == follows && value >= s.value {
		increase = value - s.value
	}
	from := s.since(p)
	s.remember(p)
	s.value = value
	if how == begins {
		return 0, First
	}
	return perSecond(increase, from, p.Time)
}

func perSecond(increase float64, from, to int64) (float64, Reason) {
	if from <= 0 || from >= to {
		return 0, NoInterval
	}
	return increase / (float64(to-from) / 1e9), OK
}
