package baseline

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// maxRaw is how many single values a pane keeps as they are, for an exact 95th
// percentile: 64 float64 are 512 bytes, about what the histogram takes that
// replaces them. A gauge exported every 10 s puts 30 into a pane of 5 minutes.
const maxRaw = 64

// pane is one stretch of event time.
type pane struct {
	number int64 // of the stretch: time / width
	status Status
	// values are the measurements while they are few and single ones; what else
	// a pane holds is in form. Both keep their memory when the pane is used
	// again.
	values []float64
	form   *form
}

// form is what a pane holds beyond single values: their number, sum and bounds,
// and the distribution in exactly one of two ways; which of them is told by
// what they hold.
type form struct {
	count    uint64
	sum      float64
	min, max float64
	explicit *explicit
	expo     *expohist.Histogram
	// currents are what was judged in the pane, see Sampled.
	currents sample
}

// explicit holds buckets in the layout of an explicit histogram.
type explicit struct {
	bounds []float64 // shared, never changed
	counts []uint32
	total  uint64
}

func (p *pane) reset(number int64) {
	p.number, p.status = number, Open
	p.values = p.values[:0]
	if f := p.form; f != nil {
		f.count, f.sum = 0, 0
		f.min, f.max = math.Inf(1), math.Inf(-1)
		if f.explicit != nil {
			f.explicit.total = 0
			clear(f.explicit.counts)
		}
		if f.expo != nil {
			f.expo.Reset()
		}
		f.currents.reset()
	}
}

func (p *pane) makeForm() *form {
	if p.form == nil {
		p.form = &form{min: math.Inf(1), max: math.Inf(-1)}
	}
	return p.form
}

func (p *pane) add(m *Measurement) {
	if m.IsScalar() && len(p.values) < maxRaw && !p.holdsExpo() && !p.holdsExplicit() {
		p.values = appendTight(p.values, m.Current)
		return
	}
	f := p.makeForm()
	f.note(m.Count, m.Sum, m.Min, m.Max)
	switch {
	case m.NoDistribution:
	case len(m.Buckets) > 0:
		if p.holdsExpo() || len(p.values) > 0 || !f.addExplicit(m) {
			addExplicitTo(p.toExpo(), m.Bounds, m.Buckets)
		}
	case m.Expo != nil:
		m.Expo.AddTo(p.toExpo())
	default:
		p.toExpo().Add(m.Current, 1)
	}
}

// appendTight grows by two, not twofold: there are many panes, most with a
// handful of values, and each keeps its memory.
func appendTight[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		grown := make([]T, len(s), len(s)+max(2, len(s)/4))
		copy(grown, s)
		s = grown
	}
	return append(s, v)
}

func (f *form) note(count uint64, sum, lo, hi float64) {
	f.count += count
	f.sum += sum
	f.min, f.max = min(f.min, lo), max(f.max, hi)
}

// total is the number, the sum and the bounds of all that the pane holds.
func (p *pane) total() (count uint64, sum, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	if f := p.form; f != nil {
		count, sum, lo, hi = f.count, f.sum, f.min, f.max
	}
	for _, v := range p.values {
		count++
		sum += v
		lo, hi = min(lo, v), max(hi, v)
	}
	return count, sum, lo, hi
}

func (p *pane) holdsExpo() bool {
	return p.form != nil && p.form.expo != nil && !p.form.expo.Empty()
}

func (p *pane) holdsExplicit() bool {
	return p.form != nil && p.form.explicit != nil && p.form.explicit.total > 0
}

// addExplicit adds buckets of the layout that the pane holds already, and takes
// any layout when it holds none.
func (f *form) addExplicit(m *Measurement) bool {
	if f.explicit == nil {
		f.explicit = &explicit{}
	}
	e := f.explicit
	if !SameBounds(e.bounds, m.Bounds) {
		if e.total > 0 {
			return false
		}
		e.bounds = m.Bounds
	}
	if len(e.counts) != len(m.Buckets) {
		e.counts = make([]uint32, len(m.Buckets))
	}
	for i, n := range m.Buckets {
		e.counts[i] = saturate(uint64(e.counts[i]) + min(n, math.MaxUint32))
	}
	e.total += m.Count
	return true
}

// toExpo moves what the pane holds into its exponential histogram.
func (p *pane) toExpo() *expohist.Histogram {
	f := p.makeForm()
	if f.expo == nil {
		f.expo = &expohist.Histogram{}
	}
	for _, v := range p.values {
		f.note(1, v, v, v)
		f.expo.Add(v, 1)
	}
	p.values = p.values[:0]
	if p.holdsExplicit() {
		addExplicitTo(f.expo, f.explicit.bounds, f.explicit.counts)
		f.explicit.total = 0
		clear(f.explicit.counts)
	}
	return f.expo
}

// mergeInto adds the distribution to h and leaves the pane as it is.
func (p *pane) mergeInto(h *expohist.Histogram) {
	for _, v := range p.values {
		h.Add(v, 1)
	}
	if p.holdsExplicit() {
		addExplicitTo(h, p.form.explicit.bounds, p.form.explicit.counts)
	}
	if p.holdsExpo() {
		h.Merge(p.form.expo)
	}
}

// addExplicitTo puts each bucket at the middle of its bounds, the geometric one
// where that exists: a value in it is then wrong by the same ratio at most on
// either side.
func addExplicitTo[N uint32 | uint64](h *expohist.Histogram, bounds []float64, counts []N) {
	for i, n := range counts {
		if n == 0 || len(bounds) == 0 {
			continue
		}
		lo, hi := bucketBounds(bounds, i)
		middle := lo + (hi-lo)/2
		if lo > 0 {
			middle = math.Sqrt(lo) * math.Sqrt(hi)
		}
		h.Add(middle, uint64(n))
	}
}

func saturate(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }
