package expohist

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// randomHistogram has any scale, and either side, or none.
func randomHistogram(rng *rand.Rand) *Histogram {
	h := &Histogram{}
	if rng.IntN(2) == 0 {
		h.AddZero(rng.Uint64N(100))
	}
	spread := math.Exp(6 * rng.NormFloat64())
	for range rng.IntN(200) {
		v := math.Exp(spread * rng.NormFloat64())
		if math.IsInf(v, 0) || v == 0 {
			v = math.MaxFloat64
		}
		if rng.IntN(3) == 0 {
			v = -v
		}
		h.Add(v, 1+rng.Uint64N(1000))
	}
	return h
}

// What is read back goes on exactly as the original does.
func TestReadIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 9))
		h, back := randomHistogram(rng), &Histogram{}
		r := record.NewReader(h.Append(nil))
		back.Read(r)
		if err := r.Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		more := randomHistogram(rng)
		h.Merge(more)
		back.Merge(more)
		if h.Scale() != back.Scale() || h.Count() != back.Count() {
			t.Fatalf("seed %d: scale %d count %d, want %d %d", seed, back.Scale(), back.Count(), h.Scale(), h.Count())
		}
		for _, q := range []float64{0, 0.05, 0.5, 0.95, 1} {
			if a, b := h.Quantile(q), back.Quantile(q); a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
				t.Fatalf("seed %d: quantile %v is %v, was %v", seed, q, b, a)
			}
		}
	}
}

// Whatever is read can be used.
func FuzzRead(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(randomHistogram(rand.New(rand.NewPCG(seed, 9))).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &Histogram{}
		r := record.NewReader(b)
		h.Read(r)
		if room := 4 * (cap(h.pos.counts) + cap(h.neg.counts)); room > 4*len(b)+64 {
			t.Errorf("%d bytes for an input of %d", room, len(b))
		}
		if r.Failed() {
			return
		}
		h.Quantile(0.95)
		h.Add(1, 1)
		h.Add(-math.MaxFloat64, 1)
		h.Add(math.SmallestNonzeroFloat64, 1)
		other := &Histogram{}
		other.Add(1e300, 1)
		other.Merge(h)
		h.Merge(other)
	})
}
