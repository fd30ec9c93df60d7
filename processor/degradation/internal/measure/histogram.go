package measure

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// maxCount is the most measurements a point may claim: beyond it a count is not
// exact as a float64, and no histogram gets there.
const maxCount = 1 << 53

// maxBuckets bounds what a stream remembers of its last point. SDKs make at
// most 160 exponential buckets, people some dozen explicit ones.
const maxBuckets = 1024

// Histogram is a point of either kind: explicit buckets (Counts, one more than
// Bounds; both empty when it has none), or exponential ones when Expo is not
// nil.
type Histogram struct {
	Count         uint64
	Sum           float64
	HasSum        bool
	Bounds        []float64
	Counts        []uint64
	Expo          *baseline.Expo
	ZeroThreshold float64
}

// histogram is the last cumulative point.
type histogram struct {
	count         uint64
	bounds        []float64
	counts        []uint64
	expo          baseline.Expo
	isExpo        bool
	zeroThreshold float64
}

// Reader reads histograms of many streams with the same memory, and judges by
// the same Current. It is not safe for concurrent use; what it returns is valid
// until the next call.
type Reader struct {
	Current Current
	layouts layouts
	counts  []uint64
	expo    baseline.Expo
	hist    expohist.Histogram
}

// Histogram is what a point of a histogram measured.
func (rd *Reader) Histogram(s *Stream, p Point, h Histogram, within int64) (baseline.Measurement, Reason) {
	var m baseline.Measurement
	if r := h.check(); r != OK {
		return m, r
	}
	h.Bounds = rd.layouts.share(h.Bounds)
	if !p.Cumulative {
		*s = Stream{time: max(s.time, p.Time)}
		return rd.measurement(p, h)
	}
	how := s.relate(p, within)
	if how == stale {
		return m, OutOfOrder
	}
	interval, r := h, OK
	if how == follows {
		interval, r = rd.since(s, h)
	}
	s.remember(p)
	s.rememberHistogram(h)
	switch {
	case r != OK:
		return m, r
	case how == begins && h.Count > 0:
		return m, First
	}
	return rd.measurement(p, interval)
}

func (h Histogram) check() Reason {
	if h.Count > maxCount {
		return Inconsistent
	}
	if h.Count > 0 {
		if !h.HasSum {
			return Inconsistent
		}
		if !Finite(h.Sum) {
			return NotFinite
		}
	}
	if h.Expo != nil {
		return checkExpo(h.Expo, h.Count)
	}
	if len(h.Counts) == 0 && len(h.Bounds) == 0 {
		return OK
	}
	if len(h.Counts) > maxBuckets || len(h.Counts) != len(h.Bounds)+1 || !addsUpTo(h.Count, h.Counts) {
		return Inconsistent
	}
	for i, b := range h.Bounds {
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b <= h.Bounds[i-1] {
			return Inconsistent
		}
	}
	return OK
}

func checkExpo(e *baseline.Expo, count uint64) Reason {
	if e.Scale < expohist.MinScale || e.Scale > expohist.MaxScale || e.Zero > count ||
		!addsUpTo(count-e.Zero, e.Positive, e.Negative) {
		return Inconsistent
	}
	for _, side := range []struct {
		offset int32
		counts []uint64
	}{{e.PositiveOffset, e.Positive}, {e.NegativeOffset, e.Negative}} {
		if len(side.counts) == 0 {
			continue
		}
		// the buckets must be of numbers that float64 has
		first := math.Ldexp(float64(side.offset), -int(e.Scale))
		last := math.Ldexp(float64(side.offset)+float64(len(side.counts)), -int(e.Scale))
		width := math.Ldexp(1, -int(e.Scale))
		if len(side.counts) > maxBuckets || first < -1075-width || last > 1025+width {
			return Inconsistent
		}
	}
	return OK
}

// addsUpTo adds without overflow: it stops as soon as the total is above.
func addsUpTo(total uint64, sides ...[]uint64) bool {
	for _, counts := range sides {
		for _, n := range counts {
			if n > total {
				return false
			}
			total -= n
		}
	}
	return total == 0
}

// since is h less the stream's last point; when that is impossible because
// something decreased it is a reset, and all of h.
func (rd *Reader) since(s *Stream, h Histogram) (Histogram, Reason) {
	last := s.hist
	if last == nil {
		return h, Layout // a number's stream, which only a broken record makes a histogram's
	}
	if h.Count < last.count {
		return h, OK
	}
	d := Histogram{Count: h.Count - last.count, Sum: h.Sum - s.value, HasSum: true}
	switch {
	case (h.Expo != nil) != last.isExpo:
		return d, Layout
	case h.Expo == nil:
		if !baseline.SameBounds(h.Bounds, last.bounds) || len(h.Counts) != len(last.counts) {
			return d, Layout
		}
		d.Bounds = h.Bounds
		rd.counts = rd.counts[:0]
		for i, n := range h.Counts {
			if n < last.counts[i] {
				return h, OK
			}
			rd.counts = append(rd.counts, n-last.counts[i])
		}
		d.Counts = rd.counts
	default:
		if h.ZeroThreshold != last.zeroThreshold {
			return d, Layout // values moved between the zero bucket and its neighbours
		}
		if !subtractExpo(&rd.expo, h.Expo, &last.expo) {
			return h, OK
		}
		d.Expo = &rd.expo
	}
	return d, OK
}

func (s *Stream) rememberHistogram(h Histogram) {
	if s.hist == nil {
		s.hist = &histogram{}
	}
	l := s.hist
	s.value, l.count, l.isExpo, l.zeroThreshold = h.Sum, h.Count, h.Expo != nil, h.ZeroThreshold
	l.bounds = h.Bounds
	l.counts = append(l.counts[:0], h.Counts...)
	if h.Expo != nil {
		h.Expo.CopyTo(&l.expo)
	}
}

func (rd *Reader) measurement(p Point, h Histogram) (baseline.Measurement, Reason) {
	m := baseline.Measurement{Count: h.Count, Sum: h.Sum, Min: math.Inf(1), Max: math.Inf(-1)}
	if h.Count == 0 {
		return m, Empty
	}
	if p.Duration && (h.Sum < 0 || h.Expo != nil && !addsUpTo(0, h.Expo.Negative)) {
		return m, Negative
	}
	switch {
	case h.Expo != nil:
		m.Expo = h.Expo
		m.Min, m.Max = expoBounds(h.Expo)
	case len(h.Bounds) > 0:
		m.Bounds, m.Buckets = h.Bounds, h.Counts
		m.Min, m.Max = baseline.ExplicitBounds(h.Bounds, h.Counts)
	default:
		m.NoDistribution = true
	}
	m.Current = rd.current(&m)
	switch {
	case math.IsNaN(m.Current):
		return m, NoValue
	case !Finite(m.Current):
		return m, NotFinite // buckets reach further than sums may
	}
	return m, OK
}
