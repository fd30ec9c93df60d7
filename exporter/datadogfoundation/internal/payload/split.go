package payload

// Limits bound one payload. Datadog's own are 512,000 bytes compressed,
// 5,242,880 raw and 10,000 points.
type Limits struct {
	Compressed, Raw, Points int
}

// Payload is one request's body and what is in it. A Payload without Body is a
// single point that no payload can hold.
type Payload struct {
	Body  []byte
	Raw   int
	Parts []Part
}

// Splitter cuts parts into payloads. It is not safe for concurrent use.
type Splitter struct {
	format   Format
	limits   Limits
	compress func(dst, src []byte) []byte
	enc      encoder
	raw      []byte
	// target is the raw size that the last payloads' compression says will fit,
	// so that few payloads are compressed in vain.
	target int
}

// NewSplitter returns a Splitter. compress appends the compressed src to dst.
func NewSplitter(f Format, l Limits, compress func(dst, src []byte) []byte) *Splitter {
	return &Splitter{format: f, limits: l, compress: compress, target: l.Raw}
}

// Reset makes the Splitter ready for another batch, keeping its memory.
func (s *Splitter) Reset() { s.target = s.limits.Raw }

// Next makes a payload of the first parts, as many as fit, and returns the rest.
// parts must not be empty; it may be changed.
func (s *Splitter) Next(parts []Part) (Payload, []Part) {
	taken, rest := s.fill(parts)
	if len(taken) == 0 {
		// Not even one point fits raw.
		p := parts[0]
		one := []Part{{p.Item, p.From, p.From + 1}}
		if p.Len() > 1 {
			parts[0].From++
			return Payload{Parts: one}, parts
		}
		return Payload{Parts: one}, parts[1:]
	}
	body := s.compress(nil, s.raw)
	s.learn(len(body))
	if len(body) <= s.limits.Compressed {
		return Payload{Body: body, Raw: len(s.raw), Parts: taken}, rest
	}
	if Total(taken) == 1 {
		return Payload{Parts: taken}, rest
	}
	// Too much after all: try with half of it.
	first, second := Halve(taken)
	next, after := s.only(first)
	return next, append(append(after, second...), rest...)
}

// only is Next for parts that are known not to need what follows them.
func (s *Splitter) only(parts []Part) (Payload, []Part) {
	return s.Next(append([]Part(nil), parts...))
}

// learn sets the raw size to aim at: what the last ratio allows, less a tenth.
func (s *Splitter) learn(compressed int) {
	if compressed == 0 || len(s.raw) == 0 {
		return
	}
	fits := float64(s.limits.Compressed) * float64(len(s.raw)) / float64(compressed) * 0.9
	s.target = int(min(fits, float64(s.limits.Raw)))
}

// fill encodes the first parts into s.raw. The last of them may be a piece of a
// series, whose remainder then heads the rest.
func (s *Splitter) fill(parts []Part) (taken, rest []Part) {
	s.raw = append(s.raw[:0], s.format.header()...)
	points := 0
	for len(parts) > 0 {
		p, ok := s.fit(parts[0], s.limits.Points-points, len(taken) == 0)
		if !ok {
			break
		}
		taken = append(taken, p)
		points += p.Len()
		if p.To < parts[0].To {
			parts[0].From = p.To
			continue
		}
		parts = parts[1:]
	}
	s.raw = append(s.raw, s.format.footer()...)
	return taken, parts
}

// fit appends p to s.raw, or as many of its first points as there is room for.
// Only a series that does not fit a payload of its own is cut for its size.
func (s *Splitter) fit(p Part, points int, first bool) (Part, bool) {
	if points <= 0 {
		return p, false
	}
	p.To = min(p.To, p.From+points)
	before, footer := len(s.raw), len(s.format.footer())
	for {
		s.raw = s.enc.append(s.raw[:before], s.format, p, first)
		size := len(s.raw) + footer
		if size <= s.target || first && size <= s.limits.Raw {
			return p, true
		}
		if !first || p.Len() == 1 {
			s.raw = s.raw[:before]
			return p, false
		}
		p.To = p.From + p.Len()/2
	}
}
