package intake

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// The buckets of the largest and the smallest number are legal, and those beyond
// are not, whatever the scale. OTLP's index is one less than Prometheus'.
func TestBucketsBelongToNumbers(t *testing.T) {
	legal := func(scale int32, offset int64) bool {
		dp := pmetric.NewExponentialHistogramDataPoint()
		dp.SetScale(scale)
		dp.Positive().SetOffset(int32(offset))
		dp.Positive().BucketCounts().FromRaw([]uint64{0, 1})
		_, ok := native(dp)
		return ok
	}
	index := func(scale int32, v float64) int64 {
		fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, fraction in [0.5, 1)
		return int64(math.Ceil(math.Ldexp(math.Log2(fraction)+float64(exponent), int(scale)))) - 1
	}
	for _, scale := range []int32{-4, -1, 0, 3, 8, 12, 20} {
		highest := index(scale, math.MaxFloat64)
		lowest := index(scale, math.SmallestNonzeroFloat64)
		step := max(int64(1), 1<<max(scale-maxSchema, 0)) // of the schema that it becomes
		assert.True(t, legal(scale, highest-1), "scale %d", scale)
		assert.True(t, legal(scale, lowest-1), "scale %d", scale)
		assert.False(t, legal(scale, highest-1+2*step), "scale %d", scale)
		assert.False(t, legal(scale, lowest-1-2*step), "scale %d", scale)
	}
	assert.False(t, legal(0, math.MaxInt32))
	assert.False(t, legal(0, math.MinInt32))
}
