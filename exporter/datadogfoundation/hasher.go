package datadogfoundation

import (
	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
)

// hasher makes the keys of streams: resource, scope, metric and attributes,
// without the start time, which some producers change at every export.
type hasher struct {
	buf                []byte
	second             xxhash.Digest
	res, sco, met, all delta.Key
}

// secondSeed makes the upper half of a key independent of the lower.
const secondSeed = 0x9e3779b97f4a7c15

func (h *hasher) sum() delta.Key {
	h.second.ResetWithSeed(secondSeed)
	_, _ = h.second.Write(h.buf) // never fails
	return delta.Key{xxhash.Sum64(h.buf), h.second.Sum64()}
}

// attributes hashes a map whatever its order: the hashes of the pairs add up.
func (h *hasher) attributes(m pcommon.Map) delta.Key {
	var key delta.Key
	for k, v := range m.All() {
		h.buf = append(append(h.buf[:0], k...), 0, byte(v.Type()))
		if v.Type() == pcommon.ValueTypeStr {
			h.buf = append(h.buf, v.Str()...)
		} else {
			h.buf = append(h.buf, v.AsString()...)
		}
		one := h.sum()
		key[0] += one[0]
		key[1] += one[1]
	}
	return key
}

// chain hashes b after a.
func (h *hasher) chain(a delta.Key, parts ...string) delta.Key {
	h.buf = h.buf[:0]
	for _, word := range a {
		for shift := 0; shift < 64; shift += 8 {
			h.buf = append(h.buf, byte(word>>shift))
		}
	}
	for _, s := range parts {
		h.buf = append(append(h.buf, s...), 0)
	}
	return h.sum()
}

func (h *hasher) resource(r pcommon.Resource) { h.res = h.attributes(r.Attributes()) }

func (h *hasher) scope(s pcommon.InstrumentationScope) {
	own := h.attributes(s.Attributes())
	// First on its own: an attribute of the resource is none of the scope.
	h.sco = h.chain(h.res)
	h.sco = h.chain(delta.Key{h.sco[0] ^ own[0], h.sco[1] + own[1]}, s.Name(), s.Version())
}

func (h *hasher) metric(m pmetric.Metric) {
	h.met = h.chain(h.sco, m.Name(), m.Unit(), m.Type().String())
}

func (h *hasher) point(attributes pcommon.Map) delta.Key {
	own := h.attributes(attributes)
	h.all = h.chain(delta.Key{h.met[0] ^ own[0], h.met[1] + own[1]})
	return h.all
}
