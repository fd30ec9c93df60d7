package adaptive

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

var testParams = &Params{Up: true, Down: true, M: 2, N: 3, Deviations: 5, Ratio: 1.2, DriftRatio: 1.1, MinValues: 20, BlockStages: 2}

// fill sets every number to one that it may have, none of them zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			// unexported fields can only be set by their address
			fill(reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Elem(), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*n))
	case reflect.Int, reflect.Int8:
		v.SetInt(int64(*n%Stages) + 1)
	case reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
	default:
		panic(v.Kind())
	}
}

// A field that is not written would be lost at a restart: here every one is set.
func TestEveryFieldIsWritten(t *testing.T) {
	a, back := New(testParams), New(testParams)
	fill(reflect.ValueOf(a).Elem(), new(int))
	a.memory.used, a.memory.stage, a.memory.staged = Blocks, 1, Stages
	a.now = carried{} // it follows from mark
	r := record.NewReader(a.Append(nil))
	back.Read(r)
	if err := r.Err(); err != nil || !reflect.DeepEqual(a, back) {
		t.Fatalf("%v\n%+v\n%+v", err, back, a)
	}
}

// Arms that are written and read back go on as those that were not.
func TestReadIsWhatWasAppended(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 6))
		kept, restored := New(testParams), New(testParams)
		level := 1.0
		var currents []float64
		for range 200 {
			if rng.IntN(20) == 0 {
				level = []float64{1, 1, 1.3, 3, 0.3}[rng.IntN(5)]
			}
			in, told, settles, forgets := rng.IntN(3) == 0, rng.IntN(2) == 0, rng.IntN(4) > 0, rng.IntN(100) == 0
			var pane []float64
			for range 1 + rng.IntN(8) {
				pane = append(pane, level*math.Exp(0.1*rng.NormFloat64()))
			}
			for i := range pane {
				r1, c1 := kept.Judge(pane[i], in)
				r2, c2 := restored.Judge(pane[i], in)
				if r1 != r2 || c1 != c2 {
					t.Fatalf("seed %d: %v %v, want %v %v", seed, r2, c2, r1, c1)
				}
			}
			currents = append(currents, pane...)
			for _, a := range []*Arms{kept, restored} {
				if settles {
					a.Settle()
				} else {
					a.Reset(told)
				}
				if forgets {
					a.Forget()
				}
				a.Learn(append([]float64(nil), currents[max(0, len(currents)-60):]...))
				a.Mark()
			}
			if rng.IntN(5) == 0 {
				r := record.NewReader(restored.Append(nil))
				restored = New(testParams)
				restored.Read(r)
				if err := r.Err(); err != nil {
					t.Fatal(err)
				}
				restored.Rewind()
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	a := New(testParams)
	f.Add(a.Append(nil))
	for i := range 50 {
		a.Judge(float64(i%5), false)
		a.Settle()
		a.Learn([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
		a.Mark()
	}
	f.Add(a.Append(nil))
	f.Fuzz(func(_ *testing.T, b []byte) {
		a := New(testParams)
		r := record.NewReader(b)
		if a.Read(r); r.Failed() {
			return
		}
		a.Rewind()
		for i := range 20 {
			a.Judge(float64(i), i%2 == 0)
			a.Settle()
			a.Learn([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
			a.Reset(i%3 == 0)
		}
	})
}
