package bench

import (
	"context"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"

	"github.com/foundation-os/otelcol-foundation/processor/degradation"
)

// BenchmarkDegradationCPU: processor time instead of time, of the clone and of
// all modes each after a clone, in turn, so that what they cost beyond it can
// be told while others use the machine, too. One run is a pane of 5 points.
func BenchmarkDegradationCPU(b *testing.B) {
	modes := []string{"clone", "strict", "guarded", "adaptive"}
	for _, p := range degradationPayloads() {
		b.Run(p.name, func(b *testing.B) {
			var runs []func()
			for _, mode := range modes {
				md, next := p.make(degradationSeries)
				var proc processor.Metrics
				if mode != "clone" {
					proc = degradationProcessor(b, degradation.Mode(mode), "http.server.request.duration", degradationSeries)
				}
				runs = append(runs, func() {
					for range 5 {
						next()
						to := pmetric.NewMetrics()
						md.CopyTo(to)
						if proc != nil {
							_ = proc.ConsumeMetrics(context.Background(), to)
						}
					}
				})
			}
			spent := make([]int64, len(runs))
			once := func() {
				for i, run := range runs {
					began := int64(cpuTime())
					run()
					spent[i] += int64(cpuTime()) - began
				}
			}
			for range 16 { // until every pane of the window has its memory
				once()
			}
			clear(spent)
			for b.Loop() {
				once()
			}
			per := func(i int) float64 { return float64(spent[i]) / float64(b.N) / (5 * degradationSeries) }
			b.ReportMetric(0, "ns/op") // that of all together says nothing
			b.ReportMetric(per(0), "clone-ns/point")
			for i := 1; i < len(modes); i++ {
				b.ReportMetric(per(i)-per(0), modes[i]+"-ns/point")
			}
		})
	}
}
