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
	// Stages of stagePanes panes are what is left out of the memory: between 9 and
	// 12 panes, which is about the window of an hour.
	Stages     = 4
	stagePanes = 3
	// firstValues is how many the unit is made of at least.
	firstValues = 12
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

// part is what is remembered of a stretch of panes.
type part struct {
	extremes          extremes
	centre, deviation float32 // of the baseline at its end
}

// memory is what is known of the past, the newest Hold panes left out: a
// degradation that is not found at once must not become what it is compared with.
type memory struct {
	// unit is the size of a usual value; 0 as long as too few are known.
	unit float64

	// The newest panes, in stages; the oldest goes into the present block.
	stages [Stages]part
	stage  int // the present one
	staged int // stages, the present one included
	panes  int // in the present one

	blocks  [Blocks]part
	block   int // the present one
	used    int // blocks, the present one included
	inBlock int // stages in it
}

func (m *memory) forget() {
	*m = memory{used: 1, staged: 1}
	m.stages[0].extremes, m.blocks[0].extremes = none(), none()
}

// known says whether anything left the stages.
func (m *memory) known() bool { return m.used > 1 || m.inBlock > 0 }

// place puts a value where differences up to the unit are differences and beyond
// it are ratios. It is finite: an infinity would stay in the averages for ever.
func (m *memory) place(v float64) float64 {
	return math.Asinh(max(-math.MaxFloat64, min(math.MaxFloat64, v/m.unit)))
}

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
	m.unit = sizes[len(sizes)/2]
	return true
}

// closes says whether the present pane is the last of its stage.
func (m *memory) closes() bool { return m.panes == stagePanes-1 }

// closed says whether the last pane was the last of its stage: only then do the
// blocks change.
func (m *memory) closed() bool { return m.panes == 0 }

// add remembers how far the levels went in a pane, and of what baseline it is.
func (m *memory) add(e *extremes, centre, deviation float64, blockStages int) {
	s := &m.stages[m.stage]
	s.extremes.merge(e)
	s.centre, s.deviation = bounded(centre), bounded(deviation)
	if m.panes++; m.panes < stagePanes {
		return
	}
	m.panes = 0
	m.stage = (m.stage + 1) % Stages
	if m.staged == Stages {
		m.keep(&m.stages[m.stage], blockStages)
	}
	m.staged = min(m.staged+1, Stages)
	m.stages[m.stage] = part{extremes: none()}
}

// keep moves a stage into the blocks.
func (m *memory) keep(s *part, blockStages int) {
	if m.inBlock >= blockStages {
		m.inBlock = 0
		m.block = (m.block + 1) % Blocks
		m.used = min(m.used+1, Blocks)
		m.blocks[m.block] = part{extremes: none()}
	}
	m.inBlock++
	b := &m.blocks[m.block]
	b.extremes.merge(&s.extremes)
	b.centre, b.deviation = s.centre, s.deviation
}

// tell remembers at once what was told.
func (m *memory) tell(e *extremes) { m.blocks[m.block].extremes.merge(e) }

// past is how far each level ever went, and the median of the centres and of the
// deviations.
func (m *memory) past() (e extremes, centre, deviation float64) {
	e = none()
	var centres, deviations [Blocks]float32
	n := 0
	for i := range m.blocks[:m.used] {
		b := &m.blocks[i]
		e.merge(&b.extremes)
		centres[n], deviations[n] = b.centre, b.deviation
		n++
	}
	slices.Sort(centres[:n])
	slices.Sort(deviations[:n])
	return e, float64(centres[n/2]), float64(deviations[n/2])
}

// BlockStages is how many stages make a block, for the Blocks to hold as many
// panes.
func BlockStages(panes int64) int {
	const n = stagePanes * Blocks
	return int(max(1, (panes+n-1)/n))
}
