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
	held  room
}

func newShared(p *plan, cfg CorrelationConfig) *shared {
	c := cfg.Cache
	return &shared{
		plan: p,
		cache: correlation.New(correlation.Limits{
			MaxTraces: c.MaxTraces, TTL: c.TTL, MaxSpansPerTrace: c.MaxSpansPerTrace, MaxBytes: c.MaxBytes,
		}, correlation.Options{TraceWide: len(p.traceWide), Subtree: len(p.subtree), Adopt: p.reparent}),
		pool: sync.Pool{New: func() any { return newScratch(p) }},
		held: room{most: int64(cfg.MaxHeldSpans)},
	}
}

func newEnricher(s *shared, tb *metadata.TelemetryBuilder) *enricher {
	return &enricher{shared: s, telemetry: newTelemetry(tb, s.plan), now: time.Now}
}
