package adaptivesampler

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// shareTime is the time constant of the reported share of kept items.
const shareTime = 30 * time.Second

// governor keeps the level that the decisions of one pipeline read and reports
// it. Only the ticking goroutine calls tick.
type governor struct {
	telemetry *telemetry
	monitor   *monitor
	level     *atomic.Int32 // the monitor's
	factors   []float64     // by level
	failures  []int64       // of each signal, those that are reported

	received, kept         atomic.Int64
	lastReceived, lastKept int64
	recentReceived         float64
	recentKept             float64
	lastTick               time.Time
}

func newGovernor(monitor *monitor, telemetry *telemetry) *governor {
	return &governor{
		telemetry: telemetry,
		monitor:   monitor,
		level:     &monitor.level,
		factors:   monitor.factors,
		failures:  make([]int64, len(monitor.signals)),
	}
}

// count adds a batch to the reported share.
func (g *governor) count(received, kept int64) {
	g.received.Add(received)
	g.kept.Add(kept)
}

// tick has the load read and reports.
func (g *governor) tick(ctx context.Context, now time.Time) {
	record := g.telemetry.builder
	for i, r := range g.monitor.tick(now) {
		of := g.telemetry.ofSource(r.source)
		if failed := r.failures - g.failures[i]; failed > 0 {
			record.AdaptiveSamplerUnreadableSignals.Add(ctx, failed, of)
			g.failures[i] = r.failures
		}
		if r.known {
			record.AdaptiveSamplerLoad.Record(ctx, r.load, of)
		}
		decided := int64(0)
		if r.decided {
			decided = 1
		}
		record.AdaptiveSamplerDecidingSignal.Record(ctx, decided, of)
	}
	record.AdaptiveSamplerFactor.Record(ctx, g.factors[g.level.Load()], g.telemetry.record...)
	if share, ok := g.share(now); ok {
		record.AdaptiveSamplerEffectiveProbability.Record(ctx, share, g.telemetry.record...)
	}
}

// share is the part that was kept of what came of late; false while nothing
// does.
func (g *governor) share(now time.Time) (float64, bool) {
	// A batch adds to received before it adds to kept, so reading in the
	// opposite order never finds more kept than received.
	keptTotal, receivedTotal := g.kept.Load(), g.received.Load()
	decay := 1.0
	if !g.lastTick.IsZero() {
		decay = math.Exp(-max(0, now.Sub(g.lastTick).Seconds()) / shareTime.Seconds())
	}
	g.recentReceived = g.recentReceived*decay + float64(receivedTotal-g.lastReceived)
	g.recentKept = g.recentKept*decay + float64(keptTotal-g.lastKept)
	g.lastReceived, g.lastKept, g.lastTick = receivedTotal, keptTotal, now
	if g.recentReceived < 0.01 {
		return 0, false
	}
	return g.recentKept / g.recentReceived, true
}
