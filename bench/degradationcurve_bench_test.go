package bench

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// curveBatch is how many points come at once.
const curveBatch = 1000

// curvePoints is a batch of gauges that can be made to be of any series.
func curvePoints(n int) (md pmetric.Metrics, set func(first int, now time.Time)) {
	md, m := degradationMetric()
	points := m.SetEmptyGauge().DataPoints()
	for range n {
		dp := points.AppendEmpty()
		degradationAttributes(dp.Attributes(), 0)
		dp.Attributes().PutInt("thing", 0)
	}
	return md, func(first int, now time.Time) {
		for i, dp := range points.All() {
			thing, _ := dp.Attributes().Get("thing")
			thing.SetInt(int64(first + i))
			dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
			dp.SetDoubleValue(0.1 + 0.01*float64((first+i)%7))
		}
	}
}

// BenchmarkDegradationCurve: processor time beyond the clone a point, and memory
// a series, in mode guarded, by the number of series, each with a gauge point a
// minute; with the default bound of max_series, beyond which points pass
// unjudged, and with one that takes all. Run it with -benchtime 1x: a run is
// whole minutes, the last five of which are timed.
func BenchmarkDegradationCurve(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000, 100_000, 1_000_000} {
		for _, limit := range []int{10_000, 1_000_000} {
			if limit > 10_000 && n <= 10_000 {
				continue // as with the default
			}
			b.Run(fmt.Sprintf("%d_series/max_series_%d", n, limit), func(b *testing.B) {
				for b.Loop() {
					degradationCurve(b, n, limit)
				}
			})
		}
	}
}

func degradationCurve(b *testing.B, n, limit int) {
	timed := max(5, 100_000/n) // whole panes
	minutes := 65 + timed
	if n > 100_000 {
		minutes = 15 + timed // of an hour that would take too long
	}
	proc := degradationProcessor(b, "guarded", "http.server.request.duration", limit)
	md, set := curvePoints(min(n, curveBatch))
	var clone, both int64
	points := 0
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for minute := range minutes {
		now := degradationEpoch.Add(time.Duration(minute) * time.Minute)
		for first := 0; first < n; first += curveBatch {
			set(first, now)
			t0 := int64(cpuTime())
			to := pmetric.NewMetrics()
			md.CopyTo(to)
			t1 := int64(cpuTime())
			_ = proc.ConsumeMetrics(context.Background(), to)
			t2 := int64(cpuTime())
			if minute >= minutes-timed {
				clone, both = clone+t1-t0, both+t2-t0
				points += min(n, curveBatch)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(proc)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(clone)/float64(points), "clone-ns/point")
	b.ReportMetric(float64(both-clone)/float64(points), "guarded-ns/point")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(min(n, limit)), "B/series")
}
