package baseline

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/record"
)

// maxBuckets bounds the layout of an explicit histogram that is read back; no
// measurement has more.
const maxBuckets = 1024

// Append appends the ring's panes, as Merger.Read reads them.
func (r *Ring) Append(b []byte) []byte {
	used := 0
	for i := range r.panes {
		if r.panes[i].number >= 0 {
			used++
		}
	}
	b = binary.AppendUvarint(b, uint64(used))
	if used == 0 {
		return b
	}
	b = binary.AppendVarint(b, r.newest)
	for i := range r.panes {
		if r.panes[i].number >= 0 {
			b = r.panes[i].append(b)
		}
	}
	return b
}

// Read sets the ring to what Append appended under the same cut.
func (mg *Merger) Read(r *Ring, from *record.Reader) {
	*r = Ring{}
	size := int(mg.panes.Count) + 1
	used := from.Len(size, minPane)
	if used == 0 {
		return
	}
	r.newest = from.IntWithin(0, math.MaxInt64)
	r.panes = make([]pane, size)
	for i := range r.panes {
		r.panes[i].number = -1
	}
	for range used {
		number := from.IntWithin(0, r.newest)
		p := &r.panes[number%int64(size)]
		from.FailUnless(p.number < 0)
		if from.Failed() {
			*r = Ring{}
			return
		}
		p.number = number
		p.read(from)
	}
}

// minPane is the least a pane takes: number, count, what it holds, and three
// floats.
const minPane = 3 + 3*8

// What a pane's distribution is in.
const (
	inNothing = iota // it came without one
	inValues
	inExplicit
	inExpo
)

func (p *pane) append(b []byte) []byte {
	b = binary.AppendVarint(b, p.number)
	b = binary.AppendUvarint(b, p.count)
	b = record.AppendFloat(b, p.sum)
	b = record.AppendFloat(b, p.min)
	b = record.AppendFloat(b, p.max)
	switch {
	case p.holdsExpo():
		return p.expo.Append(append(b, inExpo))
	case p.holdsExplicit():
		b = record.AppendFloats(append(b, inExplicit), p.explicit.bounds)
		b = record.AppendCounts(b, p.explicit.counts)
		return binary.AppendUvarint(b, p.explicit.total)
	case len(p.values) > 0:
		return record.AppendFloats(append(b, inValues), p.values)
	}
	return append(b, inNothing)
}

// read reads a pane after its number.
func (p *pane) read(r *record.Reader) {
	p.count, p.sum, p.min, p.max = r.Uint(), r.Float(), r.Float(), r.Float()
	r.FailUnless(!math.IsNaN(p.sum) && !math.IsInf(p.sum, 0) && !math.IsNaN(p.min) && !math.IsNaN(p.max))
	switch r.Byte() {
	case inNothing:
	case inValues:
		p.values = r.Floats(maxRaw)
		r.FailUnless(len(p.values) > 0)
	case inExplicit:
		e := &explicit{bounds: r.Floats(maxBuckets - 1), counts: r.Counts32(maxBuckets), total: r.Uint()}
		r.FailUnless(len(e.bounds) > 0 && len(e.counts) == len(e.bounds)+1 && e.total > 0)
		for i := 1; i < len(e.bounds); i++ {
			r.FailUnless(e.bounds[i] > e.bounds[i-1])
		}
		p.explicit = e
	case inExpo:
		p.expo = &expohist.Histogram{}
		p.expo.Read(r)
	default:
		r.Fail()
	}
}
