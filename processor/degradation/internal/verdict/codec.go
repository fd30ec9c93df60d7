package verdict

import (
	"encoding/binary"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Append appends what Read reads.
func (v Verdict) Append(b []byte) []byte {
	b = binary.AppendVarint(b, int64(v.State))
	b = v.Reason.Append(b)
	b = record.AppendFloat(b, v.Current)
	b = binary.AppendUvarint(b, v.Baseline.Count)
	b = record.AppendFloat(b, v.Baseline.Mean)
	b = record.AppendFloat(b, v.Baseline.P95)
	b = record.AppendFloat(b, v.Baseline.P5)
	return record.AppendBool(b, v.Baseline.Wide)
}

// Read sets the verdict to what Append appended.
func (v *Verdict) Read(r *record.Reader) {
	v.State = State(r.IntWithin(int64(Learning), int64(Degraded)))
	v.Reason.Read(r)
	v.Current = r.Float()
	v.Baseline = Baseline{Count: r.Uint(), Mean: r.Float(), P95: r.Float(), P5: r.Float(), Wide: r.Bool()}
}

// Append appends what Read reads.
func (r Reason) Append(b []byte) []byte { return append(b, byte(r)) }

// Read sets the reason to what Append appended.
func (r *Reason) Read(from *record.Reader) {
	*r = Reason(from.Byte())
	from.FailUnless(*r < Rebaselined<<1)
}
