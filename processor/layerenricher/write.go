package layerenricher

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// write adds the canonical attributes that an item lacks, and takes away those
// that hold no value. Layer, name and phase are not its business.
func (p *plan) write(f *facts, attrs pcommon.Map) {
	nils := false
	for _, at := range f.touched {
		v, info := &f.slots[at], &p.slots[at]
		if !v.found() {
			nils = nils || v.isNil
			continue
		}
		if info.mirror != "" && v.str != "" && !f.plain {
			putMissing(attrs, info.mirror, v.str)
		}
		if v.own() && !v.dirty {
			continue
		}
		switch info.kind {
		case kindAtom, kindID, kindOutcome, kindStateFrom, kindStateTo, kindNode, kindEnvironment:
			attrs.PutStr(info.name, v.str)
		case kindError:
			if v.str != "" {
				attrs.PutStr(info.name, v.str)
			}
		case kindInt:
			attrs.PutInt(info.name, v.i)
		case kindDuration:
			if p.writeUnits {
				attrs.PutDouble(info.name, v.num)
			}
		case kindTags:
			putTags(p, attrs, info.name, f.raws[v.i])
		case kindCustom:
			left := maxCustom
			putCustom(p, attrs, info.name, f.raws[v.i].Map(), maxCustomDepth, &left)
		}
	}
	// At last, since Remove moves another attribute into the place, which a raw
	// value may point to.
	if nils {
		p.removeNils(f, attrs)
	}
}

func (p *plan) removeNils(f *facts, attrs pcommon.Map) {
	for _, at := range f.touched {
		if v := &f.slots[at]; v.isNil && !v.found() {
			attrs.Remove(p.slots[at].name)
		}
	}
}

// write adds what other conventions say of the event.
func (ev *event) write(attrs pcommon.Map) {
	for _, kv := range ev.values {
		putMissing(attrs, kv.key, kv.value)
	}
}

func putMissing(attrs pcommon.Map, key, value string) {
	if v, ok := attrs.GetOrPutEmpty(key); !ok {
		v.SetStr(value)
	}
}

const (
	maxTags        = 64
	maxCustom      = 32
	maxCustomDepth = 3
)

// putTags writes tags as a list of texts: [:a, :b] as a list, as its inspected
// text, or one tag alone.
func putTags(p *plan, attrs pcommon.Map, name string, raw pcommon.Value) {
	var tags []string
	add := func(text string) {
		if text, ok := p.clean.Atom(strings.Trim(strings.TrimSpace(text), `"`)); ok && len(tags) < maxTags {
			tags = append(tags, text)
		}
	}
	if raw.Type() == pcommon.ValueTypeSlice {
		for _, v := range raw.Slice().All() {
			add(v.AsString())
		}
	} else if text, ok := strings.CutPrefix(raw.Str(), "["); ok && strings.HasSuffix(text, "]") {
		for _, word := range strings.Split(strings.TrimSuffix(text, "]"), ",") {
			add(word)
		}
	} else {
		add(raw.Str())
	}
	if len(tags) == 0 {
		return
	}
	out := attrs.PutEmptySlice(name)
	out.EnsureCapacity(len(tags))
	for _, tag := range tags {
		out.AppendEmpty().SetStr(tag)
	}
}

// putCustom writes the values of a map under their dotted keys.
func putCustom(p *plan, attrs pcommon.Map, prefix string, m pcommon.Map, depth int, left *int) {
	for key, v := range m.All() {
		if key == "" {
			continue
		}
		key = prefix + "." + key
		if v.Type() == pcommon.ValueTypeMap {
			if depth > 1 {
				putCustom(p, attrs, key, v.Map(), depth-1, left)
			}
			continue
		}
		if *left == 0 {
			return
		}
		if p.isNil(v) {
			continue
		}
		*left--
		if _, ok := attrs.Get(key); ok {
			continue
		}
		v.CopyTo(attrs.PutEmpty(key))
	}
}

// named tells whether an item is an event whose name is written.
func (p *plan) named(f *facts) bool {
	return p.writeNames && (f.carried || f.name.Layer != 0) && f.name.Canonical != "" && len(f.name.Canonical) <= maxEventName
}

// writeName adds the canonical name and the phase of an event; it is false when
// the item is none.
func (p *plan) writeName(f *facts, attrs pcommon.Map) bool {
	if !p.named(f) {
		return false
	}
	if own := &f.slots[p.eventName]; !own.own() || own.str != f.name.Canonical && own.str != "" {
		attrs.PutStr(attributeEventName, f.name.Canonical)
	}
	if f.name.Phase != "" && !f.slots[p.phase].own() {
		attrs.PutStr(attributePhase, f.name.Phase)
	}
	return true
}

// writeLayer adds the layer and what it was inferred from. An explicit layer is
// there and stays.
func (p *plan) writeLayer(attrs pcommon.Map, layer inference.Layer, from source, explicit bool) {
	if !explicit {
		attrs.PutStr(attributeLayer, p.layers.Name(layer))
	}
	if p.record {
		if v, ok := attrs.GetOrPutEmpty(attributeLayerSource); !ok || !explicit {
			v.SetStr(sourceNames[from])
		}
	}
}
