package drive

import (
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// scale makes buckets of 4.4 %.
const scale = 4

// Histogram counts positive values, as an instrumented application would.
type Histogram struct {
	Sum    float64
	count  uint64
	bucket []int32
}

// Reset forgets the values.
func (h *Histogram) Reset() { h.Sum, h.count, h.bucket = 0, 0, h.bucket[:0] }

// Add counts a value. What is not above zero has no bucket; it is counted in the
// lowest there is.
func (h *Histogram) Add(v float64) {
	v = max(v, 1e-9)
	h.Sum += v
	h.count++
	h.bucket = append(h.bucket, int32(math.Ceil(math.Log2(v)*(1<<scale)))-1)
}

// AppendTo adds the interval that ends at the given time as a point.
func (h *Histogram) AppendTo(to pmetric.ExponentialHistogramDataPointSlice, series string, start, end time.Time) {
	dp := to.AppendEmpty()
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(end))
	dp.SetScale(scale)
	dp.SetCount(h.count)
	dp.SetSum(h.Sum)
	dp.Attributes().PutStr(Series, series)
	if h.count == 0 {
		return
	}
	low := slices.Min(h.bucket)
	counts := make([]uint64, slices.Max(h.bucket)-low+1)
	for _, b := range h.bucket {
		counts[b-low]++
	}
	dp.Positive().SetOffset(low)
	dp.Positive().BucketCounts().FromRaw(counts)
}
