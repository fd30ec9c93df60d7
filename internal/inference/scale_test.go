package inference

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestToSeconds(t *testing.T) {
	for _, c := range []struct {
		unit        Unit
		value, want float64
	}{
		{1e9, 1_500_000_000, 1.5},
		{1e9, -250, -2.5e-7},
		{1e9, 0, 0},
		{1e3, 12, 0.012},
		{1, 12, 12},
		{1e9, math.Inf(1), math.Inf(1)},
		{1e9, math.Inf(-1), math.Inf(-1)},
	} {
		assert.Equal(t, c.want, c.unit.ToSeconds(c.value), "%v of %v", c.value, c.unit)
	}
	const stale uint64 = 0x7ff0000000000002 // Prometheus' mark; any arithmetic changes it
	assert.Equal(t, stale, math.Float64bits(Unit(1e9).ToSeconds(math.Float64frombits(stale))))
}

func TestBucketShift(t *testing.T) {
	for _, c := range []struct {
		scale, want int32
		ok          bool
	}{
		{0, 30, true}, // log2(1e9) = 29.897
		{1, 60, true}, // 59.79
		{3, 239, true},
		{20, 31_349_647, true},
		{26, 2_006_377_387, true},
		{-1, 15, true}, // 14.95
		{-4, 2, true},  // 1.87
		{-6, 0, true},
		{math.MinInt32, 0, true},
		{27, 0, false},
		{math.MaxInt32, 0, false},
	} {
		got, ok := Unit(1e9).BucketShift(c.scale)
		assert.Equal(t, c.ok, ok, "scale %d", c.scale)
		assert.Equal(t, c.want, got, "scale %d", c.scale)
		if !ok {
			continue
		}
		// Where a bucket's lower bound should be and where it is, in buckets.
		off := math.Ldexp(math.Log2(1e9), int(c.scale)) - float64(got)
		assert.LessOrEqual(t, math.Abs(off), 0.5, "scale %d", c.scale)
	}
}
