package adaptivesampler

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadatatest"
)

// modes are the ways to decide that these tests run through.
var modes = []string{"span", "trace"}

// statisticsSize is usual, or full where STATISTICS=full asks for it (make
// test-statistics): minutes instead of seconds. The race detector, ten times as
// slow, gets a tenth.
func statisticsSize(usual, full int) int {
	switch {
	case os.Getenv("STATISTICS") == "full":
		return full
	case testing.Short():
		return usual / 10
	}
	return usual
}

// flow is a processor as the collector makes it, with its metrics.
type flow struct{ harness }

// newFlow starts a processor without load. take gets each span that comes out,
// one at a time.
func newFlow(t *testing.T, config string, take func(ptrace.Span)) *flow {
	t.Helper()
	cfg, err := parse(t, config)
	require.NoError(t, err)
	cfg.Load.Sources = nil
	var mu sync.Mutex
	sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					take(s)
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	f := &flow{harness{t: t, telemetry: componenttest.NewTelemetry()}}
	t.Cleanup(func() { require.NoError(t, f.telemetry.Shutdown(context.Background())) })
	f.traces, err = NewFactory().CreateTraces(t.Context(), metadatatest.NewSettings(f.telemetry), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, f.traces.Start(t.Context(), componenttest.NewNopHost()))
	return f
}

func (f *flow) send(td ptrace.Traces) {
	f.t.Helper()
	require.NoError(f.t, f.traces.ConsumeTraces(f.t.Context(), td))
}

// stop ends the processor; what it holds comes out before.
func (f *flow) stop() {
	f.t.Helper()
	require.NoError(f.t, f.traces.Shutdown(context.Background()))
}
