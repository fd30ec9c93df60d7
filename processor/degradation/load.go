package degradation

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
)

// load reads the state back. Whatever cannot be used is left out, counted and
// told of: its series learn anew.
func (s *persistence) load(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	restoring := s.detector.Restore(time.Now().UnixNano(), s.ttl.Nanoseconds())
	discarded := map[string]int64{}
	var example error
	found := 0
	for part := range detector.Parts {
		present, err := s.loadPart(ctx, restoring, part)
		if present {
			found++
		}
		if err != nil {
			discarded[discardReason(err)]++
			example = err
		}
	}
	restored := restoring.Finish()

	b := s.tel.builder
	b.DegradationRestoredSeries.Add(ctx, int64(restored.Series))
	for reason, n := range discarded {
		b.DegradationDiscardedRecords.Add(ctx, n, because(reason))
		s.logger.Warn("a part of the stored state cannot be used; its series learn anew",
			zap.Stringer("storage", s.id), zap.String("reason", reason), zap.Int64("records", n), zap.Int("of", found), zap.NamedError("example", example))
	}
	left := func(n int, reason string) {
		if n > 0 {
			b.DegradationDiscardedSeries.Add(ctx, int64(n), because(reason))
		}
	}
	left(restored.Expired, "expired")
	left(restored.Refused, "max_series")
	if found > 0 {
		s.logger.Info("the state is back", zap.Stringer("storage", s.id), zap.Int("series", restored.Series),
			zap.Int("expired", restored.Expired), zap.Int("above_max_series", restored.Refused))
	}
}

// loadPart reads one record, if it is there.
func (s *persistence) loadPart(ctx context.Context, restoring *detector.Restoring, part int) (present bool, err error) {
	var b []byte
	err = calmly(func() error {
		b, err = s.client.Get(ctx, recordKey(part))
		return err
	})
	if err != nil {
		return true, err
	}
	if b == nil {
		return false, nil
	}
	payload, err := record.Open(b, detector.Version, s.fingerprint)
	if err != nil {
		return true, err
	}
	return true, restoring.Read(part, payload)
}

func discardReason(err error) string {
	switch {
	case errors.Is(err, record.ErrCorrupt):
		return "corrupt"
	case errors.Is(err, record.ErrVersion):
		return "version"
	case errors.Is(err, record.ErrConfiguration):
		return "configuration"
	}
	return "unreadable"
}

func because(reason string) metric.AddOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", reason)))
}
