package episode

import (
	"math/rand/v2"
	"testing"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// A machine that is written and read back after each step goes on as the one
// that was not.
func TestReadIsWhatWasAppended(t *testing.T) {
	seen := map[State]int{}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		r := Rule{N: 1 + rng.IntN(8), Clear: 1 + rng.IntN(4)}
		r.M = 1 + rng.IntN(r.N)
		var kept, restored Machine
		for i := range int64(200) {
			if rng.IntN(50) == 0 {
				kept.Learn()
				restored.Learn()
			} else if kept.State() == Learning {
				kept.Reset()
				restored.Reset()
			}
			e := Evaluation{Time: i, From: i - rng.Int64N(i+1), Suspect: rng.IntN(3) == 0}
			e.Cleared = !e.Suspect && rng.IntN(3) > 0
			kept.Step(r, e)
			restored.Step(r, e)
			from := record.NewReader(restored.Append(nil))
			restored = Machine{}
			restored.Read(from)
			if err := from.Err(); err != nil || restored != kept {
				t.Fatalf("seed %d: %+v, want %+v (%v)", seed, restored, kept, err)
			}
			seen[kept.State()]++
		}
	}
	for s := range States {
		if seen[s] == 0 {
			t.Error("never", s)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{byte(Pending), 5, 2})
	f.Add([]byte{byte(Degraded), 3, 2, 2, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Machine
		r := record.NewReader(b)
		m.Read(r)
		if r.Failed() {
			return
		}
		for i := range int64(20) {
			if s := m.Step(Rule{M: 2, N: 3, Clear: 3}, Evaluation{Time: i, From: i, Suspect: i%3 == 0, Cleared: i%3 == 1}); s >= States {
				t.Error("no state", s)
			}
		}
	})
}
