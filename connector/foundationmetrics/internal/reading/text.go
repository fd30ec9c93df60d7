package reading

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
)

// maxText bounds an attribute value; a longer one is no dimension but a payload.
const maxText = 256

// Text returns a value as a data point's attribute, false when it says nothing: nil
// arrives as the string "nil" or "undefined".
func Text(v item.Value) (string, bool) {
	switch v.Kind {
	case item.Number:
		return strconv.FormatFloat(v.Num, 'f', -1, 64), !bad(v.Num)
	case item.Bool:
		return strconv.FormatBool(v.Num != 0), true
	case item.Text:
	default:
		return "", false
	}
	s := v.Text
	switch s {
	case "", "nil", "undefined", ":nil", ":undefined":
		return "", false
	}
	if s[0] == ':' && len(s) > 1 {
		s = s[1:] // an inspected atom
	}
	s = strings.TrimPrefix(s, "Elixir.")
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s, s != ""
}

// Number returns a value as a finite number; numbers arrive as strings too.
func Number(v item.Value) (float64, bool) {
	switch v.Kind {
	case item.Number:
		return v.Num, !bad(v.Num)
	case item.Text:
		n, err := strconv.ParseFloat(strings.TrimSpace(v.Text), 64)
		return n, err == nil && !bad(n)
	default:
		return 0, false
	}
}

// Length returns the number of elements, or the number itself when an application
// has counted already.
func Length(v item.Value) (float64, bool) {
	if v.Kind == item.List {
		return float64(v.Len), true
	}
	if elems := Elements(v.Text); v.Kind == item.Text && elems != nil {
		return float64(len(elems)), true
	}
	return Number(v)
}

// Elements splits an inspected list or tuple, [:a, :b] or {:a, :b}; nil when the text
// is neither.
func Elements(s string) []string {
	if len(s) < 2 || len(s) > 4096 || (s[0] != '[' || s[len(s)-1] != ']') && (s[0] != '{' || s[len(s)-1] != '}') {
		return nil
	}
	inner := strings.TrimSpace(s[1 : len(s)-1])
	if inner == "" {
		return []string{}
	}
	parts := strings.Split(inner, ",")
	for i, p := range parts {
		parts[i] = strings.TrimPrefix(strings.Trim(strings.TrimSpace(p), `"`), ":")
	}
	return parts
}

// maxNumber keeps sums finite: no number of samples of this size reaches infinity.
const maxNumber = 1e100

func bad(n float64) bool { return math.IsNaN(n) || math.Abs(n) > maxNumber }

// True says whether a value means yes, and whether it means yes or no at all.
func True(v item.Value) (yes, known bool) {
	switch v.Kind {
	case item.Bool:
		return v.Num != 0, true
	case item.Text:
		switch word(v.Text) {
		case "true", "ok", "success", "succeeded", "yes":
			return true, true
		case "false", "error", "failure", "failed", "no":
			return false, true
		}
	default:
	}
	return false, false
}

// word cuts an outcome down to its leading atom: {:error, :timeout} is error.
func word(s string) string {
	s = strings.TrimPrefix(s, "{")
	s = strings.TrimPrefix(s, ":")
	if i := strings.IndexAny(s, ",} "); i > 0 {
		s = s[:i]
	}
	return strings.ToLower(s)
}

// BreakerState returns the canonical state of a circuit breaker, "" when it is none.
func BreakerState(v item.Value) string {
	s, _ := Text(v)
	switch strings.ToLower(s) {
	case "closed":
		return "closed"
	case "open":
		return "open"
	case "half_open", "half-open", "halfopen":
		return "half_open"
	default:
		return ""
	}
}
