package layerenricher

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// scan reads an item's attributes once. Numbers that arrived as text are changed
// in place; everything else is only noted.
func (p *plan) scan(f *facts, attrs pcommon.Map, on place) {
	for key, v := range attrs.All() {
		if !p.keys.may(key) {
			continue
		}
		e := p.keys.get(key)
		if e == nil {
			continue
		}
		for i := range e.targets {
			if t := &e.targets[i]; t.on&on != 0 {
				p.note(f, t, v)
			}
		}
	}
}

func (p *plan) note(f *facts, t *target, v pcommon.Value) {
	if t.kind == kindNumber {
		toNumber(v)
		return
	}
	if t.kind == kindKey {
		if text, ok := p.id(v); ok {
			if key, ok := p.joiners.Of(int(t.key), text); ok {
				f.keys[t.key], f.keyed = key, true
			}
		}
		return
	}
	if t.kind == kindPhase && t.rank != 0 {
		if text, ok := p.text(v); ok && f.phase == "" {
			f.phase = text
		}
		return
	}
	old := &f.slots[t.slot]
	if t.rank >= old.rank {
		return
	}
	var got value
	if !p.read(f, t, v, &got) {
		isNil := p.isNil(v)
		if t.rank != 0 {
			if (t.kind == kindID || t.kind == kindTimeUnit) && !isNil {
				f.touch(t.slot)
				old.unclear = true
			}
			return
		}
		if isNil {
			f.touch(t.slot)
			old.isNil = true
			return
		}
		got = value{} // the item's own value, though of no use to us: it stays
	}
	f.touch(t.slot)
	got.rank, got.gate, got.isNil = t.rank, t.gate, old.isNil
	f.gated = f.gated || t.gate != gateNone
	if t.rank == 0 && v.Type() == pcommon.ValueTypeStr {
		got.dirty = got.str != "" && got.str != v.Str()
	}
	*old = got
}

func (p *plan) isNil(v pcommon.Value) bool {
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
		return true
	case pcommon.ValueTypeStr:
		_, ok := p.clean.Text(v.Str())
		return !ok
	}
	return false
}
