package adaptivesampler

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

const (
	// exceptionPrefix is that of the attributes, exceptionEvent the name of
	// the span event, in OpenTelemetry's conventions.
	exceptionPrefix = "exception."
	exceptionEvent  = "exception"
)

// contentOf tells errors and retries by attributes.
func contentOf(attributes pcommon.Map) sampling.Content {
	content := sampling.Plain
	for key, value := range attributes.All() {
		if !mayTell(key) {
			continue
		}
		if content = max(content, contentOfAttribute(key, value)); content == sampling.Failed {
			break
		}
	}
	return content
}

// mayTell tells by little whether an attribute can make its item an error or a
// retry. It is asked for each attribute, and is short enough to be inlined: to
// compare whole keys here takes longer than the rest of the pass.
func mayTell(key string) bool {
	n := len(key)
	return n == len(semconv.AttributeOutcome) || n == len(semconv.AttributeRetryAttempt) ||
		n > len(exceptionPrefix) && key[0] == 'e' // error_context and exception.
}

// contentOfAttribute is what an attribute tells that may.
func contentOfAttribute(key string, value pcommon.Value) sampling.Content {
	switch {
	case key == semconv.AttributeOutcome:
		if value.Str() == semconv.OutcomeFailure {
			return sampling.Failed
		}
	case key == semconv.AttributeRetryAttempt:
		if isPositive(value) {
			return sampling.Retried
		}
	case key == semconv.AttributeErrorContext || strings.HasPrefix(key, exceptionPrefix):
		if saysSomething(value) {
			return sampling.Failed
		}
	}
	return sampling.Plain
}

// saysSomething is false for values that mean no error: absent ones, in the
// spellings that reach us from the BEAM, false and 0.
func saysSomething(v pcommon.Value) bool {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		s := v.Str()
		return s != "" && !isNil(s) && s != "false"
	case pcommon.ValueTypeBool:
		return v.Bool()
	case pcommon.ValueTypeInt:
		return v.Int() != 0
	case pcommon.ValueTypeDouble:
		return v.Double() != 0
	case pcommon.ValueTypeMap:
		return v.Map().Len() > 0
	case pcommon.ValueTypeSlice:
		return v.Slice().Len() > 0
	case pcommon.ValueTypeBytes:
		return v.Bytes().Len() > 0
	default:
		return false
	}
}

// isNil tells the strings that a missing value arrives as.
func isNil(s string) bool { return s == "nil" || s == "undefined" }

// isPositive takes numbers, also as strings. The first attempt is 0.
func isPositive(v pcommon.Value) bool {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return v.Int() > 0
	case pcommon.ValueTypeDouble:
		return v.Double() > 0
	case pcommon.ValueTypeStr:
		n, err := strconv.ParseFloat(v.Str(), 64)
		return err == nil && n > 0
	default:
		return false
	}
}

// nameOf is the attribute's text, else the item's own name.
func nameOf(attributes pcommon.Map, attribute, own string) string {
	if attribute != "" {
		if v, ok := attributes.Get(attribute); ok && v.Str() != "" {
			return v.Str()
		}
	}
	return own
}
