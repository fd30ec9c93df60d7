package store

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	t0   = time.Unix(1_700_000_000, 0).UTC()
	jobs = labels.FromStrings("__name__", "jobs")
)

func open(t *testing.T, opt Options) *Store {
	t.Helper()
	if opt.Reach == 0 {
		opt.Reach = time.Hour
	}
	opt.OutOfOrder, opt.Interval, opt.MaxSamples = 5*time.Minute, 10*time.Second, 1e6
	s, err := Open(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// ms is a time in seconds from t0, in milliseconds.
func ms(seconds int) int64 { return t0.Add(time.Duration(seconds) * time.Second).UnixMilli() }

type sample struct {
	p Point
	v float64
}

// write writes each sample in a batch of its own.
func write(t *testing.T, s *Store, ls labels.Labels, samples ...sample) (c Counts) {
	t.Helper()
	for _, x := range samples {
		b := s.Batch(t.Context())
		b.Float(ls, x.p, x.v)
		n, err := b.Commit()
		require.NoError(t, err)
		c.Add(n)
	}
	return c
}

func valueAt(t *testing.T, s *Store, expr string, seconds int) float64 {
	t.Helper()
	v, err := s.Query(t.Context(), expr, t0.Add(time.Duration(seconds)*time.Second))
	require.NoError(t, err)
	if len(v) != 1 {
		return math.NaN()
	}
	return v[0].F
}

func total(start, at int, v float64) sample {
	return sample{Point{Kind: Cumulative, Start: ms(start), Time: ms(at)}, v}
}

func delta(start, at int, v float64) sample {
	return sample{Point{Kind: Delta, Start: ms(start), Time: ms(at)}, v}
}

func TestFirstValueCountsInFull(t *testing.T) {
	for name, samples := range map[string][]sample{
		"cumulative":             {total(0, 20, 5), total(0, 40, 5), total(0, 60, 5)},
		"delta":                  {delta(0, 20, 5), delta(20, 40, 0), delta(40, 60, 0)},
		"delta of unknown start": {{Point{Kind: Delta, Time: ms(20)}, 5}, {Point{Kind: Delta, Time: ms(40)}, 0}, {Point{Kind: Delta, Time: ms(60)}, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{})
			write(t, s, jobs, samples...)
			assert.InDelta(t, 5, valueAt(t, s, "increase(jobs[2m])", 60), 0.01)
		})
	}
	t.Run("of a series that begins later than its process", func(t *testing.T) {
		s := open(t, Options{})
		first := total(-3000, 20, 5)
		first.p.Before = ms(0) // its source was heard then, without it
		write(t, s, jobs, first, total(-3000, 40, 5), total(-3000, 60, 5))
		assert.InDelta(t, 5, valueAt(t, s, "increase(jobs[2m])", 60), 0.01)
	})
	t.Run("not when nobody knows since when it counts", func(t *testing.T) {
		s := open(t, Options{})
		write(t, s, jobs, sample{Point{Kind: Cumulative, Time: ms(20)}, 1000}, sample{Point{Kind: Cumulative, Time: ms(40)}, 1000})
		assert.Zero(t, valueAt(t, s, "increase(jobs[2m])", 60))
		write(t, s, labels.FromStrings("__name__", "old"), total(-36000, 20, 1000), total(-36000, 40, 1000))
		assert.Zero(t, valueAt(t, s, "increase(old[2m])", 60))
	})
}

func TestNewStartIsAResetWhoseFirstValueCountsInFull(t *testing.T) {
	s := open(t, Options{})
	// An exporter that resets on every export: 5, then 7 (not 2 more), then 7.
	write(t, s, jobs, total(0, 20, 5), total(20, 40, 7), total(40, 60, 7))
	assert.InDelta(t, 19, valueAt(t, s, "increase(jobs[61s])", 60), 0.5)
	// The same start goes on counting.
	write(t, s, jobs, total(40, 80, 9))
	assert.InDelta(t, 21, valueAt(t, s, "increase(jobs[81s])", 80), 0.5)
}

func TestDeltasAddUp(t *testing.T) {
	s := open(t, Options{})
	t.Run("of two streams with the same labels, in one batch and one time", func(t *testing.T) {
		b := s.Batch(t.Context())
		b.Float(jobs, Point{Kind: Delta, Start: ms(0), Time: ms(10)}, 2)
		b.Float(jobs, Point{Kind: Delta, Start: ms(0), Time: ms(10)}, 3)
		_, err := b.Commit()
		require.NoError(t, err)
		assert.Equal(t, 5.0, valueAt(t, s, "jobs", 10))
	})
	t.Run("late ones too", func(t *testing.T) {
		write(t, s, jobs, delta(10, 20, 1), delta(0, 5, 4), delta(20, 30, 1))
		assert.Equal(t, 11.0, valueAt(t, s, "jobs", 30))
		assert.Zero(t, valueAt(t, s, "resets(jobs[1m])", 30))
	})
	t.Run("but not those later than the window", func(t *testing.T) {
		c := write(t, s, jobs, delta(900, 1000, 1), delta(30, 40, 100))
		assert.Equal(t, Counts{Written: 1, Late: 1}, c)
		assert.Equal(t, 12.0, valueAt(t, s, "jobs", 1000))
	})
}

func TestNativeHistograms(t *testing.T) {
	h := func(n float64) *histogram.FloatHistogram {
		return &histogram.FloatHistogram{
			Schema: 0, ZeroThreshold: 1e-128, Count: n, Sum: 3 * n,
			PositiveSpans: []histogram.Span{{Offset: 2, Length: 1}}, PositiveBuckets: []float64{n},
		}
	}
	for name, kind := range map[string]Kind{"delta": Delta, "cumulative": Cumulative} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{})
			for i := range 3 {
				p := Point{Kind: kind, Start: ms(0), Time: ms(20 * (i + 1))}
				n := float64(10 * (i + 1))
				if kind == Delta {
					p.Start, n = ms(20*i), 10
				}
				b := s.Batch(t.Context())
				b.Histogram(jobs, p, h(n))
				_, err := b.Commit()
				require.NoError(t, err)
			}
			assert.InDelta(t, 30, valueAt(t, s, "histogram_count(increase(jobs[2m]))", 60), 0.01)
			assert.InDelta(t, 3, valueAt(t, s, "histogram_avg(jobs)", 60), 0.01)
			q := valueAt(t, s, "histogram_quantile(0.99, rate(jobs[2m]))", 60)
			assert.True(t, q > 2 && q <= 4, q)
		})
	}
	t.Run("an illegal one is counted", func(t *testing.T) {
		s := open(t, Options{})
		b := s.Batch(t.Context())
		bad := h(1)
		bad.PositiveBuckets = []float64{1, 2}
		b.Histogram(jobs, Point{Kind: Cumulative, Time: ms(1)}, bad)
		c, err := b.Commit()
		require.NoError(t, err)
		assert.Equal(t, Counts{Invalid: 1}, c)
	})
}

func TestLateSamples(t *testing.T) {
	s := open(t, Options{})
	at := func(seconds int, v float64) sample { return sample{Point{Time: ms(seconds)}, v} }
	c := write(t, s, jobs, at(0, 1), at(1000, 2), at(800, 3), at(100, 4), at(1000, 9))
	assert.Equal(t, Counts{Written: 3, Late: 1, Duplicate: 1}, c)
	assert.Equal(t, 3.0, valueAt(t, s, "jobs", 801), "inserted where it belongs")
	assert.Equal(t, 2.0, valueAt(t, s, "jobs", 1000))
}

func TestStaleEndsASeriesAndNeverBeginsOne(t *testing.T) {
	s := open(t, Options{})
	write(t, s, jobs, sample{Point{Time: ms(0)}, 1}, sample{Point{Time: ms(10), Stale: true}, 0})
	assert.True(t, math.IsNaN(valueAt(t, s, "jobs", 11)))
	write(t, s, labels.FromStrings("__name__", "new"), sample{Point{Time: ms(10), Stale: true}, 0})
	assert.Equal(t, 1, s.Series())
}

func TestSeriesAreBoundedAndForgotten(t *testing.T) {
	s := open(t, Options{MaxSeries: 2, Reach: 10 * time.Minute})
	name := func(n string) labels.Labels { return labels.FromStrings("__name__", n) }
	for _, n := range []string{"a", "b", "c"} {
		write(t, s, name(n), sample{Point{Time: ms(0)}, 1})
	}
	assert.Equal(t, 2, s.Series())
	write(t, s, name("a"), sample{Point{Time: ms(1000)}, 1}, sample{Point{Time: ms(900)}, 2})
	require.NoError(t, s.Truncate(t.Context(), t0.Add(1000*time.Second)))
	assert.Equal(t, 1, s.Series(), "b is out of reach")
	c := write(t, s, name("c"), sample{Point{Time: ms(1001)}, 1})
	assert.Equal(t, Counts{Written: 1}, c)
	assert.Equal(t, 2.0, valueAt(t, s, "a", 901), "what came late outlives its move to a block")
	assert.Equal(t, 1.0, valueAt(t, s, "a", 1001))
	require.NoError(t, s.Truncate(t.Context(), t0.Add(2*time.Hour)))
	write(t, s, name("c"), sample{Point{Time: ms(7201)}, 1}, sample{Point{Time: ms(7190)}, 1})
	require.NoError(t, s.Truncate(t.Context(), t0.Add(3*time.Hour)))
	assert.NotEmpty(t, s.db.Blocks())
	require.NoError(t, s.Truncate(t.Context(), t0.Add(7*time.Hour)))
	assert.Empty(t, s.db.Blocks(), "blocks of late samples go too")
}

func TestQueries(t *testing.T) {
	s := open(t, Options{})
	assert.Equal(t, 3.0, valueAt(t, s, "1 + 2", 0))
	_, err := s.Query(t.Context(), `"text"`, t0)
	assert.ErrorContains(t, err, "a rule needs a vector or a scalar")
	_, err = s.Query(t.Context(), `(`, t0)
	assert.Error(t, err)
	write(t, s, jobs, sample{Point{Time: ms(0)}, 1})
	assert.Equal(t, 1.0, valueAt(t, s, "count_over_time(jobs[10m:])", 0), "subqueries have a default step")
}

func TestADirectoryThatCannotBe(t *testing.T) {
	_, err := Open(Options{Dir: "/dev/null/x"})
	assert.ErrorContains(t, err, "/dev/null/x")
}
