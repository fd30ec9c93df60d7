package intake

import (
	"math"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

func indexOf(t *testing.T, selectors ...string) index {
	t.Helper()
	var all [][]*labels.Matcher
	for _, s := range selectors {
		ms, err := rules.NewParser().ParseMetricSelector(s)
		require.NoError(t, err)
		all = append(all, ms)
	}
	return newIndex(all)
}

func TestOnlyWhatSomeRuleSelects(t *testing.T) {
	ix := indexOf(t, `a`, `b{x="1"}`, `b{x=~"2.*",y!="z"}`, `{__name__=~"c.*"}`, `{__name__!="d",only="this"}`, `{"e.f"}`)
	for _, c := range []struct {
		name, labels string
		want         bool
	}{
		{"a", `{}`, true},
		{"b", `{x="1"}`, true},
		{"b", `{x="22"}`, true},
		{"b", `{x="22",y="z"}`, false},
		{"b", `{}`, false},
		{"cc", `{}`, true},
		{"d", `{only="this"}`, false},
		{"z", `{only="this"}`, true},
		{"z", `{}`, false},
		{"e.f", `{}`, true},
		{"e", `{}`, false},
	} {
		ls, err := rules.NewParser().ParseMetric(c.name[:1] + c.labels)
		require.NoError(t, err)
		assert.Equal(t, c.want, ix.of(c.name).match(ls), "%s%s", c.name, c.labels)
	}
	assert.Nil(t, func() selectors { ix := indexOf(t, "a"); return ix.of("z") }(), "a name that nobody asks for costs nothing more")
}

// before must say when the resource exported last before the point's export,
// and nothing when that is not known.
func TestSourcesRememberTheirLastExport(t *testing.T) {
	var none *source
	assert.Zero(t, none.before(1))
	s := &source{}
	assert.Zero(t, s.before(400))
	s.heard(10_000)
	assert.Equal(t, int64(10_000), s.before(20_000))
	assert.Zero(t, s.before(10_000), "a second batch of the first export")
	s.heard(20_000)
	assert.Equal(t, int64(10_000), s.before(20_100), "a second batch of the second export")
	s.heard(20_100)
	assert.Equal(t, int64(20_000), s.before(30_000))
	s.heard(5_000)
	assert.Equal(t, int64(20_000), s.before(30_000), "what is late changes nothing")
}

func TestNativeHistograms(t *testing.T) {
	dp := pmetric.NewExponentialHistogramDataPoint()
	dp.SetScale(0)
	dp.SetCount(7)
	dp.SetZeroCount(1)
	dp.Positive().SetOffset(-1) // (0.5, 1]
	dp.Positive().BucketCounts().FromRaw([]uint64{0, 2, 0, 0, 3})
	dp.Negative().BucketCounts().FromRaw([]uint64{1})
	h, ok := native(dp)
	require.True(t, ok)
	require.NoError(t, h.Validate())
	type bucket struct{ lower, upper, n float64 }
	var got []bucket
	for it := h.AllBucketIterator(); it.Next(); {
		if b := it.At(); b.Count > 0 {
			got = append(got, bucket{b.Lower, b.Upper, b.Count})
		}
	}
	assert.Equal(t, []bucket{{-2, -1, 1}, {-zeroThreshold, zeroThreshold, 1}, {1, 2, 2}, {8, 16, 3}}, got)

	// A finer scale than native histograms have is merged: 2^4 buckets into one.
	dp.SetScale(12)
	h, ok = native(dp)
	require.True(t, ok)
	require.NoError(t, h.Validate())
	assert.Equal(t, int32(8), h.Schema)
	assert.Equal(t, []histogram.Span{{Offset: 1, Length: 1}}, h.PositiveSpans)
	assert.Equal(t, []float64{5}, h.PositiveBuckets)

	for _, scale := range []int32{-5, math.MinInt32, math.MaxInt32} {
		dp.SetScale(scale)
		_, ok = native(dp)
		assert.False(t, ok, scale)
	}
}
