package season

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// week runs h over so many weeks of panes of five minutes, of which a value is
// level(hour of the week), and returns the factors of the last one.
func (h *Hours) weeks(from, n int, level func(slot int) float64) (factors [Slots]float64) {
	for p := int64(from) * Slots * 12; p < int64(from+n)*Slots*12; p++ {
		t := p * hour / 12
		slot := int(t / hour % Slots)
		f := h.Factor(t)
		factors[slot] = f
		h.Learn(t, 5, 5*level(slot)/f)
	}
	return factors
}

func daily(slot int) float64 {
	if h := slot % 24; h >= 8 && h < 18 {
		return 0.3
	}
	return 0.1
}

func TestFactors(t *testing.T) {
	var h Hours
	for slot, f := range h.weeks(0, 2, daily) {
		if f != 1 {
			t.Fatalf("slot %d: %v in the first two weeks", slot, f)
		}
	}
	h.weeks(2, 1, daily)
	for week := 3; week < 10; week++ {
		factors := h.weeks(week, 1, daily)
		for slot, f := range factors {
			if got, want := f/factors[0], daily(slot)/daily(0); math.Abs(got/want-1) > 1e-5 {
				t.Fatalf("week %d, slot %d: %v times the first, want %v", week, slot, got, want)
			}
		}
	}
}

// It does not begin with a step.
func TestFactorsFadeIn(t *testing.T) {
	var h Hours
	h.weeks(0, 2, daily)
	before := 1.0
	for n := range int64(48) {
		at := (2*Slots + n) * hour
		f := h.Factor(at)
		if n < fadeIn && daily(int(n))/daily(int(n+23)%24) == 1 && math.Abs(math.Log(f/before)) > math.Log(3)/fadeIn {
			t.Errorf("hour %d: %v after %v", n, f, before)
		}
		before = f
		h.Learn(at, 5, 5*daily(int(n))/f)
	}
}

// What is usual at an hour changes by a quarter a week; a change of all hours
// changes nothing.
func TestFactorsFollow(t *testing.T) {
	var h Hours
	h.weeks(0, 4, daily)
	flat := func(int) float64 { return 0.2 }
	var ratios []float64
	for week := 4; week < 24; week++ {
		f := h.weeks(week, 1, flat)
		ratios = append(ratios, f[12]/f[0])
	}
	for i := 1; i < len(ratios); i++ {
		if ratios[i] > ratios[i-1] {
			t.Fatal("not ever nearer", ratios)
		}
	}
	if ratios[2] < 2 || ratios[19] > 1.02 {
		t.Error(ratios)
	}
	h = Hours{}
	h.weeks(0, 4, daily)
	before := h.weeks(4, 1, daily)
	h.weeks(5, 2, func(slot int) float64 { return 5 * daily(slot) })
	after := h.weeks(7, 1, func(slot int) float64 { return 5 * daily(slot) })
	for slot := range after {
		if math.Abs(math.Log(after[slot]/before[slot])) > 0.25 {
			t.Errorf("slot %d: %v, was %v", slot, after[slot], before[slot])
		}
	}
}

// An incident in either of the first weeks is forgotten, a later one counts for
// a tenth; what comes back every week is the pattern.
func TestAnIncidentIsNoHabit(t *testing.T) {
	for week := range 6 {
		var h Hours
		at := 0
		incident := func(slot int) float64 {
			if at == week && slot >= 30 && slot < 33 {
				return 3 * daily(slot)
			}
			return daily(slot)
		}
		for at = range 6 {
			h.weeks(at, 1, incident)
		}
		got := h.weeks(6, 1, daily)[31] / h.weeks(7, 1, daily)[55] // the same hour of the next day
		if limit := map[bool]float64{true: 1.01, false: 1.15}[week < 2]; got > limit || got < 0.99 {
			t.Errorf("week %d: %v", week, got)
		}
	}
}

func TestWhatTeachesNothing(t *testing.T) {
	var h Hours
	h.weeks(0, 3, daily)
	before := h
	at := int64(3*Slots+7) * hour
	h.Learn(at, 5, 1e9) // nobody asked for its factor
	h.Factor(at)
	h.Learn(at, 5, -3)
	h.Factor(at + hour)
	h.Learn(at+hour, 5, 0)
	h.Factor(at + 2*hour)
	h.Learn(at+2*hour, 0, 1)
	h.Factor(at + 3*hour)
	h.Learn(at, 5, 1e9) // the hour is over
	h.Learn(at+3*hour, 5, 1)
	if h.level != func() [Slots]float32 { b := before; b.finish(); return b.level }() {
		t.Error("it has learned")
	}
}

func TestFactorIsBounded(t *testing.T) {
	var h Hours
	f := h.weeks(0, 5, func(slot int) float64 {
		if slot == 3 {
			return 1e9
		}
		return 1
	})
	if f[3] != MaxFactor || f[4] < 0.5 {
		t.Error(f[3], f[4])
	}
}

func TestReadIsWhatWasAppended(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var kept, restored Hours
	for p := range int64(4 * Slots * 4) {
		at := p * hour / 4
		a, b := kept.Factor(at), restored.Factor(at)
		if a != b {
			t.Fatalf("pane %d: %v, want %v", p, b, a)
		}
		v := daily(int(at/hour%Slots)) * (1 + rng.Float64())
		kept.Learn(at, 5, v)
		restored.Learn(at, 5, v)
		if rng.IntN(20) == 0 {
			r := record.NewReader(restored.Append(nil))
			restored = Hours{}
			restored.Read(r)
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	var h Hours
	h.weeks(0, 3, daily)
	f.Add(h.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Hours
		r := record.NewReader(b)
		if h.Read(r); r.Failed() {
			return
		}
		for p := range int64(50) {
			if f := h.Factor(p * hour / 2); !(f >= MinFactor && f <= MaxFactor) {
				t.Fatal(f)
			}
			h.Learn(p*hour/2, 1, 1)
		}
	})
}
