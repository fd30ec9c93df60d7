package bench

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/probabilisticsamplerprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler"
)

// BenchmarkAdaptiveSamplerWithoutCopy: as InTurn with one sender, but each batch is
// copied before the clock starts, so that nothing has to be subtracted: on a busy
// machine what the neighbours do to the copy outweighs all that is compared. What
// the garbage costs after the batch is not seen, which favours the peer. Of each way
// the median, what the fastest tenth stays below, and x-peer from both.
func BenchmarkAdaptiveSamplerWithoutCopy(b *testing.B) {
	payload := adaptiveSamplerTraces("")
	for _, rate := range []float64{0.9999, 0.5, 0.0001} {
		b.Run(strconv.FormatFloat(rate, 'g', -1, 64), func(b *testing.B) {
			peer := probabilisticsamplerprocessor.NewFactory()
			peerConfig := peer.CreateDefaultConfig().(*probabilisticsamplerprocessor.Config)
			peerConfig.Mode, peerConfig.SamplingPercentage = probabilisticsamplerprocessor.Equalizing, float32(rate*100)
			ways := map[string]processor.Traces{
				"ours": adaptiveSamplerStarted(b, adaptivesampler.NewFactory(), adaptiveSamplerConfig(adaptiveSamplerRate(rate))),
				"peer": adaptiveSamplerStarted(b, peer, peerConfig),
			}
			spent := map[string][]time.Duration{}
			for b.Loop() {
				for name, p := range ways { // in any order, as Go's maps are
					td := ptrace.NewTraces()
					payload.CopyTo(td)
					begin := time.Now()
					_ = p.ConsumeTraces(b.Context(), td)
					spent[name] = append(spent[name], time.Since(begin))
				}
			}
			b.ReportMetric(0, "ns/op")
			for of, part := range map[string]int{"p10": 10, "p50": 2} {
				at := map[string]float64{}
				for name, times := range spent {
					slices.Sort(times)
					at[name] = float64(times[len(times)/part].Nanoseconds()) / adaptiveSamplerItems
					b.ReportMetric(at[name], name+"-"+of+"-ns/span")
				}
				b.ReportMetric(at["peer"]/at["ours"], of+"-x-peer")
			}
		})
	}
}

// adaptiveSamplerStarted is a processor whose output goes nowhere.
func adaptiveSamplerStarted(b *testing.B, factory processor.Factory, cfg component.Config) processor.Traces {
	p, err := factory.CreateTraces(b.Context(), adaptiveSamplerSettings(factory.Type()), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, p.Shutdown(context.Background())) })
	return p
}
