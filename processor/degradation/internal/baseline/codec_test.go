package baseline

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/record"
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
		room := 0
		for i := range ring.panes {
			p := &ring.panes[i]
			room += 8 * cap(p.values)
			if p.explicit != nil {
				room += 8*cap(p.explicit.bounds) + 4*cap(p.explicit.counts)
			}
		}
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
