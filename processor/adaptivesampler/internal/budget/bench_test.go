package budget

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// BenchmarkSelect decides windows of ten times the budget.
func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := NewSelector(Limits{SpansPerSecond: float64(n), ErrorShare: 0.2, MinPerNamePerMinute: 1, Precision: 4, MaxNames: 1000}, time.Second)
			rng := rand.New(rand.NewPCG(1, 2))
			candidates, verdicts := make([]Candidate, n), make([]Verdict, n)
			for i := range candidates {
				candidates[i] = Candidate{Name: "operation." + strconv.Itoa(i%50), Probability: 1, Randomness: rng.Uint64N(all), Spans: 1 + rng.IntN(19), Error: i%20 == 0}
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Select(start, 1, 0, candidates, verdicts)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/candidate")
		})
	}
}
