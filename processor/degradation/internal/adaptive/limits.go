package adaptive

import (
	"math"
	"slices"
)

// limits are what a level must be beyond to be suspect.
type limits struct {
	ready     bool
	centre    float64
	high, low [Scales]float64
	margin    [Scales]float64
}

const (
	// marginOfRange is by how much of the range that a level has covered it must
	// go beyond it: 5 %. The next of n values exceeds the highest once in n; with
	// 5 % of the range of a normal distribution above it, once in 3n.
	marginOfRange = 0.05
	// driftPart makes the number of deviations for averages from that for single
	// values: 3.5 from 5. An average over 9 evaluations or more says something
	// new 160 times a day where single values do 1440 times; 3.5 deviations have
	// a chance of 0.0002.
	driftPart = 0.7
	// firstDrift is the scale from which on this is so. An average of three is
	// nearly as skewed as single values are.
	firstDrift = 2
	// toDeviation makes the median absolute deviation a standard deviation, for
	// normal values.
	toDeviation = 1.4826
	// medianVariance is that of a median of n normal values, times n: π/2.
	medianVariance = math.Pi / 2
)

func (l *limits) set(m *memory, count uint64, values int, p *Params) {
	*l = limits{}
	if !m.known() || count < p.MinValues {
		return
	}
	l.ready = true
	past, centre, deviation := m.past()
	l.centre = centre
	for i := range l.high {
		l.high[i], l.low[i] = math.Inf(1), math.Inf(-1)
		high, low := float64(past.high[i]), float64(past.low[i])
		if high < low {
			continue // not seen for long enough
		}
		l.margin[i] = marginOfRange * (high - low)
		ratio := p.DriftRatio
		if i == 0 {
			ratio = p.Ratio
		}
		deviations := p.Deviations
		if i >= firstDrift {
			deviations *= driftPart
		}
		away := deviations * deviation * math.Sqrt(1/(2*lengths[i]-1)+medianVariance/float64(max(values*m.used, 1)))
		further := stretch(deviations, float64(count)/lengths[i])
		typical := m.value(centre)
		if p.Up {
			l.high[i] = max(high+l.margin[i], centre+away, centre+(high-centre)*further, m.placeRatio(typical, ratio, 1))
		}
		if p.Down {
			l.low[i] = min(low-l.margin[i], centre-away, centre-(centre-low)*further, m.placeRatio(typical, ratio, -1))
		}
	}
}

// placeRatio is the place of a value that is above the typical one (side 1), or
// below it (-1), by the ratio. Values below zero are compared by their size.
func (m *memory) placeRatio(typical, ratio, side float64) float64 {
	if (typical > 0) == (side > 0) {
		return m.place(typical * ratio)
	}
	return m.place(typical / ratio)
}

// spread is the median of the values and their robust deviation. It reorders
// them.
func (m *memory) spread(values []float64) (centre, deviation float64) {
	slices.Sort(values)
	middle := len(values) / 2
	centre = m.place(values[middle])
	// The distances from the centre in order, as far as to their median: the next
	// one is always the nearer of two neighbours.
	below, above := middle, middle+1
	for range middle + 1 {
		down, up := math.Inf(1), math.Inf(1)
		if below >= 0 {
			down = centre - m.place(values[below])
		}
		if above < len(values) {
			up = m.place(values[above]) - centre
		}
		if down <= up {
			deviation, below = down, below-1
		} else {
			deviation, above = up, above+1
		}
	}
	if deviation > 0 {
		return centre, toDeviation * deviation
	}
	return centre, m.meanDistance(values, centre)
}

// meanDistance makes a deviation of the mean distance, where more than half of
// the values are equal and their median distance is 0.
func (m *memory) meanDistance(values []float64, centre float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Abs(m.place(v) - centre)
	}
	return math.Sqrt(math.Pi/2) * sum / float64(len(values))
}

// stretch is how much further than the highest of n normal values a number of
// deviations is; 1 where the highest of so many is further. It makes the past's
// own extreme the measure of deviations, which in skewed or wavy series says
// more than the spread around the median does.
func stretch(deviations, n float64) float64 {
	n = max(n, 3)
	root := math.Sqrt(2 * math.Log(n))
	highest := root - (math.Log(math.Log(n))+math.Log(4*math.Pi))/(2*root)
	return max(1, deviations/max(highest, 0.8))
}
