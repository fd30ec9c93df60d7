package adaptive

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// Append appends what Read reads: all but what came since the last Mark.
func (a *Arms) Append(b []byte) []byte {
	c := codec{b: b}
	c.arms(a)
	return c.b
}

// Read sets the arms to what Append appended. Rewind follows.
func (a *Arms) Read(r *record.Reader) {
	*a = Arms{params: a.params}
	c := codec{r: r}
	c.arms(a)
}

// codec writes or, when it has a reader, reads: one list of fields for both.
type codec struct {
	b []byte
	r *record.Reader
}

func (c *codec) arms(a *Arms) {
	c.memory(&a.memory)
	c.limits(&a.limits)
	c.floats(&a.centre, &a.deviation)
	c.carried(&a.mark)
}

func (c *codec) memory(m *memory) {
	c.floats(&m.unit)
	if c.r != nil {
		c.r.FailUnless(m.unit >= 0 && m.unit <= math.MaxFloat64)
	}
	c.int(&m.stage, 0, Stages-1)
	c.int(&m.staged, 1, Stages)
	c.int(&m.panes, 0, math.MaxInt32)
	c.int(&m.block, 0, Blocks-1)
	c.int(&m.used, 1, Blocks)
	c.int(&m.inBlock, 0, math.MaxInt32)
	for i := range m.stages {
		c.part(&m.stages[i])
	}
	for i := range m.blocks[:m.used] { // the others are blank
		c.part(&m.blocks[i])
	}
}

func (c *codec) part(p *part) {
	c.extremes(&p.extremes)
	c.float32s(&p.centre, &p.deviation)
}

func (c *codec) extremes(e *extremes) {
	for i := range e.high {
		c.float32s(&e.high[i], &e.low[i])
	}
}

func (c *codec) limits(l *limits) {
	c.bool(&l.ready)
	c.floats(&l.centre)
	for i := range l.high {
		c.floats(&l.high[i], &l.low[i], &l.margin[i])
	}
}

func (c *codec) carried(s *carried) {
	for i := range s.levels {
		c.floats(&s.levels[i], &s.settled[i])
	}
	c.uints(&s.count, &s.hits)
	c.extremes(&s.since)
	c.extremes(&s.told)
	fired := int(s.fired)
	c.int(&fired, 0, Scales)
	s.fired = int8(fired)
	c.bool(&s.below)
	c.floats(&s.clearAt)
}

func (c *codec) floats(fs ...*float64) {
	for _, f := range fs {
		if c.r != nil {
			*f = c.r.Float()
		} else {
			c.b = record.AppendFloat(c.b, *f)
		}
	}
}

func (c *codec) float32s(fs ...*float32) {
	for _, f := range fs {
		if c.r != nil {
			*f = c.r.Float32()
		} else {
			c.b = binary.LittleEndian.AppendUint32(c.b, math.Float32bits(*f))
		}
	}
}

func (c *codec) uints(us ...*uint64) {
	for _, u := range us {
		if c.r != nil {
			*u = c.r.Uint()
		} else {
			c.b = binary.AppendUvarint(c.b, *u)
		}
	}
}

func (c *codec) int(i *int, lo, hi int64) {
	if c.r != nil {
		*i = int(c.r.IntWithin(lo, hi))
	} else {
		c.b = binary.AppendVarint(c.b, int64(*i))
	}
}

func (c *codec) bool(v *bool) {
	if c.r != nil {
		*v = c.r.Bool()
	} else {
		c.b = record.AppendBool(c.b, *v)
	}
}
