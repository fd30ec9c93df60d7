package series

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
)

func table(limit int) *Table {
	return New([]Definition{
		{Name: "c", Kind: Counter},
		{Name: "g", Kind: Gauge},
		{Name: "h", Kind: Histogram, Bounds: []float64{1, 2}},
		{Name: "e", Kind: Exponential},
	}, limit)
}

func attr(v string) []item.Pair { return []item.Pair{{Key: "k", Value: v}} }

func TestTheSameAttributesAreTheSameSeries(t *testing.T) {
	x := table(10)
	r := x.Resource(attr("r"), "")
	assert.Equal(t, r, x.Resource(attr("r"), ""))
	assert.NotEqual(t, r, x.Resource(attr("s"), ""))
	assert.Same(t, x.Get(r, 0, attr("a")), x.Get(r, 0, attr("a")))
	assert.NotSame(t, x.Get(r, 0, attr("a")), x.Get(r, 0, attr("b")))
	// Keys and values that would run together are kept apart.
	assert.NotSame(t,
		x.Get(r, 0, []item.Pair{{Key: "a", Value: "bc"}}),
		x.Get(r, 0, []item.Pair{{Key: "ab", Value: "c"}}))
	assert.Equal(t, 4, x.Len())
}

func TestAFullTableOverflows(t *testing.T) {
	x := table(3)
	r := x.Resource(attr("r"), "")
	for i := range 10 {
		x.Add(0, x.Get(r, 0, attr(fmt.Sprint(i))), 1)
	}
	assert.Equal(t, 3, x.Len())
	assert.Len(t, x.Of(r, 0), 3)
	over := x.Of(overflowResource, 0)
	require.Len(t, over, 1)
	assert.True(t, over[0].Overflow)
	assert.EqualValues(t, 7, over[0].Sum)
	assert.Nil(t, x.Get(r, 1, attr("new")), "gauges have no overflow")
	assert.Len(t, x.Resources[r].metrics, 1, "what finds no room takes no memory")
	assert.Equal(t, overflowResource, x.Resource(attr("flood"), ""), "a full table takes no resource")

	x.Reset(0)
	assert.Empty(t, x.Of(r, 0))
	assert.Zero(t, x.Len(), "an overflow series is none of those that are bounded")
	assert.NotNil(t, x.Get(r, 1, attr("new")), "there is room again")
}

func TestAValueOnABoundBelongsBelowIt(t *testing.T) {
	x := table(10)
	s := x.Get(x.Resource(nil, ""), 2, nil)
	for _, v := range []float64{0, 1, 1.5, 2, 3} {
		x.Add(2, s, v)
	}
	assert.Equal(t, []uint64{2, 2, 1}, s.Buckets)
	assert.EqualValues(t, 5, s.Count)
	assert.InDelta(t, 7.5, s.Sum, 0)
	assert.InDelta(t, 0, s.Min, 0)
	assert.InDelta(t, 3, s.Max, 0)
}

func TestExponentialHistogramsCountEveryValue(t *testing.T) {
	x := table(10)
	s := x.Get(x.Resource(nil, ""), 3, nil)
	for i := range 1000 {
		x.Add(3, s, float64(i)/8)
	}
	var n uint64
	for i := range s.Expo.Positive().Len() {
		n += s.Expo.Positive().At(i)
	}
	assert.EqualValues(t, 999, n)
	assert.EqualValues(t, 1, s.Expo.ZeroCount())
	assert.LessOrEqual(t, s.Expo.Positive().Len(), uint32(expoSize))
}
