package baseline

// maxSample is how many of a pane's judged values are kept.
const maxSample = 64

// sample keeps an even part of a sequence: all of it up to maxSample values,
// then every second, every fourth and so on.
type sample struct {
	values []float64
	seen   uint32
	stride uint32 // 0 stands for 1
}

func (s *sample) reset() { s.values, s.seen, s.stride = s.values[:0], 0, 0 }

func (s *sample) add(v float64) {
	stride := max(s.stride, 1)
	if s.seen++; (s.seen-1)%stride != 0 {
		return
	}
	if len(s.values) == maxSample {
		kept := s.values[:0]
		for i := 0; i < maxSample; i += 2 {
			kept = append(kept, s.values[i])
		}
		s.values, s.stride = kept, 2*stride
		if (s.seen-1)%s.stride != 0 {
			return
		}
	}
	s.values = appendTight(s.values, v)
}
