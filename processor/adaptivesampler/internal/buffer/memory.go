package buffer

import (
	"encoding/binary"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// memory remembers decisions, in two generations: when the younger is full of kept
// or of dropped traces, the older is forgotten, with both. What is asked for moves
// to the younger.
//
// That both are forgotten together is what keeps counts unbiased: whether the span
// that comes late finds its trace's decision must not depend on what was decided.
// Were only dropped traces remembered, say, a late span's trace would either be
// known as dropped, or decide anew with a rate that knows nothing of the first
// decision, and be counted too often.
type memory struct {
	young, old                generation
	halfOfKept, halfOfDropped int
}

// generation is decisions of about the same time. A dropped trace is remembered by
// 64 bits of its id: among a million of them, a trace that was not decided yet is
// taken for one of them with a chance of 1 in 18 million million.
type generation struct {
	kept    map[ID]otelsampling.Threshold
	dropped map[uint64]struct{}
}

func newGeneration() generation {
	return generation{kept: map[ID]otelsampling.Threshold{}, dropped: map[uint64]struct{}{}}
}

func newMemory(kept, dropped int) memory {
	return memory{
		young: newGeneration(), old: newGeneration(),
		halfOfKept: max(1, kept/2), halfOfDropped: max(1, dropped/2),
	}
}

// short folds an id: the halves of ids that count up differ in one of them only.
func short(id ID) uint64 {
	return binary.LittleEndian.Uint64(id[:8])*0x9E3779B97F4A7C15 ^ binary.LittleEndian.Uint64(id[8:])
}

func (m *memory) get(id ID) (Verdict, bool) {
	if threshold, ok := m.young.kept[id]; ok {
		return Verdict{Keep: true, Threshold: threshold}, true
	}
	key := short(id)
	if _, ok := m.young.dropped[key]; ok {
		return Verdict{}, true
	}
	if threshold, ok := m.old.kept[id]; ok {
		delete(m.old.kept, id)
		v := Verdict{Keep: true, Threshold: threshold}
		m.put(id, v)
		return v, true
	}
	if _, ok := m.old.dropped[key]; ok {
		delete(m.old.dropped, key)
		m.put(id, Verdict{})
		return Verdict{}, true
	}
	return Verdict{}, false
}

func (m *memory) put(id ID, v Verdict) {
	if len(m.young.kept) >= m.halfOfKept || len(m.young.dropped) >= m.halfOfDropped {
		clear(m.old.kept) // their memory serves again
		clear(m.old.dropped)
		m.young, m.old = m.old, m.young
	}
	if v.Keep {
		m.young.kept[id] = v.Threshold
	} else {
		m.young.dropped[short(id)] = struct{}{}
	}
}
