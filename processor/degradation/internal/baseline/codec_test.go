package baseline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/verdict"
)

// randomMeasurement is any kind of measurement, by itself or of a fixed one.
func randomMeasurement(rng *rand.Rand, kind int) Measurement {
	v := math.Exp(rng.NormFloat64())
	switch kind {
	case 0:
		return ScalarMeasurement(v)
	case 1:
		m := Measurement{Current: v, Count: 6, Sum: 6 * v, Bounds: []float64{0.5, 1, 2}, Buckets: []uint64{1, 2, 0, 3}}
		if rng.IntN(50) == 0 {
			m.Bounds, m.Buckets = []float64{1}, []uint64{3, 3}
		}
		m.Min, m.Max = ExplicitBounds(m.Bounds, m.Buckets)
		return m
	case 2:
		return Measurement{Current: v, Count: 4, Sum: 4 * v, Min: v / 2, Max: v * 2, Expo: &Expo{
			Scale: int32(rng.IntN(8)), PositiveOffset: int32(rng.IntN(40) - 20), Positive: []uint64{1, 0, 3},
		}}
	}
	return Measurement{Current: v, Count: 4, Sum: 4 * v, Min: math.Inf(1), Max: math.Inf(-1), NoDistribution: true}
}

// A ring that is written and read back at any time judges as the one that was
// not.
func TestReadIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mg := NewMerger(Panes{Width: 10, Count: 1 + rng.Int64N(12)})
		kind, mixed := rng.IntN(4), rng.IntN(4) == 0
		var kept, restored Ring
		now := int64(rng.IntN(100))
		for range 600 {
			if now += rng.Int64N(3); rng.IntN(150) == 0 {
				now += rng.Int64N(200)
			}
			if mixed {
				kind = rng.IntN(4)
			}
			m := randomMeasurement(rng, kind)
			at := max(0, now-rng.Int64N(30)*rng.Int64N(2))
			if mg.Holds(&kept, at) != mg.Holds(&restored, at) {
				t.Fatalf("seed %d: held by one only", seed)
			}
			if !mg.Holds(&kept, at) {
				continue
			}
			a, b := mg.Before(&kept, at), mg.Before(&restored, at)
			if a.Count != b.Count || math.Float64bits(a.Mean) != math.Float64bits(b.Mean) || math.Float64bits(a.P95) != math.Float64bits(b.P95) {
				t.Fatalf("seed %d: %v, want %v", seed, b, a)
			}
			mg.Add(&kept, at, &m)
			mg.Add(&restored, at, &m)
			if rng.IntN(20) == 0 {
				r := record.NewReader(restored.Append(nil))
				restored = Ring{}
				mg.Read(&restored, r)
				if err := r.Err(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
	}
}

// roomOf is what the panes take beyond themselves.
func roomOf(panes []pane) (room int) {
	for i := range panes {
		room += 8 * cap(panes[i].values)
		if f := panes[i].form; f != nil {
			room += 8 * cap(f.currents.values)
			if f.explicit != nil {
				room += 8*cap(f.explicit.bounds) + 4*cap(f.explicit.counts)
			}
		}
	}
	return room
}

// The same for a history, of which panes are left out now and then.
func TestReadHistoryIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mg := NewMerger(Panes{Width: 10, Count: 1 + rng.Int64N(12)})
		mg.Low = true
		kind, mixed := rng.IntN(4), rng.IntN(4) == 0
		both := [2]History{} // what is kept, and what is restored
		number := int64(0)
		for i := range 400 {
			if mixed {
				kind = rng.IntN(4)
			}
			m := randomMeasurement(rng, kind)
			begin := i == 0 || rng.IntN(8) == 0
			if begin {
				number += 1 + rng.Int64N(4)
			}
			quarantine, undecided := number-rng.Int64N(4), number-rng.Int64N(3)
			if rng.IntN(2) == 0 {
				quarantine = math.MaxInt64
			}
			adopt, keep := rng.IntN(40) == 0, rng.IntN(2) == 0
			for h := range both {
				h := &both[h]
				if begin {
					h.Decide(quarantine, undecided)
					h.Trim(6, number-50, keep)
					h.Begin(number)
				}
				h.Put(&m)
				h.Judged(m.Current)
				if adopt {
					h.Adopt()
				}
			}
			for _, of := range []func(*History) (verdict.Baseline, int){mg.Baseline, mg.Quarantine} {
				a, n := of(&both[0])
				b, o := of(&both[1])
				if n != o || fmt.Sprint(a) != fmt.Sprint(b) {
					t.Fatalf("seed %d: %v, want %v", seed, b, a)
				}
			}
			currents := slices.Clone(mg.Currents(&both[0]))
			if !slices.Equal(currents, mg.Currents(&both[1])) {
				t.Fatalf("seed %d: other currents", seed)
			}
			if rng.IntN(20) == 0 {
				r := record.NewReader(both[1].Append(nil))
				both[1].Read(r)
				if err := r.Err(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
	}
}

func FuzzReadHistory(f *testing.F) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var h History
		for i := range 100 {
			if i%10 == 0 {
				h.Decide(int64(i-10), int64(i))
				h.Begin(int64(i))
			}
			m := randomMeasurement(rng, int(seed)%4)
			h.Put(&m)
			h.Judged(m.Current)
		}
		f.Add(h.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		mg := NewMerger(Panes{Width: 10, Count: 12})
		var h History
		r := record.NewReader(b)
		h.Read(r)
		if room := roomOf(h.panes) + 64*len(h.panes); room > 24*len(b)+64 {
			t.Errorf("%d bytes for an input of %d", room, len(b))
		}
		if r.Failed() {
			return
		}
		mg.Baseline(&h)
		mg.Quarantine(&h)
		mg.Currents(&h)
		h.Halves()
		if newest, ok := h.Newest(); ok && newest < math.MaxInt64 {
			h.Begin(newest + 1)
			for kind := range 4 {
				m := randomMeasurement(rand.New(rand.NewPCG(1, 3)), kind)
				h.Put(&m)
				h.Judged(1)
			}
		}
		h.Decide(5, 9)
		h.Trim(3, 1, true)
		h.Adopt()
		mg.Baseline(&h)
	})
}

func FuzzRead(f *testing.F) {
	cut := Panes{Width: 10, Count: 12}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mg := NewMerger(cut)
		var r Ring
		for i := range 100 {
			m := randomMeasurement(rng, int(seed)%4)
			mg.Add(&r, int64(i), &m)
		}
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		mg := NewMerger(cut)
		var ring Ring
		r := record.NewReader(b)
		mg.Read(&ring, r)
		room := roomOf(ring.panes)
		if room > 8*len(b)+64 {
			t.Errorf("%d bytes for an input of %d", room, len(b))
		}
		if r.Failed() {
			return
		}
		for _, at := range []int64{ring.newest * cut.Width, 0, math.MaxInt64} {
			if at >= 0 && mg.Holds(&ring, at) {
				for kind := range 4 {
					m := randomMeasurement(rand.New(rand.NewPCG(1, 3)), kind)
					mg.Before(&ring, at)
					mg.Add(&ring, at, &m)
				}
			}
		}
	})
}
