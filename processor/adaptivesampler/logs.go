package adaptivesampler

import (
	"context"
	"fmt"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
)

// A log record has no tracestate: the threshold and the randomness are
// attributes, named as the probabilistic_sampler names them.
const (
	attributeThreshold  = "sampling.threshold"
	attributeRandomness = "sampling.randomness"
)

func (s *sampler) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	b := s.begin()
	drop := func(record plog.LogRecord) bool { return !keep(s, b, logItem{record}) }
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(drop)
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	s.end(ctx, b)
	if ld.ResourceLogs().Len() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

type logItem struct{ plog.LogRecord }

func (i logItem) name(attribute string) string {
	return nameOf(i.Attributes(), attribute, i.EventName())
}

func (i logItem) arrival(hashAttribute string, a *arrival) error {
	if text, ok, err := i.text(attributeThreshold); err != nil {
		return err
	} else if ok {
		if a.threshold, err = otelsampling.TValueToThreshold(text); err != nil {
			return err
		}
		a.hasThreshold = true
	}
	if text, ok, err := i.text(attributeRandomness); err != nil {
		return err
	} else if ok {
		a.randomness, err = otelsampling.RValueToRandomness(text)
		a.hasRandomness = true
		return err
	}
	a.randomness, a.hasRandomness = sampling.TraceIDRandomness(i.TraceID())
	if a.hasRandomness {
		return nil
	}
	if value := i.hashed(hashAttribute); value != "" {
		a.randomness, a.hasRandomness = sampling.HashRandomness(value), true
	}
	return nil
}

// text reads an attribute that must be a string when it is there.
func (i logItem) text(key string) (text string, ok bool, err error) {
	v, ok := i.Attributes().Get(key)
	if !ok {
		return "", false, nil
	}
	if v.Type() != pcommon.ValueTypeStr {
		return "", false, fmt.Errorf("%s: %s is not a string", key, v.Type())
	}
	return v.Str(), true, nil
}

// hashed is the value to hash in place of a trace id. Values that stand for a
// missing one are none: else all those records would share one fate.
func (i logItem) hashed(attribute string) string {
	if attribute == "" {
		return ""
	}
	v, ok := i.Attributes().Get(attribute)
	if !ok {
		return ""
	}
	if v.Type() == pcommon.ValueTypeBytes {
		return string(v.Bytes().AsRaw())
	}
	text := v.AsString()
	if isNil(text) {
		return ""
	}
	return text
}

func (i logItem) content() sampling.Content {
	if i.SeverityNumber() >= plog.SeverityNumberError {
		return sampling.Failed
	}
	return contentOf(i.Attributes())
}

func (i logItem) write(a *arrival, own *outcome, threshold otelsampling.Threshold) error {
	tvalue := own.tvalue
	if threshold != own.threshold {
		tvalue = threshold.TValue()
	}
	attributes := i.Attributes()
	attributes.EnsureCapacity(attributes.Len() + 2) // else the first of the two doubles it
	attributes.PutStr(attributeThreshold, tvalue)
	attributes.PutStr(attributeRandomness, a.randomness.RValue())
	return nil
}
