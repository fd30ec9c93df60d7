package expohist

import (
	"encoding/binary"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Append appends what Read reads.
func (h *Histogram) Append(b []byte) []byte {
	b = binary.AppendUvarint(b, h.zero)
	b = record.AppendBool(b, h.used)
	if h.used {
		b = binary.AppendVarint(b, int64(h.scale))
		b = h.pos.append(b)
		b = h.neg.append(b)
	}
	return b
}

func (s *side) append(b []byte) []byte {
	b = record.AppendCounts(b, s.counts)
	if len(s.counts) > 0 {
		b = binary.AppendVarint(b, int64(s.offset))
	}
	return b
}

// Read sets h to what Append appended.
func (h *Histogram) Read(r *record.Reader) {
	*h = Histogram{zero: r.Uint(), used: r.Bool()}
	if h.used {
		h.scale = int32(r.IntWithin(MinScale, MaxScale))
		h.pos.read(r, h.scale)
		h.neg.read(r, h.scale)
	}
}

func (s *side) read(r *record.Reader, scale int32) {
	if s.counts = r.Counts32(MaxBuckets); len(s.counts) > 0 {
		limit := Indexes(scale)
		s.offset = int32(r.IntWithin(-limit, limit-int64(len(s.counts))))
	}
}

// Indexes bounds the buckets of a scale: those of numbers that float64 has are
// from -Indexes to Indexes. Exponents go from -1074 to 1024; 1100 leaves room
// for the buckets that begin below and end above.
func Indexes(scale int32) int64 {
	if scale < 0 {
		return 1100>>uint32(-scale) + 1
	}
	return 1100 << uint32(scale)
}
