package episode

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Append appends what Read reads.
func (m *Machine) Append(b []byte) []byte {
	b = append(b, byte(m.state))
	if m.state < Pending {
		return b
	}
	b = binary.AppendUvarint(b, m.history)
	b = binary.AppendVarint(b, m.from)
	if m.InEpisode() {
		b = binary.AppendVarint(b, int64(m.cleared))
		b = binary.AppendVarint(b, m.since)
	}
	return b
}

// Read sets the machine to what Append appended.
func (m *Machine) Read(r *record.Reader) {
	*m = Machine{state: State(r.Byte())}
	if m.state >= States {
		r.Fail()
	}
	if m.state < Pending || r.Failed() {
		return
	}
	m.history, m.from = r.Uint(), r.IntWithin(0, math.MaxInt64)
	if m.InEpisode() {
		m.cleared = uint16(r.IntWithin(0, math.MaxUint16))
		m.since = r.IntWithin(0, math.MaxInt64)
	}
}
