package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

const (
	second = int64(1e9)
	window = 3600 * second
)

func TestRate(t *testing.T) {
	type step struct {
		start, time int64 // seconds
		value       float64
		rate        float64
		reason      Reason
	}
	for name, steps := range map[string][]step{
		"differences":                           {{100, 110, 20, 2, OK}, {100, 120, 50, 3, OK}, {100, 130, 50, 0, OK}},
		"began before the window":               {{100, 4000, 20, 0, First}, {100, 4010, 30, 1, OK}},
		"nobody knows when it began":            {{0, 110, 20, 0, First}, {0, 120, 30, 1, OK}},
		"a decrease is a reset":                 {{100, 110, 20, 2, OK}, {100, 120, 5, 0.5, OK}, {100, 130, 15, 1, OK}},
		"a new start is a reset":                {{100, 110, 20, 2, OK}, {115, 120, 50, 10, OK}, {115, 130, 60, 1, OK}},
		"reset at each export":                  {{100, 110, 20, 2, OK}, {110, 120, 20, 2, OK}, {120, 130, 20, 2, OK}},
		"a start where there was none":          {{0, 110, 20, 0, First}, {112, 120, 40, 5, OK}},
		"a start where there was none, earlier": {{0, 110, 20, 0, First}, {50, 120, 40, 2, OK}},
		"the start moves back":                  {{100, 110, 20, 2, OK}, {90, 120, 40, 2, OK}},
		"twice the same point":                  {{100, 110, 20, 2, OK}, {100, 110, 20, 0, OutOfOrder}, {100, 120, 30, 1, OK}},
		"out of order":                          {{100, 110, 20, 2, OK}, {100, 105, 10, 0, OutOfOrder}, {100, 120, 30, 1, OK}},
		"restarted with the clock set back":     {{100, 500, 20, 0.05, OK}, {150, 160, 30, 3, OK}, {150, 170, 40, 1, OK}},
		"start at the time of the first":        {{110, 110, 20, 0, First}, {110, 120, 30, 1, OK}},
	} {
		var s Stream
		for i, st := range steps {
			rate, r := s.Rate(Point{Start: st.start * second, Time: st.time * second, Cumulative: true}, st.value, window)
			if r != st.reason || math.Abs(rate-st.rate) > 1e-9 {
				t.Errorf("%s, point %d: %v %q, want %v %q", name, i, rate, r, st.rate, st.reason)
			}
		}
	}
}

// A stream that changes its temporality does not subtract across the change.
func TestTemporalityFlips(t *testing.T) {
	var s Stream
	at := func(cumulative bool, start, time int64, v float64) (float64, Reason) {
		return s.Rate(Point{Start: start * second, Time: time * second, Cumulative: cumulative}, v, window)
	}
	at(true, 100, 110, 20)
	if rate, r := at(false, 110, 120, 30); rate != 3 || r != OK {
		t.Fatal(rate, r)
	}
	if _, r := at(true, 100, 130, 60); r != First {
		t.Fatal("the delta told a part of it", r)
	}
	if rate, r := at(true, 100, 140, 70); rate != 1 || r != OK {
		t.Fatal(rate, r)
	}
	if rate, r := at(false, 0, 150, 60); rate != 6 || r != OK {
		t.Fatal("no start: since the point before", rate, r)
	}
	s = Stream{}
	if _, r := at(false, 0, 150, 60); r != NoInterval {
		t.Fatal("nobody knows over what time", r)
	}
}

func cumulative(start, time int64) Point {
	return Point{Start: start * second, Time: time * second, Cumulative: true, Duration: true}
}

func TestCumulativeHistogram(t *testing.T) {
	bounds := []float64{1, 2}
	type step struct {
		start, time int64
		sum         float64
		bounds      []float64
		counts      []uint64
		mean        float64
		reason      Reason
	}
	for name, steps := range map[string][]step{
		"differences":          {{100, 110, 3, bounds, []uint64{1, 1, 0}, 1.5, OK}, {100, 120, 8, bounds, []uint64{1, 1, 1}, 5, OK}, {100, 130, 8, bounds, []uint64{1, 1, 1}, 0, Empty}},
		"old":                  {{100, 9000, 3, bounds, []uint64{1, 1, 0}, 0, First}, {100, 9010, 4, bounds, []uint64{2, 1, 0}, 1, OK}},
		"old and empty":        {{100, 9000, 0, bounds, []uint64{0, 0, 0}, 0, Empty}, {100, 9010, 1, bounds, []uint64{1, 0, 0}, 1, OK}},
		"fewer counts":         {{100, 110, 9, bounds, []uint64{0, 0, 3}, 3, OK}, {100, 120, 2, bounds, []uint64{0, 1, 0}, 2, OK}},
		"a bucket decreased":   {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {100, 120, 4, bounds, []uint64{2, 2, 0}, 1, OK}},
		"new start":            {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {112, 120, 8, bounds, []uint64{0, 0, 2}, 4, OK}},
		"new bounds":           {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {100, 120, 8, []float64{1, 3}, []uint64{0, 0, 2}, 0, Layout}, {100, 130, 12, []float64{1, 3}, []uint64{0, 0, 3}, 4, OK}},
		"new bounds and start": {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {115, 120, 8, []float64{1, 3}, []uint64{0, 0, 2}, 4, OK}},
		"no buckets":           {{100, 110, 3, nil, nil, 3, OK}, {100, 120, 8, nil, nil, 5, OK}},
		"the sum goes down":    {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {100, 120, 2, bounds, []uint64{1, 0, 1}, 0, Negative}},
		"out of order":         {{100, 110, 3, bounds, []uint64{0, 0, 1}, 3, OK}, {100, 110, 3, bounds, []uint64{0, 0, 1}, 0, OutOfOrder}},
	} {
		var s Stream
		var rd Reader
		for i, st := range steps {
			h := Histogram{Sum: st.sum, HasSum: true, Bounds: st.bounds, Counts: st.counts}
			for _, n := range st.counts {
				h.Count += n
			}
			if st.counts == nil {
				h.Count = uint64(i + 1)
			}
			m, r := rd.Histogram(&s, cumulative(st.start, st.time), h, window)
			if r != st.reason || r == OK && math.Abs(m.Current-st.mean) > 1e-9 {
				t.Errorf("%s, point %d: %v %q, want %v %q", name, i, m.Current, r, st.mean, st.reason)
			}
		}
	}
}

// What an SDK does with a cumulative exponential histogram: more buckets, and a
// coarser scale when they are too many.
func TestCumulativeExponentialHistogramChangesItsScale(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var delta, cumul Reader
		var ds, cs Stream
		total := map[int]uint64{} // by index at scale 4
		scale, sum, count := int32(4), 0.0, uint64(0)
		for i := range int64(30) {
			interval, isum, icount := map[int]uint64{}, 0.0, uint64(0)
			for range rng.IntN(20) {
				v := math.Exp(rng.NormFloat64() * 3)
				at := int(math.Ceil(math.Log2(v)*16)) - 1
				interval[at]++
				total[at]++
				isum, icount = isum+v, icount+1
			}
			sum, count = sum+isum, count+icount
			if scale > 0 && rng.IntN(8) == 0 {
				scale--
			}
			dm, dr := delta.Histogram(&ds, Point{Start: (100 + i) * second, Time: (101 + i) * second}, Histogram{Count: icount, Sum: isum, HasSum: true, Expo: dense(interval, scale)}, window)
			cm, cr := cumul.Histogram(&cs, cumulative(100, 101+i), Histogram{Count: count, Sum: sum, HasSum: true, Expo: dense(total, scale)}, window)
			if dr != cr || dm.Count != cm.Count || math.Abs(dm.Sum-cm.Sum) > 1e-6*max(1, sum) {
				t.Fatalf("seed %d point %d: %+v %q, %+v %q", seed, i, dm, dr, cm, cr)
			}
			if dr == OK && (dm.Min != cm.Min || dm.Max != cm.Max) {
				t.Fatalf("seed %d point %d: %v to %v, and %v to %v", seed, i, dm.Min, dm.Max, cm.Min, cm.Max)
			}
		}
	}
}

func dense(fine map[int]uint64, scale int32) *baseline.Expo {
	e := &baseline.Expo{Scale: scale}
	lo, hi := math.MaxInt, math.MinInt
	for i := range fine {
		lo, hi = min(lo, i>>(4-scale)), max(hi, i>>(4-scale))
	}
	if lo > hi {
		return e
	}
	e.PositiveOffset, e.Positive = int32(lo), make([]uint64, hi-lo+1)
	for i, n := range fine {
		e.Positive[i>>(4-scale)-lo] += n
	}
	return e
}

func TestZeroThresholdMovesValues(t *testing.T) {
	var rd Reader
	var s Stream
	send := func(i int64, zero uint64, positive []uint64, threshold float64) Reason {
		_, r := rd.Histogram(&s, cumulative(100, 100+i), Histogram{Count: 10 + uint64(i), Sum: float64(i), HasSum: true, ZeroThreshold: threshold, Expo: &baseline.Expo{Zero: zero, Positive: positive}}, window)
		return r
	}
	for i, got := range []Reason{
		send(1, 1, []uint64{5, 5}, 0),
		send(2, 7, []uint64{0, 5}, 1), // a bucket became zeros: no reset
		send(3, 8, []uint64{0, 5}, 1),
	} {
		if want := []Reason{OK, Layout, OK}[i]; got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}

func TestCurrent(t *testing.T) {
	h := Histogram{Count: 10, Sum: 15, HasSum: true, Bounds: []float64{1, 2, 4}, Counts: []uint64{5, 4, 1, 0}}
	for current, want := range map[Current]float64{Mean: 1.5, P50: 1, P95: 3, Max: 4} {
		rd := Reader{Current: current}
		m, r := rd.Histogram(&Stream{}, Point{Time: 1}, h, window)
		if r != OK || math.Abs(m.Current-want) > 1e-9 {
			t.Errorf("%d: %v %q, want %v", current, m.Current, r, want)
		}
		e := Histogram{Count: 10, Sum: 15, HasSum: true, Expo: &baseline.Expo{PositiveOffset: -1, Positive: []uint64{5, 4, 1}}}
		m, r = rd.Histogram(&Stream{}, Point{Time: 1}, e, window)
		if r != OK || m.Current < want/2 || m.Current > want*2 {
			t.Errorf("exponential %d: %v %q, want about %v", current, m.Current, r, want)
		}
	}
	rd := Reader{Current: P95}
	if _, r := rd.Histogram(&Stream{}, Point{Time: 1}, Histogram{Count: 1, Sum: 1, HasSum: true}, window); r != NoValue {
		t.Error("a percentile without buckets", r)
	}
}

func TestEveryReasonHasAName(t *testing.T) {
	seen := map[string]bool{}
	for r := OK + 1; r < Reasons; r++ {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("%d is %q", r, r)
		}
		seen[r.String()] = true
	}
}
