package baseline

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
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
	var layout []float64
	for i := range r.panes {
		if r.panes[i].number >= 0 {
			b = r.panes[i].append(b, &layout)
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
	var layout []float64
	for range used {
		number := from.IntWithin(0, r.newest)
		p := &r.panes[number%int64(size)]
		from.FailUnless(p.number < 0)
		if from.Failed() {
			*r = Ring{}
			return
		}
		p.number = number
		p.read(from, &layout)
	}
}

// Append appends what Read reads.
func (h *History) Append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(h.panes)))
	var layout []float64
	for i := range h.panes {
		b = h.panes[i].append(b, &layout)
	}
	return b
}

// Read sets the history to what Append appended.
func (h *History) Read(r *record.Reader) {
	*h = History{}
	n := r.Len(math.MaxInt, minPane)
	if n == 0 {
		return
	}
	h.panes = make([]pane, n)
	last, layout := int64(-1), []float64(nil)
	for i := range h.panes {
		p := &h.panes[i]
		p.number = r.IntWithin(0, math.MaxInt64)
		r.FailUnless(p.number > last)
		if r.Failed() {
			*h = History{}
			return
		}
		last = p.number
		p.read(r, &layout)
	}
}

// minPane is the least that a pane takes: number, status, number of values and
// what else it holds.
const minPane = 4

// What a pane holds beyond single values.
const (
	noForm = iota
	withoutDistribution
	withExplicit
	withSameExplicit // in the layout of the last one
	withExpo
)

// append appends a pane. layout is that of the last explicit buckets before.
func (p *pane) append(b []byte, layout *[]float64) []byte {
	b = binary.AppendVarint(b, p.number)
	b = append(b, byte(p.status))
	b = record.AppendFloats(b, p.values)
	f := p.form
	if f == nil || f.count == 0 && f.currents.seen == 0 {
		return append(b, noForm)
	}
	switch {
	case p.holdsExpo():
		b = f.expo.Append(append(b, withExpo))
	case p.holdsExplicit():
		if SameBounds(*layout, f.explicit.bounds) {
			b = append(b, withSameExplicit)
		} else {
			*layout = f.explicit.bounds
			b = record.AppendFloats(append(b, withExplicit), *layout)
		}
		b = record.AppendCounts(b, f.explicit.counts)
		b = binary.AppendUvarint(b, f.explicit.total)
	default:
		b = append(b, withoutDistribution)
	}
	b = binary.AppendUvarint(b, f.count)
	b = record.AppendFloat(b, f.sum)
	b = record.AppendFloat(b, f.min)
	b = record.AppendFloat(b, f.max)
	return f.currents.append(b)
}

// read reads a pane after its number.
func (p *pane) read(r *record.Reader, layout *[]float64) {
	p.status = Status(r.Byte())
	r.FailUnless(p.status <= Quarantined)
	p.values = r.Floats(maxRaw)
	kind := r.Byte()
	if kind == noForm {
		return
	}
	p.form = &form{}
	f := p.form
	switch kind {
	case withoutDistribution:
	case withExplicit, withSameExplicit:
		if kind == withExplicit {
			*layout = r.SharedFloats(maxBuckets - 1)
			for i := 1; i < len(*layout); i++ {
				r.FailUnless((*layout)[i] > (*layout)[i-1])
			}
		}
		e := &explicit{bounds: *layout, counts: r.Counts32(maxBuckets), total: r.Uint()}
		r.FailUnless(len(e.bounds) > 0 && len(e.counts) == len(e.bounds)+1 && e.total > 0)
		f.explicit = e
	case withExpo:
		f.expo = &expohist.Histogram{}
		f.expo.Read(r)
	default:
		r.Fail()
	}
	f.count, f.sum, f.min, f.max = r.Uint(), r.Float(), r.Float(), r.Float()
	r.FailUnless(!math.IsNaN(f.sum) && !math.IsInf(f.sum, 0) && !math.IsNaN(f.min) && !math.IsNaN(f.max))
	f.currents.read(r)
}

func (s *sample) append(b []byte) []byte {
	b = record.AppendFloats(b, s.values)
	b = binary.AppendUvarint(b, uint64(s.seen))
	return binary.AppendUvarint(b, uint64(s.stride))
}

func (s *sample) read(r *record.Reader) {
	*s = sample{values: r.Floats(maxSample), seen: r.Uint32(), stride: r.Uint32()}
	r.FailUnless(s.stride <= math.MaxUint32/maxSample) // it doubles with every maxSample of its values
}
