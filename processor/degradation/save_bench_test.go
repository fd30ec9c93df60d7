package degradation

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// BenchmarkSave writes the whole state of ten thousand series, each of an hour
// of a point a minute, to file_storage: the time of a save and its size.
// BenchmarkSaveHolds has the part of it during which batches wait: how long the
// lock is held at a time, half of the times and at most in 99 of 100.
func BenchmarkSave(b *testing.B) {
	for _, kind := range []string{"gauge", "histogram"} {
		b.Run(kind, func(b *testing.B) {
			p := manySeries(b, kind)
			for b.Loop() {
				unsaved(p)
				p.storage.save(context.Background())
			}
			size := 0
			for _, n := range p.storage.sizes {
				size += n
			}
			b.ReportMetric(float64(size)/1e6, "MB/save")
		})
	}
}

func BenchmarkSaveHolds(b *testing.B) {
	for _, kind := range []string{"gauge", "histogram"} {
		b.Run(kind, func(b *testing.B) {
			p := manySeries(b, kind)
			var holds []time.Duration
			for b.Loop() {
				unsaved(p)
				for part := range detector.Parts {
					buf := make([]byte, 0, 1<<20)
					start := time.Now()
					s := p.detector.Save(part)
					holds = append(holds, time.Since(start))
					for more := s != nil; more; {
						start := time.Now()
						buf, more = s.Append(buf, saveStep)
						holds = append(holds, time.Since(start))
					}
				}
			}
			slices.Sort(holds)
			b.ReportMetric(float64(holds[len(holds)/2].Nanoseconds())/1000, "p50-µs")
			b.ReportMetric(float64(holds[len(holds)*99/100].Nanoseconds())/1000, "p99-µs")
		})
	}
}

func unsaved(p *degradation) {
	for part := range detector.Parts {
		p.detector.Unsaved(part)
	}
}

func manySeries(b *testing.B, kind string) *degradation {
	b.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Metrics, cfg.Storage = []string{"m"}, &storageID
	p, err := newDegradation(processortest.NewNopSettings(metadata.Type), cfg)
	require.NoError(b, err)
	require.NoError(b, p.start(b.Context(), host{storageID: fileStorage(b, b.TempDir())}))
	b.Cleanup(func() { require.NoError(b, p.shutdown(context.Background())) })
	for minute := range 60 {
		md := batch("m", "s", func(m pmetric.Metric) {
			if kind == "gauge" {
				gaugesOf(m.SetEmptyGauge(), minute)
			} else {
				histogramsOf(m.SetEmptyHistogram(), minute)
			}
		})
		_, err := p.process(b.Context(), md)
		require.NoError(b, err)
	}
	require.Equal(b, 10000, p.detector.Len())
	return p
}

func gaugesOf(g pmetric.Gauge, minute int) {
	for i := range 10000 {
		dp := g.DataPoints().AppendEmpty()
		dp.Attributes().PutInt("shard", int64(i))
		dp.SetTimestamp(at(time.Duration(minute) * time.Minute))
		dp.SetDoubleValue(1 + float64((i+minute)%7)/10)
	}
}

func histogramsOf(h pmetric.Histogram, minute int) {
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	counts := make([]uint64, len(bounds)+1)
	for k := range 6 {
		counts[8+k] = uint64(5 * (minute + 1))
	}
	for i := range 10000 {
		dp := h.DataPoints().AppendEmpty()
		dp.Attributes().PutInt("shard", int64(i))
		dp.SetStartTimestamp(pcommon.NewTimestampFromTime(epoch.Add(-time.Minute)))
		dp.SetTimestamp(at(time.Duration(minute) * time.Minute))
		dp.SetCount(uint64(30 * (minute + 1)))
		dp.SetSum(0.1 * float64(30*(minute+1)))
		dp.ExplicitBounds().FromRaw(bounds)
		dp.BucketCounts().FromRaw(counts)
	}
}
