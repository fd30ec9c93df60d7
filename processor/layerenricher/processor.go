package layerenricher

import (
	"sync"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/processor/layerenricher/internal/metadata"
)

// enricher is one instance of the processor: one signal in one pipeline.
type enricher struct {
	*shared
	telemetry *telemetry
	now       clock
}

// shared is what the instances of one component have in common, so that logs
// and metrics know the traces.
type shared struct {
	plan  *plan
	cache *correlation.Cache
	pool  sync.Pool
	users int // guarded by the registry
}

func newShared(p *plan, c CacheConfig) *shared {
	return &shared{
		plan: p,
		cache: correlation.New(correlation.Limits{
			MaxTraces: c.MaxTraces, TTL: c.TTL, MaxSpansPerTrace: c.MaxSpansPerTrace, MaxBytes: c.MaxBytes,
		}, len(p.traceWide), len(p.subtree)),
		pool: sync.Pool{New: func() any { return newScratch(p) }},
	}
}

func newEnricher(s *shared, tb *metadata.TelemetryBuilder) *enricher {
	return &enricher{shared: s, telemetry: newTelemetry(tb, s.plan), now: time.Now}
}
