package baseline

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// A history against a list of panes that is searched from end to end.
func TestHistory(t *testing.T) {
	type kept struct {
		number int64
		status Status
		sum    float64
		count  uint64
	}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		mg := NewMerger(Panes{Width: 10, Count: 4})
		var h History
		var want []kept
		number := int64(0)
		for range 100 {
			number += 1 + rng.Int64N(3)
			h.Begin(number)
			want = append(want, kept{number: number})
			last := &want[len(want)-1]
			for range 1 + rng.IntN(90) { // beyond maxRaw at times
				v := rng.Float64()
				m := ScalarMeasurement(v)
				h.Put(&m)
				last.sum += v
				last.count++
			}
			quarantine, undecided := number-rng.Int64N(5)+2, number-rng.Int64N(5)+2
			quarantined := 0
			for i := range want {
				if w := &want[i]; w.status == Open {
					switch {
					case w.number >= quarantine:
						w.status = Quarantined
						quarantined++
					case w.number < undecided:
						w.status = Normal
					}
				}
			}
			if got := h.Decide(quarantine, undecided); got != quarantined {
				t.Fatalf("seed %d: %d quarantined, want %d", seed, got, quarantined)
			}
			oldest, episode := number-rng.Int64N(30), rng.IntN(2) == 0
			var left []kept
			seen := map[Status]int{}
			for i := len(want) - 1; i >= 0; i-- {
				w := want[i]
				if w.status == Open && seen[Open] >= 4 {
					w.status = Normal
				}
				seen[w.status]++
				if w.status == Open || seen[w.status] <= 4 && w.number >= oldest && (w.status == Normal || episode) {
					left = append([]kept{w}, left...)
				}
			}
			want = left
			h.Trim(4, oldest, episode)
			if rng.IntN(20) == 0 {
				h.Adopt()
				left = nil
				for _, w := range want {
					if w.status == Quarantined {
						w.status = Normal
						left = append(left, w)
					} else if w.status == Open {
						left = append(left, w)
					}
				}
				want = left
			}
			var got []kept
			for i := range h.panes {
				count, sum, _, _ := h.panes[i].total()
				got = append(got, kept{h.panes[i].number, h.panes[i].status, sum, count})
			}
			if len(got) != len(want) {
				t.Fatalf("seed %d: %v, want %v", seed, got, want)
			}
			normal, panes := kept{}, 0
			for i := range got {
				if got[i].number != want[i].number || got[i].status != want[i].status || got[i].count != want[i].count || math.Abs(got[i].sum-want[i].sum) > 1e-9 {
					t.Fatalf("seed %d: %v, want %v", seed, got, want)
				}
				if want[i].status == Normal {
					panes++
					normal.count += want[i].count
					normal.sum += want[i].sum
				}
			}
			b, n := mg.Baseline(&h)
			if n != panes || b.Count != normal.count || b.Count > 0 && math.Abs(b.Mean-normal.sum/float64(normal.count)) > 1e-9 {
				t.Fatalf("seed %d: %+v of %d, want %+v of %d", seed, b, n, normal, panes)
			}
			if spare := cap(h.panes) - len(h.panes); spare > 0 {
				for _, p := range h.panes[len(h.panes):cap(h.panes)][1:] {
					if p.values != nil || p.form != nil {
						t.Fatal("memory is kept beyond one spare pane")
					}
				}
			}
		}
	}
}

func TestHalves(t *testing.T) {
	var h History
	for i := range int64(5) {
		h.Begin(i)
		m := ScalarMeasurement(float64(i))
		h.Put(&m)
	}
	if _, _, ok := h.Halves(); ok {
		t.Error("nothing is in quarantine")
	}
	h.Decide(0, 0)
	if older, newer, ok := h.Halves(); !ok || older != 1 || newer != 3.5 {
		t.Error(older, newer, ok)
	}
}

// The 5th percentile mirrors the 95th.
func TestLow(t *testing.T) {
	mg := NewMerger(Panes{Width: 1000, Count: 2})
	mg.Low = true
	for _, n := range []int{1, 5, 20, 60, 1000} { // raw, and beyond maxRaw
		var h History
		h.Begin(0)
		for i := range n {
			m := ScalarMeasurement(1 + float64(i)/float64(n))
			h.Put(&m)
		}
		h.Decide(math.MaxInt64, math.MaxInt64)
		b, _ := mg.Baseline(&h)
		if want := 1 + float64(lowRank(n))/float64(n); math.Abs(b.P5-want) > 0.01 {
			t.Errorf("of %d: %v, want %v", n, b.P5, want)
		}
	}
}

func TestWideBuckets(t *testing.T) {
	bounds := []float64{-4, -3, -1, 0, 0.1, 0.15, 0.3}
	for i, want := range []bool{true, false, true, true, true, false, true, true} {
		if isWide(bounds, i) != want {
			t.Errorf("bucket %d: %v", i, !want)
		}
	}
	grown := 1.0
	for range 30 {
		if isWide([]float64{grown, grown * 1.5}, 1) {
			t.Error("a bucket of 1.5 times is not wider than that:", grown)
		}
		grown *= 1.5
	}
}

func TestSampleIsEven(t *testing.T) {
	var s sample
	for i := range 1000 {
		s.add(float64(i))
	}
	if len(s.values) != 63 || s.seen != 1000 {
		t.Fatal(len(s.values), s.seen)
	}
	for i, v := range s.values {
		if v != float64(16*i) {
			t.Fatal(s.values)
		}
	}
	s.reset()
	s.add(5)
	if !reflect.DeepEqual(s.values, []float64{5}) {
		t.Fatal(s.values)
	}
}

func TestMeasurementCopy(t *testing.T) {
	from := Measurement{Current: 1, Count: 3, Sum: 3, Expo: &Expo{Scale: 1, Positive: []uint64{1, 2}, Negative: []uint64{3}}}
	var to Measurement
	for range 2 { // into memory of its own, then into the same
		from.CopyTo(&to)
		if !reflect.DeepEqual(from.Expo, to.Expo) || to.Expo == from.Expo {
			t.Fatalf("%+v", to)
		}
	}
	from.Expo.Positive[0] = 9
	if to.Expo.Positive[0] != 1 {
		t.Fatal("shared")
	}
	explicit := Measurement{Count: 1, Bounds: []float64{1}, Buckets: []uint64{1, 0}}
	explicit.CopyTo(&to)
	explicit.Buckets[0] = 9
	if to.Expo != nil || to.Buckets[0] != 1 || to.IsScalar() {
		t.Fatalf("%+v", to)
	}
	scalar := ScalarMeasurement(4)
	scalar.CopyTo(&to)
	if !to.IsScalar() || to.Current != 4 {
		t.Fatalf("%+v", to)
	}
}
