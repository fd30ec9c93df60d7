package adaptive

import (
	"math"
	"slices"
)

const (
	// Scales is how many moving averages there are.
	Scales = 5
	// Blocks is how many parts the memory has. The oldest is forgotten when a
	// new one begins: the span of the memory varies by one in Blocks.
	Blocks = 12
	// firstValues is how many the unit is made of at least.
	firstValues = 12
	// unitFactor is how many usual values make the unit.
	unitFactor = 1
	// slowestClear is the scale of 9 evaluations: three times the three in a row
	// that it takes to leave an episode.
	slowestClear = 2
)

// lengths of the averages, in evaluations. Threefold steps: a change that lasts
// for a time between two lengths is seen by either with little loss.
var lengths = [Scales]float64{1, 3, 9, 27, 81}

// levels are the moving averages.
type levels [Scales]float64

// extremes are how far each level went.
type extremes struct{ high, low [Scales]float32 }

func none() (e extremes) {
	for i := range e.high {
		e.high[i], e.low[i] = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	return e
}

func (e *extremes) merge(o *extremes) {
	for i := range e.high {
		e.high[i], e.low[i] = max(e.high[i], o.high[i]), min(e.low[i], o.low[i])
	}
}

// memory is how far the levels went in the past.
type memory struct {
	// unit is the size of a usual value; 0 as long as too few are known.
	unit float64

	blocks [Blocks]extremes
	block  int // the present one
	used   int // blocks, the present one included
	panes  int // in the present one
}

func (m *memory) forget() {
	*m = memory{used: 1}
	m.blocks[0] = none()
}

// place puts a value where differences up to the unit are differences and beyond
// it are ratios.
func (m *memory) place(v float64) float64 { return math.Asinh(v / m.unit) }

// value is the way back.
func (m *memory) value(place float64) float64 { return math.Sinh(place) * m.unit }

// chooseUnit takes the median size of the values that are not zero.
func (m *memory) chooseUnit(values []float64) bool {
	sizes := make([]float64, 0, len(values))
	for _, v := range values {
		if v != 0 {
			sizes = append(sizes, math.Abs(v))
		}
	}
	if len(sizes) < firstValues {
		return false
	}
	slices.Sort(sizes)
	m.unit = unitFactor * sizes[len(sizes)/2]
	return true
}

// add remembers how far the levels went in a pane.
func (m *memory) add(e *extremes, blockPanes int) {
	m.blocks[m.block].merge(e)
	if m.panes++; m.panes >= blockPanes {
		m.panes = 0
		m.block = (m.block + 1) % Blocks
		m.used = min(m.used+1, Blocks)
		m.blocks[m.block] = none()
	}
}

// all is how far each level ever went.
func (m *memory) all() extremes {
	e := none()
	for i := range m.blocks[:m.used] {
		e.merge(&m.blocks[i])
	}
	return e
}
