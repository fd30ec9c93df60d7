package load

import "math"

const (
	// memoryCentre is the part of the limit that live data may fill before it
	// is half a load, memorySlope how steeply the load rises there. Together
	// they put 0.6 at a live heap of 25 % of the limit and 0.8 at 30 %.
	//
	// A Go heap is collected when it has grown to twice what was live (GOGC
	// 100), so 25 % live are 50 % in use at the peak, and 30 % are 60 %: that is
	// where a memory_limiter with limit 80 %, spike 20 % begins to refuse, for it
	// counts garbage too. The first step comes before it, and the second at
	// the latest with it. Since what is live is known only after a collection,
	// it may have doubled unseen: from below 25 % that is still below 50 %, and
	// with 50 % live the load reads 0.995.
	//
	// A sigmoid and not a line, because memory is harmless for long and then
	// suddenly is not: at 10 % it reads 0.07, at 15 % 0.17.
	memoryCentre = 0.23
	memorySlope  = 20
)

// Memory is the load that a live heap of this part of its limit means.
func Memory(ratio float64) float64 {
	return 1 / (1 + math.Exp(-memorySlope*(ratio-memoryCentre)))
}
