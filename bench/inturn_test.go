package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// way is one way to do what is compared.
type way struct {
	name string
	run  func()
}

// inTurn runs all ways in each iteration and reports the median time of each, by
// item: ratios of them hold on a machine that others use, too. It returns the
// medians.
func inTurn(b *testing.B, items int, ways ...way) map[string]float64 {
	began := time.Now()
	return turns(b, items, func() time.Duration { return time.Since(began) }, func() {}, ways...)
}

// inTurnOnCPU is inTurn by the processor time of each way, after something that
// comes before the ways in each iteration and is not measured.
func inTurnOnCPU(b *testing.B, items int, before func(), ways ...way) map[string]float64 {
	return turns(b, items, cpuTime, before, ways...)
}

func turns(b *testing.B, items int, clock func() time.Duration, before func(), ways ...way) map[string]float64 {
	spent := map[string][]time.Duration{}
	rng := rand.New(rand.NewPCG(1, 2))
	order := slices.Clone(ways)
	for b.Loop() {
		before()
		// In any order, since the garbage collector keeps to a beat of its own.
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, w := range order {
			begin := clock()
			w.run()
			spent[w.name] = append(spent[w.name], clock()-begin)
		}
	}
	medians := map[string]float64{}
	for name, times := range spent {
		slices.Sort(times)
		medians[name] = float64(times[len(times)/2].Nanoseconds()) / float64(items)
		b.ReportMetric(medians[name], name+"-ns/item")
	}
	b.ReportMetric(0, "ns/op") // that of all ways together says nothing
	return medians
}
