package degradation

import (
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
)

// A key is a hash of what identifies a series: resource, scope, name, unit,
// type and attributes; never the start time, nor the temporality. The hash is
// the same in every process, so that a baseline can be found again after a
// restart. Attributes are added up, each mixed by itself, so that their order
// does not matter and nothing has to be sorted.

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// with extends a key by one more part.
func with(k detector.Key, h uint64) detector.Key {
	return detector.Key{
		mix(k[0] + h + 0x9e3779b97f4a7c15),
		mix(bits.RotateLeft64(k[1], 23) ^ h*0xd6e8feb86659fd93),
	}
}

func withText(k detector.Key, s string) detector.Key { return with(k, xxhash.Sum64String(s)) }

// withMap extends a key by the attributes, without the excluded ones.
func withMap(k detector.Key, m pcommon.Map, exclude map[string]struct{}) detector.Key {
	a, b := hashMap(m, exclude)
	return with(with(k, a), b)
}

func hashMap(m pcommon.Map, exclude map[string]struct{}) (a, b uint64) {
	for name, v := range m.All() {
		if len(exclude) > 0 {
			if _, ok := exclude[name]; ok {
				continue
			}
		}
		n, h := xxhash.Sum64String(name), hashValue(v)
		a += mix(n ^ bits.RotateLeft64(h, 32))
		b += mix(n*0xd6e8feb86659fd93 + h)
	}
	return a, b
}

func hashValue(v pcommon.Value) uint64 {
	t := uint64(v.Type()) * 0x9e3779b97f4a7c15 // so that 1, 1.0, "1" and true differ
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return t + xxhash.Sum64String(v.Str())
	case pcommon.ValueTypeInt:
		return mix(t + uint64(v.Int()))
	case pcommon.ValueTypeDouble:
		return mix(t + math.Float64bits(v.Double()))
	case pcommon.ValueTypeBool:
		if v.Bool() {
			t++
		}
		return mix(t)
	case pcommon.ValueTypeBytes:
		return t + xxhash.Sum64(v.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		a, b := hashMap(v.Map(), nil)
		return mix(t + a ^ b)
	case pcommon.ValueTypeSlice:
		h := t
		for _, e := range v.Slice().All() {
			h = mix(h + hashValue(e))
		}
		return h
	}
	return t
}

func resourceKey(r pcommon.Resource) detector.Key {
	return withMap(detector.Key{}, r.Attributes(), nil)
}

func scopeKey(resource detector.Key, s pcommon.InstrumentationScope) detector.Key {
	return withMap(withText(withText(resource, s.Name()), s.Version()), s.Attributes(), nil)
}

func metricKey(scope detector.Key, m pmetric.Metric) detector.Key {
	kind := uint64(m.Type())
	if m.Type() == pmetric.MetricTypeSum && m.Sum().IsMonotonic() {
		kind |= 1 << 8
	}
	return with(withText(withText(scope, m.Name()), m.Unit()), kind)
}
