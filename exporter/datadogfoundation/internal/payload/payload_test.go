package payload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/DataDog/agent-payload/v5/gogen"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/sketch"
)

// contents counts the points in a body, decoded by other code than ours.
func contents(t *testing.T, f Format, body []byte, into map[string]int) (points int) {
	t.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	require.NoError(t, err)
	defer d.Close()
	raw, err := d.DecodeAll(body, nil)
	require.NoError(t, err)
	switch f {
	case SeriesV1:
		var p struct {
			Series []struct {
				Metric string
				Points [][]float64
			}
		}
		require.NoError(t, json.Unmarshal(raw, &p))
		for _, s := range p.Series {
			points += len(s.Points)
			into[s.Metric] += len(s.Points)
		}
	case Sketches:
		var p gogen.SketchPayload
		require.NoError(t, p.Unmarshal(raw))
		for _, s := range p.Sketches {
			points += len(s.Dogsketches)
			into[s.Metric] += len(s.Dogsketches)
		}
	default:
		var p gogen.MetricPayload
		require.NoError(t, p.Unmarshal(raw))
		for _, s := range p.Series {
			points += len(s.Points)
			into[s.Metric] += len(s.Points)
		}
	}
	return points
}

func noise(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("abcdefghijklmnopqrstuvwxyz0123456789"[r.IntN(36)])
	}
	return b.String()
}

// Whatever the batch: no payload over any limit, every point in exactly one.
func TestPayloadsKeepTheLimits(t *testing.T) {
	z, err := NewCompressor("zstd", 0)
	require.NoError(t, err)
	for _, f := range []Format{SeriesV2, SeriesV1, Sketches} {
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 7))
			limits := Limits{Compressed: 1024 + r.IntN(20_000), Raw: 1024 + r.IntN(100_000), Points: 1 + r.IntN(2000)}
			var items []*Item
			want := map[string]int{}
			for i := range 1 + r.IntN(400) {
				it := &Item{Kind: Kind(r.IntN(2)), Metric: fmt.Sprintf("m%d", i), Host: noise(r, r.IntN(20))}
				for range r.IntN(8) {
					it.Tags = append(it.Tags, "k:"+noise(r, r.IntN(100)))
				}
				n := 1 + r.IntN(3)
				if r.IntN(20) == 0 {
					n = r.IntN(5000) + 1
				}
				if f == Sketches {
					n = min(n, 50)
				}
				for j := range n {
					p := Point{Nanos: int64(j) * 1e9, Value: r.NormFloat64(), Ref: j}
					if f == Sketches {
						var b sketch.Builder
						b.Bucket(0, r.Float64(), 20)
						s := b.Build(sketch.Summary{})
						p.Sketch = &s
					}
					it.Points = append(it.Points, p)
				}
				want[it.Metric] = n
				items = append(items, it)
			}
			s := NewSplitter(f, limits, z.Append)
			got := map[string]int{}
			parts := Whole(items)
			for len(parts) > 0 {
				var p Payload
				p, parts = s.Next(parts)
				require.NotNil(t, p.Body, "nothing here is too large")
				require.LessOrEqual(t, len(p.Body), limits.Compressed)
				require.LessOrEqual(t, p.Raw, limits.Raw)
				require.LessOrEqual(t, Total(p.Parts), limits.Points)
				require.Equal(t, Total(p.Parts), contents(t, f, p.Body, got))
			}
			require.Equal(t, want, got)
		}
	}
}

// Datadog's own limits, with tags that hardly compress.
func TestALargeBatchKeepsDatadogsLimits(t *testing.T) {
	z, err := NewCompressor("zstd", 0)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(3, 4))
	items := make([]*Item, 30_000)
	for i := range items {
		items[i] = &Item{Metric: "m", Tags: []string{noise(r, 180), noise(r, 180)}, Points: make([]Point, 1)}
	}
	limits := Limits{Compressed: 512_000, Raw: 5_242_880, Points: 10_000}
	s := NewSplitter(SeriesV2, limits, z.Append)
	total, payloads := 0, 0
	for parts := Whole(items); len(parts) > 0; payloads++ {
		var p Payload
		p, parts = s.Next(parts)
		require.LessOrEqual(t, len(p.Body), limits.Compressed)
		require.LessOrEqual(t, p.Raw, limits.Raw)
		total += Total(p.Parts)
	}
	assert.Equal(t, len(items), total)
	assert.Less(t, payloads, 25, "payloads are well filled: 8 MB in pieces of up to 512 kB")
}

func TestAPointThatFitsNoPayload(t *testing.T) {
	z, err := NewCompressor("none", 0)
	require.NoError(t, err)
	big := &Item{Metric: "big", Tags: []string{strings.Repeat("x", 5000)}, Points: make([]Point, 3)}
	small := &Item{Metric: "small", Points: make([]Point, 3)}
	for _, limits := range []Limits{{Compressed: 1 << 20, Raw: 2000, Points: 100}, {Compressed: 2000, Raw: 1 << 20, Points: 100}} {
		s := NewSplitter(SeriesV2, limits, z.Append)
		parts := Whole([]*Item{small, big, small})
		lost, sent := 0, 0
		for len(parts) > 0 {
			var p Payload
			p, parts = s.Next(parts)
			if p.Body == nil {
				require.Equal(t, 1, Total(p.Parts))
				require.Equal(t, "big", p.Parts[0].Item.Metric)
				lost++
				continue
			}
			sent += Total(p.Parts)
		}
		assert.Equal(t, 3, lost)
		assert.Equal(t, 6, sent)
	}
}

func TestEncodingIsWhatAgentPayloadReads(t *testing.T) {
	sk := sketch.Sketch{Count: 3, Sum: 6, Min: 1, Max: 3, Bins: []sketch.Bin{{Key: -2, Count: 1}, {Key: 0, Count: 1}, {Key: 1338, Count: 1}}}
	it := &Item{
		Kind: Count, Metric: "m", Host: "h", Unit: "second", Tags: []string{"a:1", "b:2"}, Interval: 10,
		Points: []Point{{Nanos: 5e9, Value: 1.5, Sketch: &sk}, {Nanos: 6e9, Value: -2, Sketch: &sk}},
	}
	var e encoder
	var m gogen.MetricPayload
	require.NoError(t, m.Unmarshal(e.append(nil, SeriesV2, Part{it, 0, 2}, true)))
	assert.Equal(t, []*gogen.MetricPayload_MetricSeries{{
		Resources: []*gogen.MetricPayload_Resource{{Type: "host", Name: "h"}}, Metric: "m", Tags: []string{"a:1", "b:2"},
		Points: []*gogen.MetricPayload_MetricPoint{{Value: 1.5, Timestamp: 5}, {Value: -2, Timestamp: 6}},
		Type:   gogen.MetricPayload_COUNT, Unit: "second", Interval: 10,
	}}, m.Series)
	var s gogen.SketchPayload
	require.NoError(t, s.Unmarshal(e.append(nil, Sketches, Part{it, 1, 2}, true)))
	assert.Equal(t, []gogen.SketchPayload_Sketch{{
		Metric: "m", Host: "h", Tags: []string{"a:1", "b:2"},
		Dogsketches: []gogen.SketchPayload_Sketch_Dogsketch{{Ts: 6, Cnt: 3, Min: 1, Max: 3, Avg: 2, Sum: 6, K: []int32{-2, 0, 1338}, N: []uint32{1, 1, 1}}},
	}}, s.Sketches)
}

func TestHalveCutsBetweenSeriesFirst(t *testing.T) {
	a, b := &Item{Metric: "a", Points: make([]Point, 9)}, &Item{Metric: "b", Points: make([]Point, 1)}
	first, second := Halve(Whole([]*Item{a, b}))
	assert.Equal(t, []Part{{a, 0, 9}}, first)
	assert.Equal(t, []Part{{b, 0, 1}}, second)
	first, second = Halve(first)
	assert.Equal(t, []Part{{a, 0, 4}}, first)
	assert.Equal(t, []Part{{a, 4, 9}}, second)
	first, second = Halve(Whole([]*Item{b}))
	assert.Len(t, first, 1)
	assert.Empty(t, second)
}
