package detector

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/season"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// seasonal is what is remembered of a series' week. Measurements are divided by
// the factor of their hour before anything else looks at them, and what is told
// is multiplied by it again.
type seasonal struct {
	hours  season.Hours
	taught int64   // the newest pane that hours has learned
	factor float64 // of the present pane

	// the last bucket layout, as it came and divided by the factor
	bounds, divided []float64
}

func (d *Detector) newSeasonal() *seasonal {
	if !d.opts.Guarded.Seasonal {
		return nil
	}
	return &seasonal{taught: -1, factor: 1}
}

// teach learns the panes that were decided on since it was called last.
func (d *Detector) teach(g *guard) {
	s := g.season
	if s == nil {
		return
	}
	g.history.EachDecided(s.taught, func(number int64, count uint64, sum float64) {
		s.hours.Learn(number*d.opts.Panes.Width, count, sum)
		s.taught = number
	})
}

// begin takes the factor of the pane that begins.
func (s *seasonal) begin(start int64) {
	if s != nil {
		s.factor = s.hours.Factor(start)
		s.bounds, s.divided = nil, nil
	}
}

// level is the measurement without what is usual at its hour. It is valid until
// the next call.
func (d *Detector) level(g *guard, m *baseline.Measurement) *baseline.Measurement {
	s := g.season
	if s == nil || s.factor == 1 {
		return m
	}
	if len(m.Bounds) > 0 && !baseline.SameBounds(s.bounds, m.Bounds) {
		s.bounds, s.divided = m.Bounds, baseline.Divided(m.Bounds, s.factor)
	}
	var divided []float64
	if len(m.Bounds) > 0 {
		divided = s.divided
	}
	m.DivideTo(&d.levelled, s.factor, divided)
	return &d.levelled
}

// told is a verdict in the unit of what was measured.
func (s *seasonal) told(v verdict.Verdict) verdict.Verdict {
	if s != nil {
		v.Current *= s.factor
		v.Baseline.Mean *= s.factor
		v.Baseline.P95 *= s.factor
		v.Baseline.P5 *= s.factor
	}
	return v
}

func (s *seasonal) append(b []byte) []byte {
	b = s.hours.Append(b)
	b = binary.AppendVarint(b, s.taught)
	return record.AppendFloat(b, s.factor)
}

func (s *seasonal) read(r *record.Reader) {
	s.hours.Read(r)
	s.taught, s.factor = r.IntWithin(-1, math.MaxInt64), r.Float()
	r.FailUnless(s.factor >= season.MinFactor && s.factor <= season.MaxFactor)
}
