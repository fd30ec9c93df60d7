package season

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Append appends what Read reads.
func (h *Hours) Append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(h.learned))
	for i, seen := range h.seen {
		if b = append(b, seen); seen > 0 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(h.level[i]))
		}
	}
	b = binary.AppendVarint(b, h.now)
	b = binary.AppendUvarint(b, h.count)
	b = record.AppendFloat(b, h.sum)
	for i := range h.recent {
		r := h.recent[(h.next+i)%recentHours]
		b = binary.AppendVarint(b, r.hour)
		b = record.AppendFloat(b, r.factor)
	}
	return b
}

// Read sets the hours to what Append appended.
func (h *Hours) Read(r *record.Reader) {
	*h = Hours{learned: uint16(r.UintUpTo(enough*Slots + fadeIn))}
	for i := range h.seen {
		if h.seen[i] = r.Byte(); h.seen[i] > 0 {
			h.level[i] = r.Float32()
			// a logarithm of a float64
			r.FailUnless(h.level[i] > -1000 && h.level[i] < 1000)
		}
	}
	h.now, h.count, h.sum = r.IntWithin(0, math.MaxInt64), r.Uint(), r.Float()
	for i := range h.recent {
		h.recent[i] = frozen{r.Int(), r.Float()}
		f := h.recent[i].factor
		r.FailUnless(f == 0 || f >= MinFactor && f <= MaxFactor)
	}
	h.weigh()
}
