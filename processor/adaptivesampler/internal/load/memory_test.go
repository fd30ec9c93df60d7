package load

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMemory(t *testing.T) {
	for _, tt := range []struct{ ratio, atLeast, below float64 }{
		{0, 0, 0.01},
		{0.10, 0.05, 0.1},
		{0.20, 0.3, 0.4},
		{0.23, 0.5, 0.51}, // where the first step is left
		{0.25, 0.59, 0.6},
		{0.26, 0.6, 0.65},
		{0.30, 0.8, 0.81}, // with its garbage 60 %: memory_limiter refuses
		{0.50, 0.99, 1},
		{5, 0.99, math.Nextafter(1, 2)},
	} {
		got := Memory(tt.ratio)
		assert.GreaterOrEqual(t, got, tt.atLeast, "ratio %v", tt.ratio)
		assert.Less(t, got, tt.below, "ratio %v", tt.ratio)
	}
	last := -1.0
	for i := range 200 {
		got := Memory(float64(i) / 100)
		assert.GreaterOrEqual(t, got, last, "more memory is never less load")
		last = got
	}
}
