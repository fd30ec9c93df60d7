package store

import (
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A total has as many buckets as its stream has ever had, so somebody could make
// it grow with every point: it gets coarser, and what even so is too much is
// refused. The count stays exact.
func TestTotalsOfHistogramsAreBounded(t *testing.T) {
	const n = 5000
	feed := func(t *testing.T, step int32, points int) (s *Store, taken int) {
		s = open(t, Options{})
		for i := range points {
			h := &histogram.FloatHistogram{
				Schema: 8, ZeroThreshold: 1e-128, Count: n, Sum: 1,
				PositiveSpans: []histogram.Span{{Offset: int32(i) * step, Length: n}}, PositiveBuckets: make([]float64, n),
			}
			for j := range h.PositiveBuckets {
				h.PositiveBuckets[j] = 1
			}
			b := s.Batch(t.Context())
			b.Histogram(jobs, Point{Kind: Delta, Start: ms(i), Time: ms(i + 1)}, h)
			c, err := b.Commit()
			require.NoError(t, err)
			assert.Equal(t, 1, c.Written+c.Invalid)
			taken += c.Written
		}
		return s, taken
	}
	t.Run("coarser", func(t *testing.T) {
		s, taken := feed(t, n, 20)
		assert.Equal(t, 20, taken)
		assert.LessOrEqual(t, buckets(s.table.find(jobs).hist), maxBuckets)
		assert.Equal(t, 20.0*n, valueAt(t, s, "histogram_count(jobs)", 30))
	})
	t.Run("refused", func(t *testing.T) {
		// Buckets of no float, too far from one another for any schema.
		sum := &histogram.FloatHistogram{Schema: minSchema, ZeroThreshold: 1e-128, Count: maxBuckets, PositiveBuckets: make([]float64, maxBuckets)}
		sum.PositiveSpans = []histogram.Span{{Length: maxBuckets}}
		for i := range sum.PositiveBuckets {
			sum.PositiveBuckets[i] = 1
		}
		more := &histogram.FloatHistogram{
			Schema: minSchema, ZeroThreshold: 1e-128, Count: 1,
			PositiveSpans: []histogram.Span{{Offset: maxBuckets, Length: 1}}, PositiveBuckets: []float64{1},
		}
		before := sum.Copy()
		assert.Nil(t, added(sum, more))
		assert.True(t, sum.Equals(before), "the total is as it was")
		more.PositiveSpans[0].Offset--
		assert.Equal(t, 1.0+maxBuckets, added(sum, more).Count)
	})
}
