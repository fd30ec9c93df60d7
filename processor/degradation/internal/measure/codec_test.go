package measure

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

// nextHistogram makes the next point of a cumulative histogram of a kind.
func nextHistogram(rng *rand.Rand, kind int, h *Histogram) {
	if h.HasSum = true; h.Counts == nil && h.Expo == nil {
		switch kind {
		case 0:
			h.Bounds, h.Counts = []float64{1, 2, 3}, make([]uint64, 4)
		case 1:
			h.Expo = &baseline.Expo{Scale: int32(rng.IntN(5)), Positive: make([]uint64, 4), Negative: make([]uint64, 2)}
		}
	}
	n := rng.Uint64N(9)
	h.Count += n
	h.Sum += rng.Float64()
	switch {
	case h.Counts != nil:
		h.Counts[rng.IntN(4)] += n
	case h.Expo != nil && rng.IntN(3) == 0:
		h.Expo.Zero += n
	case h.Expo != nil && rng.IntN(3) == 0:
		h.Expo.Negative[rng.IntN(2)] += n
	case h.Expo != nil:
		h.Expo.Positive[rng.IntN(4)] += n
	}
}

// A stream that is written and read back at any time measures as the one that
// was not.
func TestReadIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		kind := rng.IntN(4) // explicit, exponential, without buckets, a sum
		var kept, restored Stream
		var h Histogram
		value, now, start := 0.0, int64(1000), int64(1000)
		for range 100 {
			now += 1 + rng.Int64N(100)
			if rng.IntN(20) == 0 {
				start, h, value = now-1, Histogram{}, 0
			}
			p := Point{Start: start, Time: now - rng.Int64N(50)*rng.Int64N(2), Cumulative: rng.IntN(10) > 0}
			var a, b any
			var ra, rb Reason
			if kind == 3 {
				value += rng.Float64()
				a, ra = kept.Rate(p, value, 500)
				b, rb = restored.Rate(p, value, 500)
			} else {
				nextHistogram(rng, kind, &h)
				a, ra = new(Reader).Histogram(&kept, p, h, 500)
				b, rb = new(Reader).Histogram(&restored, p, h, 500)
			}
			if ra != rb || ra == OK && !reflect.DeepEqual(a, b) {
				t.Fatalf("seed %d: %v (%s), want %v (%s)", seed, b, rb, a, ra)
			}
			if rng.IntN(5) == 0 {
				r := record.NewReader(restored.Append(nil))
				restored.Read(r)
				if err := r.Err(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		var s Stream
		var h Histogram
		for i := range int64(5) {
			nextHistogram(rng, int(seed)%3, &h)
			_, _ = new(Reader).Histogram(&s, Point{Start: 1, Time: i + 2, Cumulative: true}, h, 500)
		}
		f.Add(s.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Stream
		r := record.NewReader(b)
		s.Read(r)
		if l := s.hist; l != nil {
			if room := 8 * (cap(l.bounds) + cap(l.counts) + cap(l.expo.Positive) + cap(l.expo.Negative)); room > 8*len(b)+128 {
				t.Errorf("%d bytes for an input of %d", room, len(b))
			}
		}
		if r.Failed() {
			return
		}
		for kind := range 3 {
			next := s
			var h Histogram
			h.Count, h.Sum = 1<<40, 1
			nextHistogram(rand.New(rand.NewPCG(1, 4)), kind, &h)
			_, _ = new(Reader).Histogram(&next, Point{Start: 1, Time: s.time + 1, Cumulative: true}, h, 500)
			next = s
			_, _ = next.Rate(Point{Start: 1, Time: s.time + 1, Cumulative: true}, 3, 500)
		}
	})
}
