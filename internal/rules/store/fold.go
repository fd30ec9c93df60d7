package store

import "github.com/prometheus/prometheus/model/histogram"

const (
	// maxBuckets bounds the total of a delta stream. All floats together have
	// 2^20 buckets at the finest schema, and what is measured lies in a few
	// thousand; indexes that belong to no float could go on for ever.
	maxBuckets = 20_000
	// minSchema is the coarsest that Prometheus has; there all positive floats
	// lie in 128 buckets.
	minSchema = -4
)

// added is the sum of a total and an increase, coarser where it would have too
// many buckets; nil when there is none. Then the total is as it was.
func added(total, h *histogram.FloatHistogram) *histogram.FloatHistogram {
	if buckets(total)+buckets(h) > maxBuckets {
		total = total.Copy() // Add changes it, and it may come to nothing
	}
	sum, _, _, err := total.Add(h)
	if err != nil {
		return nil
	}
	sum = sum.Compact(0)
	for buckets(sum) > maxBuckets {
		if sum.UsesCustomBuckets() || sum.Schema <= minSchema || sum.ReduceResolution(sum.Schema-1) != nil {
			return nil
		}
	}
	return sum
}

func buckets(h *histogram.FloatHistogram) int { return len(h.PositiveBuckets) + len(h.NegativeBuckets) }
