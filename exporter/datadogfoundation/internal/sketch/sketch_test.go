package sketch

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The middles of the outermost buckets, times their counts, are infinities of both
// signs, whose sum is no number.
func TestTheSumIsANumber(t *testing.T) {
	var b Builder
	b.Bucket(-math.MaxFloat64, -math.MaxFloat64, 1<<41)
	b.Bucket(math.MaxFloat64, math.MaxFloat64, 1<<41)
	s := b.Build(Summary{})
	assert.Zero(t, s.Sum)
}

// read makes a DDSketch of Datadog's own library out of what goes on the wire,
// the way the agent's own conversion maps between the two: gamma and bias of the
// agent, and half a bin because it rounds where the library takes the floor.
func read(t *testing.T, s *Sketch) *ddsketch.DDSketch {
	t.Helper()
	m, err := mapping.NewLogarithmicMappingWithGamma(1+1.0/64, 1338.5)
	require.NoError(t, err)
	d := ddsketch.NewDDSketch(m, store.NewSparseStore(), store.NewSparseStore())
	k, n := s.Columns(nil, nil)
	require.Len(t, n, len(k))
	require.True(t, slices.IsSorted(k))
	for i, key := range k {
		switch {
		case key > 0:
			d.GetPositiveValueStore().AddWithCount(int(key), float64(n[i]))
		case key < 0:
			d.GetNegativeValueStore().AddWithCount(int(-key), float64(n[i]))
		default:
			require.NoError(t, d.AddWithCount(0, float64(n[i])))
		}
	}
	assert.InDelta(t, float64(s.Count), d.GetCount(), 0.5)
	return d
}

func TestParametersAreTheAgents(t *testing.T) {
	assert.InDelta(t, math.Log1p(2*Epsilon), lnGamma, 0)
	assert.InDelta(t, math.Sqrt(gamma), rootGamma, 0)
	assert.Equal(t, 1-int(math.Floor(math.Log(minimum)/lnGamma)), bias)
	assert.InDelta(t, value(1), smallest, 0)
	for v, key := range map[float64]int32{
		0: 0, 1: 1338, -1: -1338, 1e-9: 1, 1e-10: 0, gamma: 1339, -1e-10: 0,
		math.MaxFloat64: maxKey, -math.MaxFloat64: -maxKey, math.SmallestNonzeroFloat64: 0,
	} {
		assert.Equal(t, key, keyOf(v), v)
	}
	for key := int32(1); key <= maxKey; key += 97 {
		assert.Equal(t, key, keyOf(value(key)))
		assert.Equal(t, -key, keyOf(value(-key)))
	}
}

func quantiles() []float64 { return []float64{0.5, 0.75, 0.9, 0.95, 0.99, 0.999} }

func samples(name string) []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, 20_000)
	for i := range v {
		switch name {
		case "lognormal":
			v[i] = math.Exp(r.NormFloat64()*1.5 - 3)
		case "uniform":
			v[i] = r.Float64() * 100
		case "pareto":
			v[i] = math.Pow(1-r.Float64(), -0.8)
		case "bimodal":
			v[i] = 0.01 + r.Float64()*0.001
			if i%10 == 0 {
				v[i] = 5 + r.Float64()
			}
		case "negative":
			v[i] = -math.Exp(r.NormFloat64())
		}
	}
	slices.Sort(v)
	return v
}

func exact(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] }

func TestQuantilesOfExactValues(t *testing.T) {
	for _, name := range []string{"lognormal", "uniform", "pareto", "bimodal", "negative"} {
		t.Run(name, func(t *testing.T) {
			values := samples(name)
			var b Builder
			for _, v := range values {
				b.Bucket(v, v, 1)
			}
			s := b.Build(Summary{})
			d := read(t, &s)
			for _, q := range quantiles() {
				got, err := d.GetValueAtQuantile(q)
				require.NoError(t, err)
				// The ranks on both sides of q: the library rounds down on the negative side's mirror.
				rank := q * float64(len(values)-1)
				lo, hi := values[int(math.Floor(rank))], values[int(math.Ceil(rank))]
				assert.GreaterOrEqual(t, got, lo-math.Abs(lo)*Epsilon, q)
				assert.LessOrEqual(t, got, hi+math.Abs(hi)*Epsilon, q)
			}
			assert.InDelta(t, values[0], s.Min, 0)
			assert.InDelta(t, values[len(values)-1], s.Max, 0)
		})
	}
}

// Buckets that grow by a factor f are off by at most f − 1, and the sketch adds 1/128.
func TestQuantilesOfBuckets(t *testing.T) {
	for name, factor := range map[string]float64{
		"exponential, scale 3": math.Exp2(1.0 / 8),
		"exponential, scale 6": math.Exp2(1.0 / 64),
		"explicit, 1.5":        1.5,
	} {
		for _, dist := range []string{"lognormal", "uniform", "pareto", "bimodal"} {
			t.Run(name+", "+dist, func(t *testing.T) {
				values := samples(dist)
				counts := map[int]uint64{}
				var sum float64
				for _, v := range values {
					counts[int(math.Ceil(math.Log(v)/math.Log(factor)))]++
					sum += v
				}
				var b Builder
				for i, n := range counts {
					b.Bucket(math.Pow(factor, float64(i-1)), math.Pow(factor, float64(i)), n)
				}
				s := b.Build(Summary{Sum: sum, HasSum: true})
				assert.Equal(t, uint64(len(values)), s.Count)
				d := read(t, &s)
				for _, q := range quantiles() {
					got, err := d.GetValueAtQuantile(q)
					require.NoError(t, err)
					want := exact(values, q)
					assert.InDelta(t, want, got, want*((factor-1)+Epsilon*factor), "%v", q)
				}
			})
		}
	}
}

func TestBucketKeepsCounts(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      uint64
	}{
		{0, 1, 1},
		{0, 1, 7},
		{0, 600, 1_000_000},
		{1, 1.0001, 9},
		{-3, 5, 1001},
		{-5, -1, 10},
		{0, 1e-12, 4},
		{math.Inf(-1), 4, 3},
		{4, math.Inf(1), 3},
		{math.Inf(-1), math.Inf(1), 5},
		{-math.MaxFloat64, math.MaxFloat64, 11},
		{5, 1, 6},
		{1, 2, math.MaxInt64},
	} {
		var b Builder
		b.Bucket(c.lo, c.hi, c.n)
		s := b.Build(Summary{})
		var total uint64
		last := int32(math.MinInt32)
		for _, bin := range s.Bins {
			assert.Greater(t, bin.Key, last)
			last = bin.Key
			total += bin.Count
		}
		assert.Equal(t, c.n, total, "%+v", c)
		assert.Equal(t, c.n, s.Count)
		assert.False(t, math.IsNaN(s.Sum) || math.IsInf(s.Sum, 0), "%+v", c)
	}
}

func TestOneValueIsExact(t *testing.T) {
	var b Builder
	b.Bucket(1, 10, 1)
	s := b.Build(Summary{Sum: 3.3, HasSum: true})
	assert.Equal(t, Sketch{Count: 1, Sum: 3.3, Min: 3.3, Max: 3.3, Bins: []Bin{{keyOf(3.3), 1}}}, s)
}

func TestMergeIsTheSketchOfBoth(t *testing.T) {
	values := samples("lognormal")
	var b Builder
	part := func(vs []float64) Sketch {
		for _, v := range vs {
			b.Bucket(v, v, 1)
		}
		return b.Build(Summary{})
	}
	whole, even, odd := part(values), part(values[:7000]), part(values[7000:])
	before := slices.Clone(odd.Bins)
	var merged Sketch
	merged.Merge(&Sketch{})
	merged.Merge(&even)
	merged.Merge(&odd)
	assert.Equal(t, whole.Bins, merged.Bins)
	assert.Equal(t, whole.Count, merged.Count)
	assert.InEpsilon(t, whole.Sum, merged.Sum, 1e-12)
	assert.Equal(t, before, odd.Bins, "the merged one is left as it was")
}

func TestBinsAreBoundedAtTheLowEnd(t *testing.T) {
	var b Builder
	for key := int32(1); key <= 5000; key++ {
		b.Bucket(value(key), value(key), 2)
	}
	s := b.Build(Summary{})
	assert.Len(t, s.Bins, binLimit)
	assert.Equal(t, Bin{5000, 2}, s.Bins[binLimit-1])
	assert.Equal(t, uint64(10_000), s.Count)
	assert.Equal(t, uint64(2*(5000-binLimit+1)), s.Bins[0].Count)
}

func TestCountsBeyond32Bits(t *testing.T) {
	s := Sketch{Bins: []Bin{{5, math.MaxUint32 + 3}}}
	k, n := s.Columns(nil, nil)
	assert.Equal(t, []int32{5, 5}, k)
	assert.Equal(t, []uint32{math.MaxUint32, 3}, n)
	s = Sketch{Bins: []Bin{{5, math.MaxUint64}, {6, math.MaxUint64}}}
	k, _ = s.Columns(nil, nil)
	assert.Len(t, k, binLimit+2)
}
