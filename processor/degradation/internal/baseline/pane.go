package baseline

import (
	"math"
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// maxRaw is how many single values a pane keeps as they are, for an exact 95th
// percentile: 64 float64 are 512 bytes, about what the histogram takes that
// replaces them. A gauge exported every 10 s puts 30 into a pane of 5 minutes.
const maxRaw = 64

// pane is one stretch of event time.
type pane struct {
	number   int64 // of the stretch: time / width
	count    uint64
	sum      float64
	min, max float64

	// The distribution is in exactly one of these; which of them is told by
	// what they hold. They keep their memory when the pane is used again.
	values   []float64
	explicit *explicit
	expo     *expohist.Histogram
}

// explicit holds buckets in the layout of an explicit histogram.
type explicit struct {
	bounds []float64
	counts []uint32
	total  uint64
}

func (p *pane) reset(number int64) {
	p.number, p.count, p.sum = number, 0, 0
	p.min, p.max = math.Inf(1), math.Inf(-1)
	p.values = p.values[:0]
	if p.explicit != nil {
		p.explicit.total = 0
		clear(p.explicit.counts)
	}
	if p.expo != nil {
		p.expo.Reset()
	}
}

func (p *pane) add(m *Measurement) {
	p.count += m.Count
	p.sum += m.Sum
	p.min, p.max = min(p.min, m.Min), max(p.max, m.Max)
	switch {
	case m.NoDistribution:
	case len(m.Buckets) > 0:
		if p.holdsExpo() || len(p.values) > 0 || !p.addExplicit(m) {
			addExplicitTo(p.toExpo(), m.Bounds, m.Buckets)
		}
	case m.Expo != nil:
		m.Expo.AddTo(p.toExpo())
	case p.holdsExpo() || p.holdsExplicit() || len(p.values) == maxRaw:
		p.toExpo().Add(m.Current, 1)
	default:
		p.values = append(p.values, m.Current)
	}
}

func (p *pane) holdsExpo() bool     { return p.expo != nil && p.expo.Count() > 0 }
func (p *pane) holdsExplicit() bool { return p.explicit != nil && p.explicit.total > 0 }

// addExplicit adds buckets of the layout that the pane holds already, and takes
// any layout when it holds none.
func (p *pane) addExplicit(m *Measurement) bool {
	if p.explicit == nil {
		p.explicit = &explicit{}
	}
	e := p.explicit
	if !slices.Equal(e.bounds, m.Bounds) {
		if e.total > 0 {
			return false
		}
		e.bounds = append(e.bounds[:0], m.Bounds...)
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
	if p.expo == nil {
		p.expo = &expohist.Histogram{}
	}
	for _, v := range p.values {
		p.expo.Add(v, 1)
	}
	p.values = p.values[:0]
	if p.holdsExplicit() {
		addExplicitTo(p.expo, p.explicit.bounds, p.explicit.counts)
		p.explicit.total = 0
		clear(p.explicit.counts)
	}
	return p.expo
}

// mergeInto adds the distribution to h and leaves the pane as it is.
func (p *pane) mergeInto(h *expohist.Histogram) {
	for _, v := range p.values {
		h.Add(v, 1)
	}
	if p.holdsExplicit() {
		addExplicitTo(h, p.explicit.bounds, p.explicit.counts)
	}
	if p.expo != nil {
		h.Merge(p.expo)
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
