package expohist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestIndexContainsItsValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for scale := int32(MinScale); scale <= MaxScale; scale++ {
		for range 2000 {
			v := math.Exp(rng.NormFloat64() * 20)
			i := index(v, scale)
			lo := math.Exp2(math.Ldexp(float64(i), -int(scale)))
			hi := math.Exp2(math.Ldexp(float64(i)+1, -int(scale)))
			const rounding = 1e-9
			if v < lo*(1-rounding) || v > hi*(1+rounding) {
				t.Fatalf("scale %d: %v is not in (%v, %v]", scale, v, lo, hi)
			}
		}
	}
}

func TestPowersOfTwoBelongToTheBucketBelow(t *testing.T) {
	for _, c := range []struct {
		v     float64
		scale int32
		want  int32
	}{
		{1, 0, -1},
		{2, 0, 0},
		{2.0000001, 0, 1},
		{4, 0, 1},
		{0.5, 0, -2},
		{1, 3, -1},
		{2, 3, 7},
		{4, -1, 0},
		{5, -1, 1},
		{math.MaxFloat64, -10, 0},
		{math.SmallestNonzeroFloat64, -10, -2},
	} {
		if got := index(c.v, c.scale); got != c.want {
			t.Errorf("index(%v, %d) = %d, want %d", c.v, c.scale, got, c.want)
		}
	}
}

// The quantile is off by no more than the width of a bucket, whose scale is the
// best that fits.
func TestQuantileError(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, sigma := range []float64{0.001, 0.1, 1, 3} {
		var h Histogram
		var values []float64
		for range 5000 {
			v := 0.05 * math.Exp(sigma*rng.NormFloat64())
			values = append(values, v)
			h.Add(v, 1)
		}
		slices.Sort(values)
		width := math.Exp2(math.Ldexp(1, -int(h.Scale())))
		ratio := values[len(values)-1] / values[0]
		if buckets := math.Log(ratio) / math.Log(width); buckets < MaxBuckets/2-2 || buckets > MaxBuckets+1 {
			t.Errorf("sigma %v: %v buckets in use", sigma, buckets)
		}
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99} {
			want, got := values[int(q*5000)-1], h.Quantile(q)
			if math.Abs(math.Log(got/want)) > math.Log(width)*1.001 {
				t.Errorf("sigma %v q %v: %v, really %v, buckets of %v", sigma, q, got, want, width)
			}
		}
	}
}

// Adding values one by one, or merging histograms of parts of them at their own
// scales, is the same.
func TestMergeIsAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		var all, merged Histogram
		for range 1 + rng.IntN(5) {
			var part Histogram
			level := math.Exp(rng.NormFloat64() * 5)
			for range rng.IntN(200) {
				v := level * math.Exp(rng.NormFloat64()*rng.Float64())
				switch rng.IntN(10) {
				case 0:
					v = -v
				case 1:
					v = 0
				}
				all.Add(v, 1)
				part.Add(v, 1)
			}
			merged.Merge(&part)
		}
		same(t, &all, &merged)
	}
}

func TestBucketsAreTheSameAsValues(t *testing.T) {
	var values, buckets Histogram
	for i := int32(-20); i < 20; i++ {
		values.Add(math.Exp2((float64(i)+0.5)/4), 3)
		values.Add(-math.Exp2((float64(i)+0.5)/4), 2)
	}
	values.AddZero(7)
	for values.Scale() > 2 {
		values.coarsen(1)
	}
	buckets.AddZero(7)
	buckets.AddPositive(2, -25, append(make([]uint64, 5), slices.Repeat([]uint64{3}, 45)[:40]...))
	buckets.AddNegative(2, -20, slices.Repeat([]uint64{2}, 40))
	same(t, &values, &buckets)
}

func same(t *testing.T, a, b *Histogram) {
	t.Helper()
	if a.Count() != b.Count() {
		t.Fatalf("counts %d and %d", a.Count(), b.Count())
	}
	// a merge may have been coarser on the way, not finer
	for a.scale > b.scale && b.used {
		a.coarsen(1)
	}
	if a.used && a.scale != b.scale {
		t.Fatalf("scales %d and %d", a.scale, b.scale)
	}
	for _, sides := range [][2]*side{{&a.pos, &b.pos}, {&a.neg, &b.neg}} {
		get := func(s *side) map[int32]uint32 {
			m := map[int32]uint32{}
			for i, n := range s.counts {
				if n > 0 {
					m[s.offset+int32(i)] = n
				}
			}
			return m
		}
		x, y := get(sides[0]), get(sides[1])
		if len(x) != len(y) {
			t.Fatalf("%v and %v", x, y)
		}
		for i, n := range x {
			if y[i] != n {
				t.Fatalf("bucket %d: %d and %d", i, n, y[i])
			}
		}
	}
}

func TestExtremes(t *testing.T) {
	var h Histogram
	for _, v := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, 1, -math.MaxFloat64, 0} {
		h.Add(v, math.MaxUint32)
		h.Add(v, math.MaxUint32) // saturates
	}
	if len(h.pos.counts) > MaxBuckets || len(h.neg.counts) > MaxBuckets {
		t.Fatal("too many buckets")
	}
	if lo, hi := Bounds(0, 1023); lo != math.Exp2(1023) || hi != math.MaxFloat64 {
		t.Fatalf("bounds %v %v", lo, hi)
	}
	if lo, hi := Bounds(-1, -1); lo != 0.25 || hi != 1 {
		t.Fatalf("bounds %v %v", lo, hi)
	}
	for _, q := range []float64{0, 0.5, 0.95, 1} {
		if v := h.Quantile(q); math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("quantile %v is %v", q, v)
		}
	}
	h.Reset()
	if h.Count() != 0 || !math.IsNaN(h.Quantile(0.5)) {
		t.Fatal("not empty")
	}
	h.Add(3, 1)
	if got := h.Quantile(0.5); math.Abs(got-3) > 1e-5 {
		t.Fatalf("after Reset: %v", got)
	}
}

func TestNoAllocationsOnceWarm(t *testing.T) {
	var h Histogram
	fill := func() {
		h.Reset()
		for i := range 500 {
			h.Add(0.001*float64(1+i), 1)
		}
	}
	fill()
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
