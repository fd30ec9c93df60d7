package datadogfoundation

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

const cumul = pmetric.AggregationTemporalityCumulative

func TestCumulativeCounters(t *testing.T) {
	old, young := testNow.Add(-time.Hour), testNow.Add(time.Second)
	at := func(s int) time.Time { return testNow.Add(time.Duration(10+s) * time.Second) }
	type point struct {
		start time.Time
		at    int
		value int64
	}
	for _, c := range []struct {
		name   string
		points []point
		want   float64
		reason string
		resets int64
	}{
		{name: "started after us counts in full", points: []point{{young, 0, 5}, {young, 10, 8}}, want: 8},
		{name: "started before us seeds", points: []point{{old, 0, 500}, {old, 10, 503}}, want: 3, reason: "first_of_stream"},
		{name: "no start time seeds", points: []point{{time.Time{}, 0, 500}, {time.Time{}, 10, 503}}, want: 3, reason: "first_of_stream"},
		{name: "start is the point's own time: unknown", points: []point{{at(0), 0, 500}, {at(0), 10, 503}}, want: 3, reason: "first_of_stream"},
		{name: "decrease is a reset", points: []point{{young, 0, 5}, {young, 10, 2}, {young, 20, 4}}, want: 9, resets: 1},
		{name: "new start is a reset even when it grew", points: []point{{young, 0, 5}, {at(5), 10, 7}}, want: 12, resets: 1},
		{name: "a new start at every export", points: []point{{young, 0, 5}, {at(0), 10, 5}, {at(10), 20, 5}}, want: 15, resets: 2},
		{name: "duplicate", points: []point{{young, 0, 5}, {young, 0, 5}, {young, 10, 6}}, want: 6, reason: "out_of_order"},
		{name: "out of order", points: []point{{young, 10, 5}, {young, 0, 3}, {young, 20, 6}}, want: 6, reason: "out_of_order"},
		{
			name: "a second writer with an older start", reason: "out_of_order", resets: 1, want: 100 + 50 + 10,
			points: []point{{young, 0, 100}, {at(5), 10, 50}, {young, 20, 110}, {at(5), 30, 60}},
		},
		{name: "no change", points: []point{{young, 0, 5}, {young, 10, 5}}, want: 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			for _, p := range c.points {
				b := newBatch()
				b.counter("c", p.start, at(p.at), p.value, "a", "1")
				r.send(b.md)
			}
			assert.InDelta(t, c.want, r.in.sums()["foundationos.c"], 0)
			if c.reason != "" {
				assert.Equal(t, int64(1), r.counted("dropped_points", c.reason))
			}
			assert.Equal(t, c.resets, r.counted("resets"))
			assert.Equal(t, int64(1), r.counted("streams"))
			// All in one batch gives the same.
			r = newRig(t)
			b := newBatch()
			for _, p := range c.points {
				b.counter("c", p.start, at(p.at), p.value, "a", "1")
			}
			r.send(b.md)
			assert.InDelta(t, c.want, r.in.sums()["foundationos.c"], 0)
		})
	}
}

func TestStreamsAreToldApart(t *testing.T) {
	r := newRig(t)
	start := testNow.Add(time.Second)
	for i := range 3 {
		at := testNow.Add(time.Duration(10*(i+1)) * time.Second)
		for _, res := range []string{"a", "b"} {
			b := newBatch("service.name", res)
			b.counter("c", start, at, int64(10*(i+1)), "k", "1", "l", "2")
			b.counter("c", start, at, int64(100*(i+1)), "k", "2", "l", "1")
			if i == 1 { // another order of the same attributes is the same stream
				m := b.ms.At(0).Sum().DataPoints().At(0).Attributes()
				m.Clear()
				m.PutStr("l", "2")
				m.PutStr("k", "1")
			}
			r.send(b.md)
		}
	}
	assert.InDelta(t, 2*(30+300), r.in.sums()["foundationos.c"], 0)
	assert.Equal(t, int64(4), r.counted("streams"))
}

func TestCumulativeHistograms(t *testing.T) {
	r := newRig(t)
	start := testNow.Add(time.Second)
	send := func(s int, start time.Time, bounds []float64, counts []uint64, sum float64) {
		b := newBatch()
		dp := b.histogram("h", start, testNow.Add(time.Duration(s)*time.Second), cumul, bounds, counts, sum)
		dp.SetMin(0.1)
		dp.SetMax(9)
		r.send(b.md)
	}
	bounds := []float64{1, 5}
	send(10, start, bounds, []uint64{1, 2, 1}, 10)
	send(20, start, bounds, []uint64{1, 2, 1}, 10) // nothing new: nothing is sent
	send(30, start, bounds, []uint64{3, 2, 2}, 20)
	send(40, start, bounds, []uint64{1, 0, 0}, 0.5)                     // went down: a reset
	send(50, start, []float64{1, 2}, []uint64{2, 0, 0}, 1)              // other bounds: seeds
	send(60, start, []float64{1, 2}, []uint64{2, 3, 0}, 5)              // 3 more
	send(70, testNow.Add(65*time.Second), bounds, []uint64{0, 1, 0}, 2) // new start: in full
	var counts []int64
	var sums, mins []float64
	for _, req := range r.in.accepted() {
		for _, s := range req.sketches {
			counts = append(counts, s.Dogsketches[0].Cnt)
			sums = append(sums, s.Dogsketches[0].Sum)
			mins = append(mins, s.Dogsketches[0].Min)
		}
	}
	assert.Equal(t, []int64{4, 3, 1, 3, 1}, counts)
	assert.Equal(t, []float64{10, 10, 0.5, 4, 2}, sums)
	// The minimum of the stream's life holds for full values only.
	assert.InDelta(t, 0.1, mins[0], 0)
	assert.InDelta(t, 0, mins[1], 0)
	assert.Equal(t, int64(1), r.counted("dropped_points", "buckets_changed"))
	assert.Equal(t, int64(2), r.counted("resets"))
}

func TestCumulativeExponentialHistogram(t *testing.T) {
	r := newRig(t)
	start := testNow.Add(time.Second)
	send := func(s int, scale, offset int32, zero uint64, buckets []uint64, sum float64) {
		b := newBatch()
		m := b.ms.AppendEmpty()
		m.SetName("x")
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(cumul)
		dp := m.ExponentialHistogram().DataPoints().AppendEmpty()
		dp.SetStartTimestamp(ts(start))
		dp.SetTimestamp(ts(testNow.Add(time.Duration(s) * time.Second)))
		dp.SetScale(scale)
		dp.SetZeroCount(zero)
		dp.Positive().SetOffset(offset)
		dp.Positive().BucketCounts().FromRaw(buckets)
		n := zero
		for _, c := range buckets {
			n += c
		}
		dp.SetCount(n)
		dp.SetSum(sum)
		r.send(b.md)
	}
	send(10, 1, 0, 1, []uint64{1, 1, 1, 1}, 8)   // (1,√2] … (2√2,4]
	send(20, 0, -1, 2, []uint64{1, 2, 3, 4}, 90) // scale halved: (½,1] (1,2] (2,4] (4,8]
	var counts []int64
	for _, req := range r.in.accepted() {
		for _, s := range req.sketches {
			counts = append(counts, s.Dogsketches[0].Cnt)
		}
	}
	assert.Equal(t, []int64{5, 7}, counts) // 12 − 5
	assert.InDelta(t, 82, r.in.accepted()[1].sketches[0].Dogsketches[0].Sum, 0)
}

func TestStateIsBounded(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Cumulative = CumulativeConfig{MaxStreams: 2, TTL: time.Minute} })
	start := testNow.Add(time.Second)
	send := func(s int, value int64, names ...string) {
		r.clock = testNow.Add(time.Duration(s) * time.Second)
		b := newBatch()
		for _, n := range names {
			b.counter(n, start, r.clock, value)
		}
		r.send(b.md)
	}
	send(10, 1, "a", "b", "c")
	assert.Equal(t, int64(1), r.counted("dropped_points", "too_many_streams"))
	assert.Equal(t, int64(2), r.counted("streams"))
	send(60, 2, "a")
	send(100, 3, "a", "c") // b is forgotten, there is room for c
	assert.Equal(t, int64(2), r.counted("streams"))
	// c has never been counted, but began before b's last point: it might have been.
	send(110, 5, "c")
	send(200, 4, "a")
	send(210, 9, "b") // came back: seeds, so that its first point is not counted twice
	sums := r.in.sums()
	assert.InDelta(t, 2, sums["foundationos.c"], 0)
	assert.InDelta(t, 1, sums["foundationos.b"], 0)
}

// One point from the future must not silence its stream for good, nor make every
// stream that begins later lose its first point.
func TestATimeFarAhead(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Cumulative.TTL = time.Minute })
	start := testNow.Add(time.Second)
	send := func(name string, start, at time.Time, value int64) {
		b := newBatch()
		b.counter(name, start, at, value)
		r.send(b.md)
	}
	ahead := testNow.Add(10 * 365 * 24 * time.Hour)
	send("c", start, testNow.Add(2*time.Second), 5)
	send("c", start, ahead, 6) // dropped: out of the window
	for s := 10; s <= 150; s += 10 {
		r.clock = testNow.Add(time.Duration(s) * time.Second)
		send("c", start, r.clock, int64(6+s/10))
	}
	assert.InDelta(t, 5+7, r.in.sums()["foundationos.c"], 0, "forgotten at 80 s, it counts again from there")
	send("new", r.clock.Add(-time.Second), r.clock, 7)
	assert.InDelta(t, 7, r.in.sums()["foundationos.new"], 0)
}

// What the resource says in one and the scope in another are two streams.
func TestResourceAndScopeAreNotMixedUp(t *testing.T) {
	r := newRig(t)
	start, at := testNow.Add(time.Second), testNow.Add(2*time.Second)
	for _, onScope := range []bool{false, true} {
		b := newBatch()
		a := b.md.ResourceMetrics().At(0).Resource().Attributes()
		if onScope {
			a = b.md.ResourceMetrics().At(0).ScopeMetrics().At(0).Scope().Attributes()
		}
		a.PutStr("library", "x")
		b.counter("c", start, at, 5)
		r.send(b.md)
	}
	assert.InDelta(t, 10, r.in.sums()["foundationos.c"], 0)
	assert.Equal(t, int64(2), r.counted("streams"))
}

func TestADeltaBeyondAllNumbers(t *testing.T) {
	r := newRig(t)
	for s, v := range []float64{-math.MaxFloat64, math.MaxFloat64} {
		b := newBatch()
		b.counter("c", testNow, testNow.Add(time.Duration(s)*time.Second), 0)
		b.ms.At(0).Sum().DataPoints().At(0).SetDoubleValue(v)
		b.delta("good", testNow.Add(time.Duration(s)*time.Second), 1)
		r.send(b.md)
	}
	assert.InDelta(t, 2, r.in.sums()["foundationos.good"], 0)
	assert.Equal(t, int64(1), r.counted("dropped_points", "not_finite"))
}

// refusing is a queue that is full.
type refusing struct {
	exporter.Metrics
	full bool
}

func (q *refusing) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if q.full {
		return errors.New("sending queue is full")
	}
	return q.Metrics.ConsumeMetrics(ctx, md)
}

func TestWhatTheQueueRefusedIsNotLost(t *testing.T) {
	r := newRig(t)
	q := &refusing{Metrics: r.Metrics}
	r.Metrics = q
	start := testNow.Add(time.Second)
	send := func(s int, value int64) error {
		b := newBatch()
		at := testNow.Add(time.Duration(s) * time.Second)
		b.counter("c", start, at, value)
		b.histogram("h", start, at, cumul, []float64{1}, []uint64{uint64(value), 0}, 1)
		return r.consume(b.md)
	}
	q.full = true
	require.Error(t, send(10, 3)) // the first point of the stream
	assert.Zero(t, r.counted("streams"))
	q.full = false
	require.NoError(t, send(10, 3)) // the client sends the very same again
	q.full = true
	require.Error(t, send(20, 10))
	require.Error(t, send(30, 11))
	q.full = false
	require.NoError(t, send(40, 12))
	assert.InDelta(t, 12, r.in.sums()["foundationos.c"], 0)
	assert.InDelta(t, 12, r.in.sums()["foundationos.h"], 0)
	assert.Zero(t, r.counted("dropped_points"))
}

func TestConcurrentSendersCountExactly(t *testing.T) {
	r := newRig(t)
	start := testNow.Add(time.Second)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				b := newBatch()
				at := testNow.Add(time.Duration(i+2) * time.Second)
				b.counter("c", start, at, int64(i+1), "g", string(rune('a'+g)))
				b.delta("d", at, 1, "g", string(rune('a'+g)))
				assert.NoError(t, r.consume(b.md))
			}
		})
	}
	wg.Wait()
	assert.InDelta(t, 160, r.in.sums()["foundationos.c"], 0)
	assert.InDelta(t, 160, r.in.sums()["foundationos.d"], 0)
}
