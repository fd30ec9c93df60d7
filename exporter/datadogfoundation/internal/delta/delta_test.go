package delta

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var (
	start = time.Unix(1_000_000, 0)
	ours  = uint64(1)
)

func at(s int) Point {
	return Point{Start: 10, Time: uint64(100 + s)}
}

func n(v int64) Number { return Number{Int: v, IsInt: true} }

func TestABatchIsCommittedOrForgotten(t *testing.T) {
	tr := New(10, time.Hour)
	next := func(p Point, v int64) (int64, Verdict) {
		d, _, verdict := Next(tr, Key{1}, start, ours, p, n(v))
		return d.Int, verdict
	}
	tr.Begin(start)
	d, v := next(at(0), 5)
	assert.Equal(t, int64(5), d)
	assert.Equal(t, Emit, v)
	tr.Discard()
	assert.Zero(t, tr.Len())

	tr.Begin(start)
	d, _ = next(at(0), 5)
	assert.Equal(t, int64(5), d, "a discarded first point counts again")
	d, _ = next(at(1), 7)
	assert.Equal(t, int64(2), d, "two points of a stream in one batch")
	tr.Commit()

	tr.Begin(start)
	_, _ = next(at(2), 9)
	tr.Begin(start) // an unfinished batch is discarded
	d, _ = next(at(3), 10)
	assert.Equal(t, int64(3), d)
	tr.Commit()
	_, v = next(at(3), 10)
	assert.Equal(t, Late, v)
}

func TestNumbers(t *testing.T) {
	big := int64(1) << 60
	d, how := n(big + 1).since(n(big))
	assert.Equal(t, n(1), d, "no digit is lost beyond 2^53")
	assert.Equal(t, grew, how)
	d, _ = Number{Float: 2.5}.since(n(2)) // a producer that changed its mind
	assert.Equal(t, Number{Float: 0.5}, d)
	_, how = n(1).since(Number{Float: 1.5})
	assert.Equal(t, shrank, how)
}

func TestExponentialSince(t *testing.T) {
	for _, c := range []struct {
		name         string
		earlier, now Exponential
		want         comparison
		zero         uint64
		positive     []uint64
	}{
		{
			name:    "same scale, other offset",
			earlier: Exponential{Count: 3, Positive: Side{2, []uint64{1, 2}}},
			now:     Exponential{Count: 6, Positive: Side{1, []uint64{1, 2, 3}}},
			zero:    0, positive: []uint64{1, 1, 1},
		},
		{
			name:     "lower scale, negative offset",
			earlier:  Exponential{Scale: 2, Count: 4, Positive: Side{-3, []uint64{1, 1, 1, 1}}}, // −3…0 → −1 −1 −1 0
			now:      Exponential{Scale: 0, Count: 5, Positive: Side{-1, []uint64{3, 2}}},
			positive: []uint64{0, 1},
		},
		{
			name:    "the zero bucket took buckets in",
			earlier: Exponential{Count: 4, Zero: 1, Positive: Side{-2, []uint64{1, 1, 1}}}, // (¼,½] (½,1] (1,2]
			now:     Exponential{Count: 6, Zero: 4, ZeroThreshold: 1, Positive: Side{0, []uint64{2}}},
			zero:    1, positive: []uint64{1},
		},
		{
			name:    "a bucket went down",
			earlier: Exponential{Count: 3, Positive: Side{0, []uint64{3}}},
			now:     Exponential{Count: 4, Positive: Side{0, []uint64{2, 2}}},
			want:    shrank,
		},
		{
			name:    "a bucket went away",
			earlier: Exponential{Count: 1, Positive: Side{9, []uint64{1}}},
			now:     Exponential{Count: 4, Positive: Side{0, []uint64{2, 2}}},
			want:    shrank,
		},
		{
			name:    "a higher scale cannot be compared",
			earlier: Exponential{Scale: 0, Count: 1},
			now:     Exponential{Scale: 1, Count: 2},
			want:    incomparable,
		},
		{
			name:     "extreme scales",
			earlier:  Exponential{Scale: math.MaxInt32, Count: 1, Positive: Side{math.MaxInt32, []uint64{1}}},
			now:      Exponential{Scale: math.MinInt32, Count: 2, Positive: Side{0, []uint64{2}}},
			positive: []uint64{1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, how := c.now.since(&c.earlier)
			assert.Equal(t, c.want, how)
			if how != grew {
				return
			}
			assert.Equal(t, c.now.Count-c.earlier.Count, d.Count)
			assert.Equal(t, c.zero, d.Zero)
			assert.Equal(t, c.positive, d.Positive.Buckets)
		})
	}
}
