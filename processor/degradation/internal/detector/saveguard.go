package detector

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Of a guard the panes are written, the state that is final, and what came since
// and may yet be judged again. The baseline of the present pane follows from the
// first, the live state from the other two; the week and the arms write themselves.
func (g *guard) append(b []byte) []byte {
	b = g.history.Append(b)
	b = g.mark.append(b)
	b = binary.AppendVarint(b, g.folded)
	b = binary.AppendUvarint(b, uint64(len(g.log)))
	for _, e := range g.log {
		b = binary.AppendVarint(b, e.time)
		b = record.AppendFloat(b, e.current)
		b = binary.AppendUvarint(b, uint64(e.count))
	}
	b = record.AppendBool(b, g.season != nil)
	if g.season != nil {
		b = g.season.append(b)
	}
	b = record.AppendBool(b, g.arms != nil)
	if g.arms != nil {
		b = g.arms.Append(b)
	}
	return b
}

// minInterval is the least that an interval takes.
const minInterval = 10

func (g *guard) read(r *record.Reader) {
	g.history.Read(r)
	g.mark.read(r)
	g.folded = r.Int()
	if n := r.Len(maxLog, minInterval); n > 0 {
		g.log = make([]interval, n)
		for i := range g.log {
			g.log[i] = interval{time: r.IntWithin(0, math.MaxInt64), current: r.Float(), count: r.Uint32()}
			r.FailUnless(!math.IsNaN(g.log[i].current) && (i == 0 || g.log[i].compare(g.log[i-1]) >= 0))
		}
	}
	if _, ok := g.history.Newest(); !ok {
		r.FailUnless(len(g.log) == 0) // it is of the newest pane
	}
	r.FailUnless(r.Bool() == (g.season != nil))
	if g.season != nil && !r.Failed() {
		g.season.read(r)
	}
	r.FailUnless(r.Bool() == (g.arms != nil))
	if g.arms != nil && !r.Failed() {
		g.arms.Read(r)
	}
}

func (l *live) append(b []byte) []byte {
	b = l.machine.Append(b)
	b = binary.AppendUvarint(b, l.pool.count)
	if l.pool.count > 0 {
		b = binary.AppendVarint(b, l.pool.from)
		b = record.AppendFloat(b, l.pool.value)
	}
	b = binary.AppendVarint(b, l.quarantine)
	b = binary.AppendVarint(b, int64(l.judged))
	return l.reason.Append(b)
}

func (l *live) read(r *record.Reader) {
	*l = live{}
	l.machine.Read(r)
	if l.pool.count = r.Uint(); l.pool.count > 0 {
		l.pool.from, l.pool.value = r.IntWithin(0, math.MaxInt64), r.Float()
	}
	l.quarantine = r.IntWithin(0, math.MaxInt64)
	l.judged = int(r.IntWithin(0, math.MaxInt32))
	l.reason.Read(r)
}

// resumeGuard makes the rest of what was read.
func (d *Detector) resumeGuard(g *guard) {
	g.base, _ = d.merger.Baseline(&g.history)
	g.need = d.opts.Guarded.need(g.base, d.merger.Currents(&g.history))
	d.rewind(g)
	for _, e := range g.log {
		d.step(g, e)
	}
	g.counted = g.live.machine.State()
	d.states[g.counted]++
}
