package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestNearestRank(t *testing.T) {
	for n, want := range map[int]int{1: 0, 19: 18, 20: 18, 21: 19, 40: 37, 60: 56, 100: 94, 101: 95} {
		if got := nearestRank(n); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}

func TestKthSmallest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		values := make([]float64, 1+rng.IntN(200))
		for i := range values {
			switch rng.IntN(3) {
			case 0:
				values[i] = float64(rng.IntN(5)) // many equal
			case 1:
				values[i] = float64(i) // ordered runs
			default:
				values[i] = rng.NormFloat64()
			}
		}
		sorted := slices.Sorted(slices.Values(values))
		k := rng.IntN(len(values))
		if got := kthSmallest(values, k); got != sorted[k] {
			t.Fatalf("%d of %v: %v", k, sorted, got)
		}
	}
}

// A ring against a list of everything that was ever added, with points in any
// order, also some that are no longer held.
func TestBeforeIsThePanesBefore(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		cut := Panes{Width: 10, Count: 1 + rng.Int64N(12)}
		mg := NewMerger(cut)
		var r Ring
		type kept struct {
			pane int64
			v    float64
		}
		var all []kept
		now, newest := int64(rng.IntN(1000)), int64(-1)
		for range 400 {
			now += rng.Int64N(8)
			if rng.IntN(100) == 0 {
				now += rng.Int64N(300)
			}
			at := max(0, now-rng.Int64N(20)*rng.Int64N(2))
			k := at / 10
			held := newest < 0 || k >= newest-cut.Count
			if mg.Holds(&r, at) != held {
				t.Fatalf("seed %d: pane %d, newest %d: held %v", seed, k, newest, !held)
			}
			if !held {
				continue
			}
			var values []float64
			sum := 0.0
			reused := func(pane int64) bool { // by a newer one, a ring's round later
				return slices.ContainsFunc(all, func(o kept) bool { return o.pane > pane && (o.pane-pane)%(cut.Count+1) == 0 })
			}
			for _, o := range all {
				if o.pane >= k-cut.Count && o.pane < k && !reused(o.pane) {
					values = append(values, o.v)
					sum += o.v
				}
			}
			b := mg.Before(&r, at)
			if b.Count != uint64(len(values)) {
				t.Fatalf("seed %d: %d in the baseline, want %d", seed, b.Count, len(values))
			}
			if b.Count > 0 {
				slices.Sort(values)
				if math.Abs(b.Mean-sum/float64(len(values))) > 1e-9 || b.P95 != values[nearestRank(len(values))] {
					t.Fatalf("seed %d: %+v of %v", seed, b, values)
				}
			}
			v := rng.NormFloat64()
			m := ScalarMeasurement(v)
			mg.Add(&r, at, &m)
			all, newest = append(all, kept{k, v}), max(newest, k)
		}
	}
}

// Raw values, explicit buckets of two layouts and exponential ones in one
// window: the count and the mean stay exact, the percentile within a bucket.
func TestMixedForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	mg := NewMerger(Panes{Width: 10, Count: 12})
	var r Ring
	var values []float64
	sum := 0.0
	for i := range int64(120) {
		draw := func(n int) []float64 {
			out := make([]float64, n)
			for j := range out {
				out[j] = math.Exp(rng.NormFloat64() / 2)
				values = append(values, out[j])
				sum += out[j]
			}
			return out
		}
		var m Measurement
		switch i % 4 {
		case 0:
			m = ScalarMeasurement(draw(1)[0])
		case 1, 2:
			bounds := []float64{0.2, 0.3, 0.4, 0.6, 0.8, 1.1, 1.5, 2, 3, 4, 6, 8}
			if i%8 == 1 {
				bounds = bounds[1:]
			}
			m = Measurement{Bounds: bounds, Buckets: make([]uint64, len(bounds)+1), Min: 0, Max: 8}
			for _, v := range draw(9) {
				at, _ := slices.BinarySearch(bounds, v)
				m.Buckets[at]++
				m.Count, m.Sum = m.Count+1, m.Sum+v
			}
		case 3:
			e := &Expo{Scale: 2, PositiveOffset: -40, Positive: make([]uint64, 80)}
			m = Measurement{Expo: e, Min: 0, Max: 100}
			for _, v := range draw(9) {
				e.Positive[int(math.Ceil(math.Log2(v)*4))-1+40]++
				m.Count, m.Sum = m.Count+1, m.Sum+v
			}
		}
		mg.Add(&r, i, &m)
	}
	b := mg.Before(&r, 120)
	slices.Sort(values)
	want := values[nearestRank(len(values))]
	if b.Count != uint64(len(values)) || math.Abs(b.Mean-sum/float64(len(values))) > 1e-9 || math.Abs(math.Log(b.P95/want)) > math.Log(1.5) {
		t.Fatalf("%+v, want %d, %v, %v", b, len(values), sum/float64(len(values)), want)
	}
}

func TestManyValuesInAPaneBecomeAHistogram(t *testing.T) {
	mg := NewMerger(Panes{Width: 1000, Count: 2})
	var r Ring
	for i := range int64(1000) {
		m := ScalarMeasurement(1 + float64(i)/1000)
		mg.Add(&r, i, &m)
	}
	b := mg.Before(&r, 1000)
	if b.Count != 1000 || math.Abs(b.P95-1.95) > 0.01 {
		t.Fatalf("%+v", b)
	}
	if len(r.panes[0].values) != 0 || !r.panes[0].holdsExpo() {
		t.Fatal("values are kept beyond the bound")
	}
}

func TestHistogramsWithoutBuckets(t *testing.T) {
	mg := NewMerger(Panes{Width: 10, Count: 2})
	var r Ring
	mg.Add(&r, 1, &Measurement{Count: 4, Sum: 8, Min: math.Inf(1), Max: math.Inf(-1), NoDistribution: true})
	if b := mg.Before(&r, 11); b.Count != 4 || b.Mean != 2 || !math.IsNaN(b.P95) {
		t.Fatalf("%+v", b)
	}
}

func TestExplicitQuantile(t *testing.T) {
	bounds := []float64{1, 2, 4}
	for _, c := range []struct {
		q      float64
		bounds []float64
		counts []uint64
		want   float64
	}{
		{0.5, bounds, []uint64{10, 0, 0, 0}, 0.5}, // the first begins at zero
		{0.5, bounds, []uint64{0, 10, 0, 0}, 1.5},
		{0.95, bounds, []uint64{50, 45, 5, 0}, 2}, // on the bound
		{0.95, bounds, []uint64{0, 0, 0, 3}, 4},   // the last has no end
		{1, bounds, []uint64{1, 0, 1, 0}, 4},
		{0.5, []float64{-1, 1}, []uint64{3, 0, 0}, -1}, // nor the first, below zero, a beginning
		{0.5, nil, []uint64{3}, math.NaN()},
		{0.5, bounds, []uint64{0, 0, 0, 0}, math.NaN()},
	} {
		if got := ExplicitQuantile(c.q, c.bounds, c.counts); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%v of %v in %v: %v, want %v", c.q, c.counts, c.bounds, got, c.want)
		}
	}
}

func TestTheBaselineIsMadeOnceAPane(t *testing.T) {
	mg := NewMerger(Panes{Width: 10, Count: 12})
	var r Ring
	for i := range int64(120) {
		m := ScalarMeasurement(1)
		mg.Add(&r, i, &m)
	}
	mg.Before(&r, 120)
	r.cached.Mean = 77 // a mark
	for i := int64(120); i < 130; i++ {
		if mg.Before(&r, i).Mean != 77 {
			t.Fatal("made again within the pane")
		}
		m := ScalarMeasurement(1)
		mg.Add(&r, i, &m)
	}
	if mg.Before(&r, 130).Mean != 1 {
		t.Fatal("not made for the next pane")
	}
	r.cached.Mean = 77
	m := ScalarMeasurement(1)
	mg.Add(&r, 125, &m)
	if mg.Before(&r, 130).Mean != 1 {
		t.Fatal("not made again after a late point")
	}
}
