package adaptivesampler

import (
	"context"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
)

func (s *sampler) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	b := s.begin()
	drop := func(span ptrace.Span) bool { return !keep(s, b, spanItem{span}) }
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			return !keepAny(ss.Spans(), drop)
		})
		return rs.ScopeSpans().Len() == 0
	})
	s.end(ctx, b)
	if td.ResourceSpans().Len() == 0 {
		return td, processorhelper.ErrSkipProcessingData
	}
	return td, nil
}

// keepAny removes spans that are to be dropped and tells whether some are left.
// Where none is, as at small rates in small scopes, none is removed: that the
// scope goes with all of them costs less.
func keepAny(spans ptrace.SpanSlice, drop func(ptrace.Span) bool) bool {
	first := 0
	for first < spans.Len() && drop(spans.At(first)) {
		first++
	}
	if first == spans.Len() {
		return false
	}
	i := -1
	spans.RemoveIf(func(span ptrace.Span) bool {
		i++
		return i < first || i > first && drop(span) // each is decided once
	})
	return true
}

type spanItem struct{ ptrace.Span }

func (i spanItem) name(attribute string) string {
	return nameOf(i.Attributes(), attribute, i.Name())
}

func (i spanItem) arrival(_ string, a *arrival) error {
	raw := i.TraceState().AsRaw()
	if raw == "" {
		a.randomness, a.hasRandomness = sampling.TraceIDRandomness(i.TraceID())
		return nil
	}
	if a.threshold, a.hasThreshold = sampling.SoleThreshold(raw); !a.hasThreshold {
		state, err := sampling.ParseTraceState(raw)
		if err != nil {
			return err
		}
		a.state = &state
		a.threshold, a.hasThreshold = state.Threshold()
		a.randomness, a.hasRandomness = state.Randomness()
	}
	if !a.hasRandomness {
		a.randomness, a.hasRandomness = sampling.TraceIDRandomness(i.TraceID())
	}
	return nil
}

func (i spanItem) content() sampling.Content {
	if i.Status().Code() == ptrace.StatusCodeError {
		return sampling.Failed
	}
	events := i.Events()
	for j := range events.Len() {
		if events.At(j).Name() == exceptionEvent {
			return sampling.Failed
		}
	}
	return contentOf(i.Attributes())
}

func (i spanItem) write(a *arrival, own *outcome, threshold otelsampling.Threshold) error {
	switch {
	case a.hasThreshold && a.threshold == threshold:
		// It says so already, in the sender's own words.
	case a.state == nil: // then it is ours, and nothing else has to stay
		i.TraceState().FromRaw(own.tracestate)
	default:
		raw, err := a.state.With(threshold)
		if err != nil {
			return err
		}
		i.TraceState().FromRaw(raw)
	}
	return nil
}
