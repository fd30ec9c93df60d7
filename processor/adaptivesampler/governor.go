package adaptivesampler

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/intake"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/load"
)

const (
	// riseTime and fallTime smooth the load: a burst of a second is no load,
	// and the relief after a step must not be mistaken for calm.
	riseTime = 5 * time.Second
	fallTime = 30 * time.Second

	// blindTime is how long a level is held while no signal can be read. A
	// system that is out of file descriptors is not idle; one that never
	// answers again must not be sampled down for ever.
	blindTime = 30 * time.Second

	// shareTime is the time constant of the reported share of kept items.
	shareTime = 30 * time.Second
)

// signal is one source of load.
type signal struct {
	source string
	read   func(now time.Time) (float64, error)

	average load.Average
	failing bool
}

func newSignals(cfg *LoadConfig) []*signal {
	var signals []*signal
	for _, source := range cfg.Sources {
		// Validation knows no source but this one.
		signals = append(signals, &signal{source: source.String(), read: intake.NewCPU().Read})
	}
	return signals
}

// governor reads the load and sets the level that decisions read. Only the
// ticking goroutine calls tick.
type governor struct {
	logger    *zap.Logger
	telemetry *telemetry
	signals   []*signal
	factors   []float64 // by level
	ladder    load.Ladder
	lastSeen  time.Time

	level atomic.Int32

	received, kept         atomic.Int64
	lastReceived, lastKept int64
	recentReceived         float64
	recentKept             float64
	lastTick               time.Time
}

func newGovernor(cfg *LoadConfig, signals []*signal, telemetry *telemetry, logger *zap.Logger) *governor {
	g := &governor{
		logger:    logger,
		telemetry: telemetry,
		signals:   signals,
		factors:   []float64{1},
		ladder:    load.Ladder{ExitMargin: cfg.ExitMargin, MinDwell: cfg.MinDwell},
	}
	for _, s := range signals {
		s.average = load.Average{Up: riseTime, Down: fallTime}
	}
	for _, step := range cfg.Ladder {
		g.ladder.Above = append(g.ladder.Above, step.Above)
		g.factors = append(g.factors, step.Factor)
	}
	return g
}

// count adds a batch to the reported share.
func (g *governor) count(received, kept int64) {
	g.received.Add(received)
	g.kept.Add(kept)
}

// tick reads the signals, steps the ladder and reports.
func (g *governor) tick(ctx context.Context, now time.Time) {
	if highest, ok := g.read(ctx, now); ok {
		g.lastSeen = now
		g.level.Store(int32(g.ladder.Observe(now, highest)))
	} else if g.level.Load() > 0 && now.Sub(g.lastSeen) > blindTime {
		g.level.Store(int32(g.ladder.Observe(now, math.Inf(-1))))
	}
	record := g.telemetry.builder
	record.AdaptiveSamplerFactor.Record(ctx, g.factors[g.level.Load()], g.telemetry.record...)
	if share, ok := g.share(now); ok {
		record.AdaptiveSamplerEffectiveProbability.Record(ctx, share, g.telemetry.record...)
	}
}

// read returns the highest of the smoothed signals, and false when none of
// them can be read.
func (g *governor) read(ctx context.Context, now time.Time) (highest float64, ok bool) {
	for _, s := range g.signals {
		value, err := s.read(now)
		if errors.Is(err, intake.ErrFirst) {
			continue
		}
		if err == nil && (math.IsNaN(value) || math.IsInf(value, 0)) {
			err = errors.New("the reading is not a number")
		}
		if err != nil {
			g.telemetry.builder.AdaptiveSamplerUnreadableSignals.Add(ctx, 1, g.telemetry.ofSource(s.source))
			if !s.failing { // once, not at every tick
				g.logger.Warn("a load signal cannot be read and is ignored", zap.String("source", s.source), zap.Error(err))
			}
			s.failing = true
			continue
		}
		s.failing = false
		smooth := s.average.Observe(now, value)
		g.telemetry.builder.AdaptiveSamplerLoad.Record(ctx, smooth, g.telemetry.ofSource(s.source))
		if !ok || smooth > highest {
			highest, ok = smooth, true
		}
	}
	return highest, ok
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
