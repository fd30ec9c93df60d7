package buffer

import (
	"encoding/binary"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// memory remembers decisions, in two generations: when the younger is full, the
// older is forgotten. What is asked for moves to the younger.
//
// A dropped trace is remembered by 64 bits of its id: among a million of them, a
// trace that was not decided yet is taken for one of them with a chance of
// 1 in 18 million million.
type memory struct {
	kept    generations[ID, otelsampling.Threshold]
	dropped generations[uint64, struct{}]
}

func newMemory(kept, dropped int) memory {
	return memory{
		kept:    newGenerations[ID, otelsampling.Threshold](kept),
		dropped: newGenerations[uint64, struct{}](dropped),
	}
}

// short folds an id: the halves of ids that count up differ in one of them only.
func short(id ID) uint64 {
	return binary.LittleEndian.Uint64(id[:8])*0x9E3779B97F4A7C15 ^ binary.LittleEndian.Uint64(id[8:])
}

func (m *memory) get(id ID) (Verdict, bool) {
	if threshold, ok := m.kept.get(id); ok {
		return Verdict{Keep: true, Threshold: threshold}, true
	}
	_, ok := m.dropped.get(short(id))
	return Verdict{}, ok
}

func (m *memory) put(id ID, v Verdict) {
	if v.Keep {
		m.kept.put(id, v.Threshold)
	} else {
		m.dropped.put(short(id), struct{}{})
	}
}

// generations is a map that forgets: it holds at least half, and at most all, of
// what it may of the entries used last.
type generations[K comparable, V any] struct {
	young, old map[K]V
	half       int
}

func newGenerations[K comparable, V any](most int) generations[K, V] {
	return generations[K, V]{young: map[K]V{}, half: max(1, most/2)}
}

func (g *generations[K, V]) get(k K) (v V, ok bool) {
	if v, ok = g.young[k]; ok {
		return v, true
	}
	if v, ok = g.old[k]; ok {
		delete(g.old, k)
		g.put(k, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	if len(g.young) >= g.half {
		old := g.old
		g.old = g.young
		clear(old) // its memory serves again
		if old == nil {
			old = map[K]V{}
		}
		g.young = old
	}
	g.young[k] = v
}
