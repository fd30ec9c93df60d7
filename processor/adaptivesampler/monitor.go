package adaptivesampler

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/intake"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/load"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/sticky"
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
)

// signal is one source of load.
type signal struct {
	source string
	read   func(now time.Time) (float64, error)

	average load.Average
	failing bool
	reading reading
}

// reading is what a signal has last read.
type reading struct {
	source   string
	known    bool    // whether load could be read the last time
	load     float64 // smoothed
	failures int64   // so far
	decided  bool    // whether it brought the present level about
}

// monitor reads the load and sets the level that decisions read. One serves all
// pipelines with the same configuration: the process has one load, and the
// spans and the log records of a trace should have one level.
type monitor struct {
	logger        *zap.Logger
	interval      time.Duration
	factors       []float64      // by level
	backpressures *backpressures // nil when that is no source

	level atomic.Int32
	// history has the level with the budget's multipliers, so that a trace in
	// flight keeps its own.
	history *sticky.History[*setting]
	budget  *spanBudget // nil without one
	// release is called by each user that ends.
	release func()

	mu       sync.Mutex // of all that follows
	signals  []*signal
	ladder   load.Ladder
	lastRead time.Time
	lastSeen time.Time // when a signal could be read

	evictions int64 // from the history, those that are reported
}

func newMonitor(config *Config, logger *zap.Logger) *monitor {
	cfg := &config.Load
	m := &monitor{
		logger:   logger,
		interval: cfg.Tick,
		factors:  []float64{1},
		ladder:   load.Ladder{ExitMargin: cfg.ExitMargin, MinDwell: cfg.MinDwell},
		release:  func() {},
		history:  sticky.NewHistory(&setting{}),
		budget:   newSpanBudget(config),
	}
	for _, step := range cfg.Ladder {
		m.ladder.Above = append(m.ladder.Above, step.Above)
		m.factors = append(m.factors, step.Factor)
	}
	for _, source := range cfg.Sources {
		switch source {
		case loadSourceCPU:
			m.add(source, intake.NewCPU().Read)
		case loadSourceMemory:
			memory := intake.NewMemory()
			m.add(source, func(time.Time) (float64, error) {
				ratio, err := memory.Read()
				return load.Memory(ratio), err
			})
		case loadSourceBackpressure:
			m.backpressures = &backpressures{}
			m.add(source, m.backpressures.read)
		}
	}
	return m
}

func (m *monitor) add(source LoadSource, read func(now time.Time) (float64, error)) {
	m.signals = append(m.signals, &signal{
		source:  source.String(),
		read:    read,
		average: load.Average{Up: riseTime, Down: fallTime},
	})
}

// backpressure measures one more pipeline, or is nil.
func (m *monitor) backpressure() *backpressure {
	if m.backpressures == nil {
		return nil
	}
	return m.backpressures.add()
}

// tick reads the signals and steps the ladder, once for all users: who comes
// soon after another gets what that one has read.
func (m *monitor) tick(now time.Time) []reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lastRead.IsZero() || now.Sub(m.lastRead) >= m.interval/2 {
		m.lastRead = now
		near := m.step(now)
		m.settle(now, near)
	}
	readings := make([]reading, len(m.signals))
	for i, s := range m.signals {
		readings[i] = s.reading
	}
	return readings
}

// step reads the signals and steps the ladder. near tells that it stands on a
// step, or half way to the first.
func (m *monitor) step(now time.Time) (near bool) {
	highest := m.observe(now)
	level := int(m.level.Load())
	next := level
	switch {
	case highest != nil:
		m.lastSeen = now
		next = m.ladder.Observe(now, highest.reading.load)
	case level > 0 && now.Sub(m.lastSeen) > blindTime:
		next = m.ladder.Observe(now, math.Inf(-1))
	}
	near = next > 0 || highest != nil && len(m.ladder.Above) > 0 && highest.reading.load > m.ladder.Above[0]/2
	if next == level {
		return near
	}
	m.level.Store(int32(next))
	for _, s := range m.signals {
		s.reading.decided = next > 0 && s == highest
	}
	fields := []zap.Field{zap.Float64("factor", m.factors[next])}
	if highest != nil {
		fields = append(fields, zap.String("source", highest.source), zap.Float64("load", highest.reading.load))
	}
	m.logger.Info("the load factor has changed", fields...)
	return near
}

// observe reads the signals and returns the one with the highest smoothed
// load, or nil when none of them can be read.
func (m *monitor) observe(now time.Time) (highest *signal) {
	for _, s := range m.signals {
		s.observe(now, m.logger)
		if s.reading.known && (highest == nil || s.reading.load > highest.reading.load) {
			highest = s
		}
	}
	return highest
}

func (s *signal) observe(now time.Time, logger *zap.Logger) {
	s.reading.source, s.reading.known = s.source, false
	value, err := s.read(now)
	if errors.Is(err, intake.ErrFirst) {
		return
	}
	if err == nil && (math.IsNaN(value) || math.IsInf(value, 0)) {
		err = errors.New("the reading is not a number")
	}
	if err != nil {
		s.reading.failures++
		if !s.failing { // once, not at every tick
			logger.Warn("a load signal cannot be read and is ignored", zap.String("source", s.source), zap.Error(err))
		}
		s.failing = true
		return
	}
	s.failing = false
	s.reading.known, s.reading.load = true, s.average.Observe(now, value)
}
