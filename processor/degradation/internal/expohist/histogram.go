package expohist

import "math"

const (
	// MaxBuckets bounds each of the two sides. 160 is what the OpenTelemetry
	// SDKs use: values of a ratio of 1000 between the largest and the smallest
	// keep buckets of 4.4 %.
	MaxBuckets = 160
	// MaxScale is the finest resolution, the SDKs' as well: a bucket is then
	// 0.00007 % wide.
	MaxScale = 20
	// MinScale is the coarsest. At -10 each bucket is 2^1024 wide, so that two
	// buckets hold all of float64.
	MinScale = -10
)

// Histogram counts values by magnitude. The zero value is ready to use. Counts
// saturate at the largest uint32: one bucket would need 14 million values a
// second for five minutes to get there, and half the memory is saved.
type Histogram struct {
	scale    int32
	used     bool // scale says something
	zero     uint64
	pos, neg side
}

// side counts the values of one sign; counts[i] is bucket offset+i.
type side struct {
	offset int32
	counts []uint32
}

// Reset forgets the values and keeps the memory.
func (h *Histogram) Reset() {
	h.used, h.zero = false, 0
	h.pos.counts, h.neg.counts = h.pos.counts[:0], h.neg.counts[:0]
}

// Scale is the present resolution.
func (h *Histogram) Scale() int32 { return h.scale }

// Empty says whether nothing is held. It does not count.
func (h *Histogram) Empty() bool {
	return h.zero == 0 && len(h.pos.counts) == 0 && len(h.neg.counts) == 0
}

// Count is the number of values held.
func (h *Histogram) Count() uint64 {
	return h.zero + h.pos.total() + h.neg.total()
}

// Add counts n values v. v must be finite.
func (h *Histogram) Add(v float64, n uint64) {
	if n == 0 {
		return
	}
	if v == 0 {
		h.zero += n
		return
	}
	s := &h.pos
	if v < 0 {
		s, v = &h.neg, -v
	}
	if !h.used {
		h.scale, h.used = MaxScale, true
	}
	i := index(v, h.scale)
	i >>= h.fit(s, i, i)
	s.add(i, n)
}

// AddZero counts n values that are zero, or too small to tell from it.
func (h *Histogram) AddZero(n uint64) { h.zero += n }

// AddPositive adds buckets of positive values; counts[i] is bucket offset+i at
// the given scale, which must lie within MinScale and MaxScale.
func (h *Histogram) AddPositive(scale, offset int32, counts []uint64) {
	h.addSide(&h.pos, scale, offset, counts)
}

// AddNegative adds buckets of negative values, by their magnitude.
func (h *Histogram) AddNegative(scale, offset int32, counts []uint64) {
	h.addSide(&h.neg, scale, offset, counts)
}

func (h *Histogram) addSide(s *side, scale, offset int32, counts []uint64) {
	first, last := 0, len(counts)-1
	for first <= last && counts[first] == 0 {
		first++
	}
	for last >= first && counts[last] == 0 {
		last--
	}
	if first > last {
		return
	}
	shift := h.align(scale)
	lo, hi := (offset+int32(first))>>shift, (offset+int32(last))>>shift
	shift += h.fit(s, lo, hi)
	for i := first; i <= last; i++ {
		if counts[i] > 0 {
			s.add((offset+int32(i))>>shift, counts[i])
		}
	}
}

// Merge adds all that o holds.
func (h *Histogram) Merge(o *Histogram) {
	h.zero += o.zero
	h.mergeSide(&h.pos, o, &o.pos)
	h.mergeSide(&h.neg, o, &o.neg)
}

func (h *Histogram) mergeSide(s *side, o *Histogram, from *side) {
	if len(from.counts) == 0 {
		return
	}
	shift := h.align(o.scale)
	lo, hi := from.offset>>shift, (from.offset+int32(len(from.counts))-1)>>shift
	shift += h.fit(s, lo, hi)
	for i, n := range from.counts {
		if n > 0 {
			s.add((from.offset+int32(i))>>shift, uint64(n))
		}
	}
}

// align makes h at most as fine as scale and returns by how many scales what
// comes in must be coarsened.
func (h *Histogram) align(scale int32) uint32 {
	switch {
	case !h.used:
		h.scale, h.used = scale, true
	case scale < h.scale:
		h.coarsen(uint32(h.scale - scale))
	}
	return uint32(scale - h.scale)
}

// fit makes room on side s for the buckets lo to hi, coarsening h when they
// would not fit with those held, and returns by how many scales it did.
func (h *Histogram) fit(s *side, lo, hi int32) uint32 {
	if len(s.counts) > 0 {
		lo = min(lo, s.offset)
		hi = max(hi, s.offset+int32(len(s.counts))-1)
	}
	var by uint32
	for int64(hi)-int64(lo) >= MaxBuckets { // at the finest scale the distance exceeds int32
		lo, hi, by = lo>>1, hi>>1, by+1
	}
	if by > 0 {
		h.coarsen(by)
	}
	s.grow(lo, hi)
	return by
}

func (h *Histogram) coarsen(by uint32) {
	h.scale -= int32(by)
	h.pos.coarsen(by)
	h.neg.coarsen(by)
}

// coarsen joins 2^by neighbouring buckets each, in place: a bucket's new place
// is never after its old one.
func (s *side) coarsen(by uint32) {
	if len(s.counts) == 0 || by == 0 {
		return
	}
	offset := s.offset >> by
	size := int((s.offset+int32(len(s.counts))-1)>>by-offset) + 1
	for i, n := range s.counts {
		s.counts[i] = 0
		to := int((s.offset+int32(i))>>by - offset)
		s.counts[to] = saturate(uint64(s.counts[to]) + uint64(n))
	}
	s.offset, s.counts = offset, s.counts[:size]
}

// grow extends the side to hold the buckets lo to hi.
func (s *side) grow(lo, hi int32) {
	if len(s.counts) == 0 {
		s.offset = lo
	}
	if below := int(s.offset - lo); below > 0 {
		n := len(s.counts)
		s.extend(n + below)
		copy(s.counts[below:], s.counts[:n])
		clear(s.counts[:below])
		s.offset = lo
	}
	if size := int(hi-s.offset) + 1; size > len(s.counts) {
		s.extend(size)
	}
}

// extend lengthens the counts to size with zeros. Capacity grows in steps of
// eight, not twofold: most sides settle on a few dozen buckets, and there are
// many sides.
func (s *side) extend(size int) {
	n := len(s.counts)
	if size <= cap(s.counts) {
		s.counts = s.counts[:size]
	} else {
		grown := make([]uint32, size, (size+7)&^7)
		copy(grown, s.counts)
		s.counts = grown
	}
	clear(s.counts[n:])
}

func (s *side) add(i int32, n uint64) {
	at := i - s.offset
	s.counts[at] = saturate(uint64(s.counts[at]) + min(n, math.MaxUint32))
}

func (s *side) total() (n uint64) {
	for _, c := range s.counts {
		n += uint64(c)
	}
	return n
}

func saturate(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }
