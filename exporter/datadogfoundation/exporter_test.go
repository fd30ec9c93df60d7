package datadogfoundation

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/DataDog/agent-payload/v5/gogen"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func TestTypesOnTheWire(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Tags = []string{"team:core"} })
	b := newBatch("host.name", "node-1", "service.name", "Auction House", "service.version", "1.2.3", "deployment.environment.name", "production")
	b.delta("dspex.program.executions", testNow, 7, "program_type", "Elixir.Solver", "foundation_os.layer", "dspex")
	b.ms.At(0).SetUnit("{request}")
	b.gauge("dspex.optimization.performance_score", testNow, 0.75)
	b.sum("queue.depth", testNow.Add(-time.Minute), testNow, 12, pmetric.AggregationTemporalityCumulative, false)
	b.sum("queue.change", testNow.Add(-time.Minute), testNow, -3, pmetric.AggregationTemporalityDelta, false)
	b.gauge("foundationos.already", testNow, 1)
	r.send(b.md)

	common := []string{"deployment.environment.name:production", "env:production", "service:auction_house", "team:core", "version:1.2.3"}
	s := r.in.one("foundationos.dspex.program.executions")
	assert.Equal(t, gogen.MetricPayload_COUNT, s.Type)
	assert.Equal(t, int64(10), s.Interval)
	assert.Equal(t, "request", s.Unit)
	assert.Equal(t, []*gogen.MetricPayload_Resource{{Type: "host", Name: "node-1"}}, s.Resources)
	assert.Equal(t, []*gogen.MetricPayload_MetricPoint{{Value: 7, Timestamp: testNow.Unix()}}, s.Points)
	assert.Equal(t, []string{
		"deployment.environment.name:production", "env:production", "layer:dspex", "program_type:elixir.solver",
		"service:auction_house", "team:core", "version:1.2.3",
	}, s.Tags)

	s = r.in.one("foundationos.dspex.optimization.performance_score")
	assert.Equal(t, gogen.MetricPayload_GAUGE, s.Type)
	assert.Equal(t, common, s.Tags)
	assert.Equal(t, gogen.MetricPayload_GAUGE, r.in.one("foundationos.queue.depth").Type)
	assert.Equal(t, gogen.MetricPayload_COUNT, r.in.one("foundationos.queue.change").Type)
	assert.InDelta(t, -3, r.in.one("foundationos.queue.change").Points[0].Value, 0)
	r.in.one("foundationos.already") // not foundationos.foundationos.

	req := r.in.accepted()[0]
	assert.Equal(t, "/api/v2/series", req.path)
	assert.Equal(t, testKey, req.key)
	assert.Equal(t, "zstd", req.encoding)
	assert.Equal(t, "application/x-protobuf", req.contentType)
}

// The document's own call: metric, points [[ts, value]], tags, type, and nothing else.
func TestV1IsTheDocumentsBody(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SeriesAPI = SeriesV1; c.ClientConfig.Compression = "none" })
	b := newBatch()
	b.sum("foundation_jido.auction.started", time.Time{}, testNow, 3, pmetric.AggregationTemporalityDelta, true, "resource_type", "gpu")
	b.gauge("dspex.coordination.efficiency", testNow, 0.5, "quote", `a"b`)
	r.send(b.md)
	req := r.in.accepted()[0]
	assert.Equal(t, "/api/v1/series", req.path)
	assert.Equal(t, "application/json", req.contentType)
	assert.Empty(t, req.encoding)
	assert.Equal(t, `{"series":[`+
		`{"metric":"foundationos.foundation_jido.auction.started","points":[[1795435200,3]],"tags":["resource_type:gpu"],"type":"count"},`+
		`{"metric":"foundationos.dspex.coordination.efficiency","points":[[1795435200,0.5]],"tags":["quote:a_b"],"type":"gauge"}]}`, string(req.body))
}

func TestEveryCompressionIsRead(t *testing.T) {
	for _, name := range []string{"zstd", "gzip", "deflate", "none"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { require.NoError(t, c.ClientConfig.Compression.UnmarshalText([]byte(name))) })
			b := newBatch()
			b.gauge("a", testNow, 1)
			r.send(b.md)
			assert.Equal(t, []string{"foundationos.a"}, r.in.names())
		})
	}
}

func TestHistogramModes(t *testing.T) {
	for _, c := range []struct {
		mode         HistogramMode
		aggregations bool
		want         []string
	}{
		{Distributions, false, []string{"h"}},
		{Distributions, true, []string{"h", "h.count", "h.max", "h.min", "h.sum"}},
		{Counters, false, []string{"h.bucket"}},
		{Counters, true, []string{"h.bucket", "h.count", "h.max", "h.min", "h.sum"}},
		{NoBuckets, false, []string{"h.count", "h.max", "h.min", "h.sum"}},
	} {
		t.Run(c.mode.String(), func(t *testing.T) {
			r := newRig(t, func(cfg *Config) {
				cfg.Histograms = HistogramsConfig{Mode: c.mode, SendAggregations: c.aggregations}
				cfg.Prefix = ""
			})
			b := newBatch()
			dp := b.histogram("h", testNow.Add(-time.Minute), testNow, pmetric.AggregationTemporalityDelta, []float64{1, 2}, []uint64{3, 0, 4}, 20)
			dp.SetMin(0.5)
			dp.SetMax(4)
			r.send(b.md)
			assert.Equal(t, c.want, r.in.names())
			sums := r.in.sums()
			switch c.mode {
			case Distributions:
				assert.InDelta(t, 7, sums["h"], 0)
				d := r.in.sketch("h").Dogsketches[0]
				assert.Equal(t, []float64{20, 0.5, 4, 20.0 / 7}, []float64{d.Sum, d.Min, d.Max, d.Avg})
			case Counters:
				assert.InDelta(t, 7, sums["h.bucket"], 0)
				var tags []string
				for _, req := range r.in.accepted() {
					for _, s := range req.series {
						if s.Metric == "h.bucket" {
							tags = append(tags, strings.Join(s.Tags, " "))
						}
					}
				}
				assert.ElementsMatch(t, []string{"lower_bound:-inf upper_bound:1", "lower_bound:2 upper_bound:inf"}, tags)
			}
			if c.aggregations || c.mode == NoBuckets {
				assert.Equal(t, []float64{7, 20, 0.5, 4}, []float64{sums["h.count"], sums["h.sum"], sums["h.min"], sums["h.max"]})
				assert.Equal(t, "second", r.in.one("h.sum").Unit)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	r := newRig(t)
	started := testNow.Add(time.Second)
	send := func(at time.Time, count uint64, sum, p99 float64) {
		b := newBatch()
		m := b.ms.AppendEmpty()
		m.SetName("s")
		dp := m.SetEmptySummary().DataPoints().AppendEmpty()
		dp.SetStartTimestamp(ts(started))
		dp.SetTimestamp(ts(at))
		dp.SetCount(count)
		dp.SetSum(sum)
		q := dp.QuantileValues().AppendEmpty()
		q.SetQuantile(0.99)
		q.SetValue(p99)
		nan := dp.QuantileValues().AppendEmpty()
		nan.SetQuantile(0.5)
		nan.SetValue(math.NaN())
		r.send(b.md)
	}
	send(testNow.Add(10*time.Second), 4, 8, 3)
	send(testNow.Add(20*time.Second), 10, 21, 5)
	sums := r.in.sums()
	assert.InDelta(t, 10, sums["foundationos.s.count"], 0)
	assert.InDelta(t, 21, sums["foundationos.s.sum"], 0)
	assert.InDelta(t, 3+5, sums["foundationos.s.quantile"], 0)
	assert.Equal(t, []string{"quantile:0.99"}, r.in.accepted()[0].series[0].Tags)
}

func TestSameSecondIsMerged(t *testing.T) {
	r := newRig(t)
	b := newBatch()
	at := testNow.Add(200 * time.Millisecond)
	b.delta("c", testNow, 2)
	b.delta("c", at, 3)
	b.delta("c", testNow.Add(time.Second), 5)
	b.gauge("g", at, 2) // later in time, earlier in the batch
	b.gauge("g", testNow, 1)
	b.histogram("h", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{2, 0}, 1)
	b.histogram("h", testNow, at, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{3, 1}, 4)
	r.send(b.md)
	c := r.in.one("foundationos.c")
	assert.Equal(t, []*gogen.MetricPayload_MetricPoint{{Value: 5, Timestamp: testNow.Unix()}, {Value: 5, Timestamp: testNow.Unix() + 1}}, c.Points)
	assert.InDelta(t, 2, r.in.one("foundationos.g").Points[0].Value, 0)
	d := r.in.sketch("foundationos.h").Dogsketches
	require.Len(t, d, 1)
	assert.Equal(t, int64(6), d[0].Cnt)
	assert.InDelta(t, 5, d[0].Sum, 0)
	assert.Equal(t, int64(3), r.counted("merged_points"))
}

func TestOutOfWindow(t *testing.T) {
	for _, c := range []struct {
		what OutOfWindow
		want []time.Time
	}{
		{Drop, []time.Time{testNow}},
		{Clamp, []time.Time{testNow.Add(-time.Hour), testNow, testNow.Add(10 * time.Minute)}},
		{Send, []time.Time{testNow.Add(-2 * time.Hour), testNow, testNow.Add(11 * time.Minute)}},
	} {
		t.Run(c.what.String(), func(t *testing.T) {
			r := newRig(t, func(cfg *Config) { cfg.OutOfWindow = c.what })
			b := newBatch()
			b.delta("c", testNow.Add(-2*time.Hour), 1)
			b.delta("c", testNow, 1)
			b.delta("c", testNow.Add(11*time.Minute), 1)
			r.send(b.md)
			var got []time.Time
			for _, p := range r.in.one("foundationos.c").Points {
				got = append(got, time.Unix(p.Timestamp, 0).UTC())
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, int64(2), r.counted("out_of_window_points", c.what.String()))
		})
	}
}

func TestNames(t *testing.T) {
	r := newRig(t)
	b := newBatch()
	b.gauge("latency (ms)", testNow, 1, "Path", "/a b", "empty", "", "9lives", "x")
	b.gauge(strings.Repeat("n", 300), testNow, 1)
	b.gauge("", testNow, 1)
	b.gauge("\xff\xfe", testNow, 1)
	b.gauge("ok", testNow, 1)
	r.send(b.md)
	assert.Equal(t, []string{"empty:n/a", "lives:x", "path:/a_b"}, r.in.one("foundationos.latency__ms_").Tags)
	assert.Equal(t, []string{"foundationos.latency__ms_", "foundationos." + strings.Repeat("n", 187), "foundationos.ok"}, r.in.names())
	assert.Equal(t, int64(2), r.counted("normalized_names", "metric"))
	assert.Equal(t, int64(2), r.counted("normalized_names", "tag"))
	assert.Equal(t, int64(2), r.counted("dropped_points", "invalid_name"))
}

// A malformed point takes no neighbour with it.
func TestHostileInputLosesNoNeighbour(t *testing.T) {
	r := newRig(t)
	b := newBatch("service.name", "\xff\xff", "", "", "host.name", "h\xffst")
	good := 0
	neighbour := func() { b.delta("good", testNow.Add(time.Duration(good)*time.Second), 1); good++ }
	neighbour()
	b.gauge("nan", testNow, math.NaN())
	b.gauge("inf", testNow, math.Inf(1))
	b.ms.AppendEmpty().SetName("no.data")
	b.ms.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty() // neither name nor value
	neighbour()
	b.ms.AppendEmpty().SetEmptySum().DataPoints().AppendEmpty()
	b.sum("unspecified", testNow, testNow, 1, pmetric.AggregationTemporalityUnspecified, true)
	b.histogram("h.lengths", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1, 2, 3}, []uint64{1}, 1)
	b.histogram("h.order", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{2, 1}, []uint64{1, 1, 1}, 1)
	b.histogram("h.nanbound", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{math.NaN()}, []uint64{1, 1}, 1)
	b.histogram("h.overflow", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{math.MaxUint64, 2}, 1)
	b.histogram("h.count", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{1, 1}, 1).SetCount(99)
	neighbour()
	b.histogram("h.nansum", testNow, testNow, pmetric.AggregationTemporalityDelta, []float64{1}, []uint64{1, 1}, math.NaN()) // still usable
	x := b.ms.AppendEmpty()
	x.SetName("exp.extreme")
	x.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	dp := x.ExponentialHistogram().DataPoints().AppendEmpty()
	dp.SetTimestamp(ts(testNow))
	dp.SetScale(math.MinInt32)
	dp.SetCount(3)
	dp.SetZeroCount(1)
	dp.SetZeroThreshold(math.NaN())
	dp.Positive().SetOffset(math.MaxInt32)
	dp.Positive().BucketCounts().FromRaw([]uint64{1})
	dp.Negative().SetOffset(math.MinInt32)
	dp.Negative().BucketCounts().FromRaw([]uint64{1})
	b.gauge("ts.zero", time.Unix(0, 0), 1)
	b.gauge("ts.max", testNow, 1)
	b.ms.At(b.ms.Len() - 1).Gauge().DataPoints().At(0).SetTimestamp(math.MaxUint64)
	b.gauge("tags", testNow, 1, "", "x", "\xff", "\xff", "k\x00", strings.Repeat("v", 1<<20))
	neighbour()
	r.send(b.md)

	sums := r.in.sums()
	assert.InDelta(t, float64(good), sums["foundationos.good"], 0)
	assert.InDelta(t, 2, sums["foundationos.h.nansum"], 0)
	assert.InDelta(t, 3, sums["foundationos.exp.extreme"], 0)
	assert.InDelta(t, 1, sums["foundationos.tags"], 0)
	assert.Len(t, sums, 4)
	assert.Equal(t, int64(2), r.counted("dropped_points", "not_finite"))
	assert.Equal(t, int64(5), r.counted("dropped_points", "malformed"))
	assert.Equal(t, int64(2), r.counted("dropped_points", "invalid_name"))
	assert.Equal(t, int64(1), r.counted("dropped_points", "no_temporality"))
	assert.Equal(t, int64(2), r.counted("out_of_window_points", "drop"))
}
