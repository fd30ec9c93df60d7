package intake

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
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
	assert.Nil(t, func() *selectors { ix := indexOf(t, "a"); return ix.of("z") }(), "a name that nobody asks for costs nothing more")
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

func histogramOf(start, at int64, bounds []float64, counts []uint64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("h")
	m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := m.Histogram().DataPoints().AppendEmpty()
	dp.SetStartTimestamp(pcommon.Timestamp(start))
	dp.SetTimestamp(pcommon.Timestamp(at))
	dp.ExplicitBounds().FromRaw(bounds)
	dp.BucketCounts().FromRaw(counts)
	for _, n := range counts {
		dp.SetCount(dp.Count() + n)
	}
	return md
}

// A histogram with illegal bounds leaves nothing behind: half of its buckets
// would give a wrong quantile.
func TestHistogramsAreWrittenInWholeOrNotAtAll(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, bounds := range map[string][]float64{
		"not sorted": {1, 3, 2}, "NaN": {math.NaN(), 1, 2}, "NaN later": {1, 2, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := store.Open(store.Options{Reach: time.Hour, OutOfOrder: time.Minute, MaxSamples: 100})
			require.NoError(t, err)
			defer func() { require.NoError(t, st.Close()) }()
			ms, err := rules.NewParser().ParseMetricSelector(`{__name__=~"h_.*"}`)
			require.NoError(t, err)
			in := New(st, Options{Strategy: otlptranslator.NoTranslation, Selectors: [][]*labels.Matcher{ms}, Oldest: time.Hour, MaxSources: 10})
			c, err := in.Consume(t.Context(), histogramOf(now.Add(-time.Minute).UnixNano(), now.UnixNano(), bounds, []uint64{1, 1, 1, 1}), now)
			require.NoError(t, err)
			assert.Equal(t, 1, c.Invalid)
			assert.Zero(t, c.Written)
			assert.Zero(t, st.Series())
		})
	}
}

// The last bucket ends at infinity anyway: a bound that says so must not make
// its delta count twice.
func TestABoundAtInfinityIsTheLastBucket(t *testing.T) {
	st, err := store.Open(store.Options{Reach: time.Hour, OutOfOrder: time.Minute, MaxSamples: 100})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	ms, err := rules.NewParser().ParseMetricSelector(`{"h_bucket"}`)
	require.NoError(t, err)
	in := New(st, Options{Strategy: otlptranslator.NoTranslation, Selectors: [][]*labels.Matcher{ms}, Oldest: time.Hour, MaxSources: 10})
	now := time.Unix(1_700_000_000, 0)
	_, err = in.Consume(t.Context(), histogramOf(now.Add(-time.Minute).UnixNano(), now.UnixNano(), []float64{1, 2, math.Inf(1)}, []uint64{1, 1, 2, 0}), now)
	require.NoError(t, err)
	v, err := st.Query(t.Context(), `h_bucket`, now)
	require.NoError(t, err)
	got := map[string]float64{}
	for _, s := range v {
		got[s.Metric.Get("le")] = s.F
	}
	assert.Equal(t, map[string]float64{"1": 1, "2": 2, "+Inf": 4}, got)
}

// Senders that say nothing of themselves are not one source: that one was heard
// says nothing of since when another counts.
func TestNobodyIsNoSource(t *testing.T) {
	st, err := store.Open(store.Options{Reach: time.Hour, OutOfOrder: time.Minute, MaxSamples: 100})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Close()) }()
	ms, err := rules.NewParser().ParseMetricSelector(`{"c"}`)
	require.NoError(t, err)
	in := New(st, Options{Strategy: otlptranslator.NoTranslation, Selectors: [][]*labels.Matcher{ms}, Oldest: time.Hour, MaxSources: 10})
	begin := time.Unix(1_700_000_000, 0)
	for i, kind := range []string{"a", "b", "b"} {
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		md := pmetric.NewMetrics()
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("c")
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		dp := m.Sum().DataPoints().AppendEmpty()
		dp.SetStartTimestamp(pcommon.NewTimestampFromTime(begin.Add(-10 * time.Hour)))
		dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
		dp.SetDoubleValue(1000)
		dp.Attributes().PutStr("kind", kind)
		_, err := in.Consume(t.Context(), md, at)
		require.NoError(t, err)
	}
	v, err := st.Query(t.Context(), `increase({"c", kind="b"}[1m])`, begin.Add(20*time.Second))
	require.NoError(t, err)
	require.Len(t, v, 1)
	assert.Zero(t, v[0].F, "what it counted before it was first heard")
}
