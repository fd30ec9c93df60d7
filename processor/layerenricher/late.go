package layerenricher

import (
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// late remembers how many attributes the items of one sort get at the second
// look. That is not known when room is made for them at the first, and memory is
// most of what an attribute costs: room for all that may come is a third more
// than what comes. Too little costs more than too much, since the attributes
// then move once more, to twice their room; so the most that came lately counts.
type late [256]struct{ most, lesser uint8 }

// lately is how many times in a row fewer must come before fewer are expected.
const lately = 200

// sortOf tells apart items that get different numbers of attributes: by the ids
// that they lack, and by whether their layer can differ from a parent's. Two
// sorts in one place cost nothing but some room.
func sortOf(w, b uint8, layer uint8, parent bool) uint8 {
	h := uint32(w) | uint32(b)<<8 | uint32(layer)<<16
	if parent {
		h |= 1 << 24
	}
	return uint8(h * 0x9E3779B1 >> 24)
}

// expect is how many attributes to make room for: all that may come, as long as
// nothing was seen.
func (l *late) expect(sort, missingWide, missingBelow uint8) int {
	if most := l[sort].most; most != 0 {
		return int(most) - 1
	}
	return bits.OnesCount8(missingWide) + bits.OnesCount8(missingBelow) + 1 // a transition
}

// note counts what an item got.
func (l *late) note(sort uint8, n int) {
	e := &l[sort]
	if got := uint8(min(n, 254)) + 1; got >= e.most {
		e.most, e.lesser = got, 0
	} else if e.lesser++; e.lesser == lately {
		e.most, e.lesser = e.most-1, 0
	}
}

// grow makes room for everything that is added to an item, at once: what its own
// facts give, and what comes late.
func (p *plan) grow(f *facts, attrs pcommon.Map, late int) {
	n := attrs.Len() + late + len(f.event.values)
	if !f.slots[p.layer].own() {
		n++
	}
	if p.record {
		n++
	}
	for _, at := range f.touched {
		v, info := &f.slots[at], &p.slots[at]
		if !v.found() {
			continue
		}
		if !v.own() && info.kind < kindNumber && at != p.layer && at != p.eventName && at != p.phase {
			n++
		}
		if info.mirror != "" && v.str != "" {
			n++
		}
	}
	if p.named(f) {
		if !f.slots[p.eventName].own() {
			n++
		}
		if f.name.Phase != "" && !f.slots[p.phase].own() {
			n++
		}
	}
	attrs.EnsureCapacity(n)
}
