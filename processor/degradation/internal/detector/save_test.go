package detector

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/episode"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/measure"
)

// kinds of detectors, all of which must survive.
var kinds = map[string]func() *Detector{
	"strict":  func() *Detector { return newTest(true) },
	"guarded": func() *Detector { return newGuarded(nil) },
	"arms": func() *Detector {
		return newGuarded(func(o *Options) { o.Guarded.NewArms = func() Arms { return &sumArms{} } })
	},
	"few, short-lived": func() *Detector {
		return newGuarded(func(o *Options) {
			o.MaxSeries, o.Guarded.MaxDegraded, o.Guarded.TTL = 3, 300, 900
			o.Guarded.NewArms = func() Arms { return &sumArms{} }
		})
	},
	"seasonal": func() *Detector {
		return newGuarded(func(o *Options) { o.Guarded.Seasonal = true })
	},
	"folded": func() *Detector {
		return newGuarded(func(o *Options) { o.Folds = true })
	},
}

// written is the whole state, in steps of a few series.
func written(d *Detector) map[int][]byte {
	out := map[int][]byte{}
	for part := range Parts {
		if s := d.Save(part); s != nil {
			b := []byte{}
			for more := true; more; {
				b, more = s.Append(b, 2)
			}
			out[part] = b
		}
	}
	return out
}

// A detector that is written and read back goes on as one that was not, at any
// point of a batch's life but in the middle.
func TestRestoredGoesOn(t *testing.T) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			rebaselined, told := 0, 0
			for seed := range uint64(60) {
				rng := rand.New(rand.NewPCG(seed, 5))
				kept, restored := make(), make()
				parts := map[int][]byte{}
				now, level := int64(0), map[uint64]float64{}
				for range 400 {
					now += rng.Int64N(30)
					if rng.IntN(100) == 0 {
						now += rng.Int64N(1500)
					}
					kept.Begin(now)
					restored.Begin(now)
					for range rng.IntN(6) {
						k := Key{1 + rng.Uint64N(5), 7}
						if level[k[0]] == 0 || rng.IntN(40) == 0 {
							level[k[0]] = []float64{1, 1, 1.4, 3}[rng.IntN(4)]
						}
						v := level[k[0]] * (1 + 0.1*rng.Float64())
						m := baseline.ScalarMeasurement(v)
						if k[0]%2 == 0 {
							m = histogramOf(v, 1+rng.IntN(8))
						}
						at := max(0, now-rng.Int64N(200)*rng.Int64N(2))
						repeat := rng.IntN(10) == 0
						stream := Key{k[0], rng.Uint64N(2)}
						var rates [2]string
						for i, d := range []*Detector{kept, restored} {
							s := d.Series(k)
							if s == nil {
								continue
							}
							if st := d.Stream(s, stream); st != nil {
								rates[i] = fmt.Sprint(st.Rate(measure.Point{Start: 1, Time: at, Cumulative: true}, v, 500))
							}
							if repeat {
								d.Repeat(s, at, Ref{})
							} else {
								d.Observe(s, at, &m, Ref{})
							}
						}
						if rates[0] != rates[1] {
							t.Fatalf("seed %d at %d: %v", seed, now, rates)
						}
					}
					a, b := tellings(kept.Finish()), tellings(restored.Finish())
					if a != b || kept.Outcomes() != restored.Outcomes() || kept.Degraded() != restored.Degraded() || kept.Evicted() != restored.Evicted() {
						t.Fatalf("seed %d at %d:\n%v\n%v", seed, now, b, a)
					}
					s1, _ := kept.States()
					s2, _ := restored.States()
					if s1 != s2 {
						t.Fatalf("seed %d at %d: states %v, want %v", seed, now, s2, s1)
					}
					told += len(a)
					rebaselined += int(kept.Rebaselines())
					if rng.IntN(15) == 0 {
						for part, b := range written(restored) {
							parts[part] = b
						}
						restored = make()
						rs := restored.Restore(now, 1<<40)
						for part, b := range parts {
							if err := rs.Read(part, b); err != nil {
								t.Fatal(part, err)
							}
						}
						if got := rs.Finish(); got.Series != kept.Len() || got.Expired+got.Refused > 0 {
							t.Fatalf("seed %d: %+v of %d", seed, got, kept.Len())
						}
					}
				}
			}
			if told == 0 || name == "few, short-lived" && rebaselined == 0 {
				t.Error("nothing happened:", told, rebaselined)
			}
		})
	}
}

func tellings(results []Result) (text string) {
	for _, r := range results {
		text += fmt.Sprintln(r.Time, r.Verdict, r.Reason, r.Rebaselined)
	}
	return text
}

// Whatever is read, what is taken can be used.
func FuzzRestore(f *testing.F) {
	for name := range kinds {
		d := kinds[name]()
		for i := range int64(60) {
			d.Begin(i * 20)
			m := baseline.ScalarMeasurement(1 + float64(i/40)*2)
			d.Observe(d.Series(Key{64}), i*20, &m, Ref{})
			h := histogramOf(1, 3)
			s := d.Series(Key{128})
			d.Stream(s, Key{64})
			d.Observe(s, i*20, &h, Ref{})
			d.Finish()
		}
		for _, b := range written(d) {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range slices.Sorted(maps.Keys(kinds)) {
			d := kinds[name]()
			rs := d.Restore(5000, 1<<40)
			_ = rs.Read(Shards, b)
			err := rs.Read(0, b)
			got := rs.Finish()
			if err != nil && got.Series > 0 {
				t.Fatal(name, "took a part of it")
			}
			for i := range int64(10) {
				d.Begin(5000 + i)
				for _, k := range []Key{{64}, {128}} {
					if s := d.Series(k); s != nil {
						m := baseline.ScalarMeasurement(float64(i))
						d.Observe(s, i*50, &m, Ref{})
						d.Repeat(s, i*50+1, Ref{})
					}
				}
				d.Finish()
			}
			if n, ok := d.States(); ok {
				sum := 0
				for s := range episode.States {
					sum += n[s]
				}
				if sum != d.Len() {
					t.Fatal(name, "states of", sum, "series of", d.Len())
				}
			}
			written(d)
		}
	})
}

// A clock that was ahead when the state was written, and is right now, does not
// keep what is gone among the degraded.
func TestRestoredFromTheFuture(t *testing.T) {
	d := newTest(false)
	const ahead = 1 << 40
	for t := range int64(8) {
		m := baseline.ScalarMeasurement(1)
		if t == 7 {
			m = baseline.ScalarMeasurement(9)
		}
		d.Begin(ahead)
		d.Observe(d.Series(Key{1}), t*10, &m, Ref{})
		d.Finish()
	}
	if d.Degraded() != 1 {
		t.Fatal("nothing is degraded, and the test tests nothing")
	}
	back := newTest(false)
	rs := back.Restore(1000, 1<<50)
	for part, b := range written(d) {
		if err := rs.Read(part, b); err != nil {
			t.Fatal(err)
		}
	}
	rs.Finish()
	for now := int64(1000); now < 1000+4*back.window; now += back.opts.Panes.Width {
		back.Begin(now)
		back.Finish()
	}
	if back.Degraded() != 0 {
		t.Error("it is degraded until the clock gets there")
	}
}
