package inference

import (
	"encoding/hex"
	"strings"
)

// TraceID reads a trace id that arrived as text: hex in either case, or a UUID
// with dashes. It is false for zero and for anything else.
func TraceID(s string) (id [16]byte, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(s) != 32 {
		return id, false
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return [16]byte{}, false
	}
	return id, id != [16]byte{}
}

// SpanID reads a span id that arrived as text: hex in either case. It is false
// for zero and for anything else.
func SpanID(s string) (id [8]byte, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) != 16 {
		return id, false
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return [8]byte{}, false
	}
	return id, id != [8]byte{}
}

// Traceparent reads the ids of a W3C traceparent header.
func Traceparent(s string) (trace [16]byte, span [8]byte, ok bool) {
	parts := strings.Split(strings.TrimSpace(s), "-")
	if len(parts) < 4 || len(parts[0]) != 2 {
		return trace, span, false
	}
	trace, okTrace := TraceID(parts[1])
	span, okSpan := SpanID(parts[2])
	return trace, span, okTrace && okSpan
}
