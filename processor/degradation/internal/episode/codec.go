package episode

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/record"
)

// Append appends what Read reads.
func (m *Machine) Append(b []byte) []byte {
	b = append(b, byte(m.state))
	switch {
	case m.state == Pending:
		b = binary.AppendUvarint(b, m.history)
		b = binary.AppendVarint(b, m.from)
	case m.InEpisode():
		b = binary.AppendVarint(b, int64(m.cleared))
		b = binary.AppendVarint(b, m.from)
		b = binary.AppendVarint(b, m.since)
	}
	return b
}

// Read sets the machine to what Append appended.
func (m *Machine) Read(r *record.Reader) {
	*m = Machine{state: State(r.Byte())}
	switch {
	case m.state >= States:
		r.Fail()
	case m.state == Pending:
		m.history = r.Uint()
		m.from = r.IntWithin(0, math.MaxInt64)
	case m.InEpisode():
		m.cleared = uint16(r.IntWithin(0, math.MaxUint16))
		m.from, m.since = r.IntWithin(0, math.MaxInt64), r.IntWithin(0, math.MaxInt64)
	}
}
