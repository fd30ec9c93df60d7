package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

var start = time.Date(2023, 8, 21, 9, 0, 0, 0, time.UTC)

// write makes a metrics.csv of one service with 500 requests an interval.
func write(t *testing.T, path string, from time.Time, latency []float64) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	text := "microservice,shop,shop,shop,shop,shop,shop,shop,idle\n" +
		"metric,requests,latency,latency,latency,latency,latency,availability,latency\n" +
		"statistic,Sum,Average,p50,p90,p95,p99,Average,Average\n" +
		"unix_timestamp,,,,,,,,\n"
	for i, v := range latency {
		text += fmt.Sprintf("%d.0,500.0,%v,%v,%v,%v,%v,100.0,\n", from.Add(time.Duration(i)*width).Unix(), v, v*0.9, v*1.5, v*1.8, v*2)
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func target(t *testing.T, folder, kind string, began time.Time) {
	t.Helper()
	text := fmt.Sprintf(`{"target": {"node": "site", "metric": %q, "agg": "Average", "timestamp": %d}, "root_cause": {"node": "shop", "metric": null}}`, kind, began.Unix())
	require.NoError(t, os.WriteFile(filepath.Join(folder, "target.json"), []byte(text), 0o600))
}

// wave is a quiet run with a daily pattern of ±10 %.
func wave(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 0.1 * (1 + 0.1*math.Sin(2*math.Pi*float64(i)/288))
	}
	return out
}

func TestRun(t *testing.T) {
	root := t.TempDir()
	low, high := filepath.Join(root, "dataset/low_traffic"), filepath.Join(root, "dataset/high_traffic")
	write(t, filepath.Join(low, "noissue/metrics.csv"), start, wave(589))
	later := start.Add(-100*24*time.Hour + 3*time.Hour)
	for _, c := range []struct {
		folder, kind string
		latency      []float64
	}{
		{filepath.Join(low, "train/issue_0"), "latency", []float64{0.1, 0.1, 0.4, 0.5, 0.1}},
		{filepath.Join(low, "test/issue_7"), "latency", []float64{0.1, 0.1, 0.11, 0.1, 0.1}},
		{filepath.Join(low, "train/issue_1"), "latency", []float64{0.4, 0.4, 0.4, 0.4, 0.4}}, // degraded before it began
		{filepath.Join(high, "test/issue_0"), "availability", []float64{0.1, 0.1, 0.4, 0.4, 0.1}},
	} {
		write(t, filepath.Join(c.folder, "metrics.csv"), later, c.latency)
		target(t, c.folder, c.kind, later.Add(11*time.Minute))
	}
	var out, notes strings.Builder
	require.NoError(t, run(&out, &notes, root, true))
	assert.Contains(t, notes.String(), "high_traffic has no quiet run; its faults follow that of low_traffic")
	for _, mode := range drive.Modes() {
		if strings.Contains(notes.String(), "skipped: "+mode) {
			continue
		}
		assert.Contains(t, out.String(), mode+" latency faults found 1/3, delay median")
		assert.Contains(t, out.String(), mode+" availability faults found 1/1, delay median")
		assert.Contains(t, out.String(), mode+" false episodes 0.000 a series-day (0 in 2.0)")
	}
	assert.Contains(t, out.String(), "strict latency faults found 1/3, delay median 4m0s, most 4m0s")
}

func TestReadAllTellsWhatIsWrong(t *testing.T) {
	_, err := readAll(t.TempDir())
	assert.ErrorContains(t, err, "holds no <traffic>")
	root := t.TempDir()
	bad := filepath.Join(root, "t/noissue/metrics.csv")
	require.NoError(t, os.MkdirAll(filepath.Dir(bad), 0o755))
	require.NoError(t, os.WriteFile(bad, []byte("a,b\n"), 0o600))
	_, err = readAll(root)
	assert.ErrorContains(t, err, "three of a header are needed")
	require.NoError(t, os.WriteFile(bad, []byte("s,a\nm,latency\nx,p50\nt,\n1,oops\n"), 0o600))
	_, err = readAll(root)
	assert.ErrorContains(t, err, "row 5, column 2")
}

func TestFill(t *testing.T) {
	point := func(iv interval) (pmetric.ExponentialHistogramDataPoint, bool) {
		var h drive.Histogram
		if !iv.fill(&h) {
			return pmetric.NewExponentialHistogramDataPoint(), false
		}
		points := pmetric.NewExponentialHistogramDataPointSlice()
		h.AppendTo(points, "s", start, start.Add(width))
		return points.At(0), true
	}
	p, ok := point(interval{requests: 1000, average: 0.3, p50: 0.1, p90: 0.4, p95: 0.8, p99: 3})
	require.True(t, ok)
	assert.Equal(t, uint64(1000), p.Count())
	assert.InDelta(t, 300, p.Sum(), 1e-9)
	// the quantiles come back, within a bucket of 4.4 %
	for _, q := range [][2]float64{{0.5, 0.1}, {0.9, 0.4}, {0.95, 0.8}, {0.99, 3}} {
		seen, counts := 0.0, p.Positive().BucketCounts()
		for i := range counts.Len() {
			seen += float64(counts.At(i))
			if seen >= q[0]*1000 {
				upper := math.Exp2(float64(int(p.Positive().Offset())+i+1) / 16)
				assert.InEpsilon(t, q[1], upper, 0.05, "p%v", q[0])
				break
			}
		}
	}
	p, ok = point(interval{requests: 3, average: 2})
	require.True(t, ok, "an average alone")
	assert.Equal(t, 1, p.Positive().BucketCounts().Len())
	_, ok = point(interval{requests: 0, average: 2})
	assert.False(t, ok)
	_, ok = point(interval{requests: 5, p50: 2})
	assert.False(t, ok, "no average, no sum")
}
