package degradation

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
)

// saveStep is how many series are written down while consumers wait: some
// dozen microseconds' worth of gauges, a hundred of histograms.
const saveStep = 16

func recordKey(part int) string { return fmt.Sprintf("part/%02d", part) }

func (s *persistence) saveRegularly(ctx context.Context) {
	ticker := time.NewTicker(saveInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			limited, cancel := context.WithTimeout(ctx, saveInterval)
			s.save(limited)
			cancel()
		}
	}
}

// save writes what has changed. What cannot be written stays to be written.
func (s *persistence) save(ctx context.Context) {
	if s.client == nil {
		if err := s.connect(ctx); err != nil {
			s.warn("the storage still cannot be opened", err)
			return
		}
	}
	w := writing{persistence: s}
	for part := range detector.Parts {
		if b := s.encode(part); b != nil {
			w.add(ctx, part, b)
		}
	}
	w.flush(ctx)
	s.tel.builder.DegradationSaves.Add(ctx, w.saved)
	s.tel.builder.DegradationSaveErrors.Add(ctx, w.failed)
	switch {
	case w.failed > 0:
		s.warn("the state could not be saved; it is tried again in a minute, and a restart before would lose what is new", w.last,
			zap.Int64("records", w.failed))
	case s.failing:
		s.failing = false
		s.logger.Info("the state is saved again", zap.Stringer("storage", s.id))
	}
}

// writing gathers records and writes some at a time: each write may be a
// transaction, and wait for a disk.
type writing struct {
	*persistence
	parts         []int
	ops           []*storage.Operation
	size          int
	saved, failed int64
	last          error // why a write failed
}

// writeSize is about how many bytes wait to be written at once.
const writeSize = 4 << 20

func (w *writing) add(ctx context.Context, part int, b []byte) {
	w.parts, w.ops = append(w.parts, part), append(w.ops, storage.SetOperation(recordKey(part), b))
	if w.size += len(b); w.size >= writeSize {
		w.flush(ctx)
	}
}

func (w *writing) flush(ctx context.Context) {
	if len(w.ops) == 0 {
		return
	}
	if err := calmly(func() error { return w.client.Batch(ctx, w.ops...) }); err != nil {
		w.mu.Lock()
		for _, part := range w.parts {
			w.detector.Unsaved(part)
		}
		w.mu.Unlock()
		w.last = err
		w.failed += int64(len(w.parts))
	} else {
		w.saved += int64(len(w.parts))
	}
	w.parts, w.ops, w.size = w.parts[:0], w.ops[:0], 0
}

// encode makes the record of a part; nil when nothing has changed. It holds the
// lock for a few series at a time, and checksums and writes without it.
func (s *persistence) encode(part int) []byte {
	s.mu.Lock()
	saving := s.detector.Save(part)
	s.mu.Unlock()
	if saving == nil {
		return nil
	}
	// A new one each time: a storage may keep what it is given.
	b := record.Begin(detector.Version, s.fingerprint, s.sizes[part]+s.sizes[part]/8)
	for more := true; more; {
		s.mu.Lock()
		b, more = saving.Append(b, saveStep)
		s.mu.Unlock()
	}
	record.Seal(b)
	s.sizes[part] = len(b)
	return b
}

func (s *persistence) warn(text string, err error, fields ...zap.Field) {
	now := time.Now()
	if s.failing && now.Sub(s.warned) < warnInterval {
		return
	}
	s.failing, s.warned = true, now
	s.logger.Warn(text, append(fields, zap.Stringer("storage", s.id), zap.Error(err))...)
}
