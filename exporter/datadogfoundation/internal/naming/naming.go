package naming

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength bounds metric names and tags, in characters.
const MaxLength = 200

// Metric puts the prefix before a name (unless it is there already) and the
// suffix behind it, and makes the result legal: a letter first, then
// [A-Za-z0-9_.], at most 200 characters, of which the suffix keeps its own. It
// returns "" when nothing of the name can be kept. Changed does not speak of
// the prefix.
func Metric(prefix, name, suffix string) (legal string, changed bool) {
	bare := strings.TrimPrefix(name, prefix)
	clean := bare
	for i := range len(bare) {
		if !isMetricByte(bare[i]) {
			clean = replaceMetric(bare)
			break
		}
	}
	if prefix == "" {
		clean = strings.TrimLeftFunc(clean, func(r rune) bool { return r == '_' || r == '.' || '0' <= r && r <= '9' })
	}
	if strings.Trim(clean, "_.") == "" {
		return "", true
	}
	if room := MaxLength - len(prefix) - len(suffix); len(clean) > room {
		clean = clean[:room]
	}
	changed = clean != bare
	if !changed && suffix == "" && len(name) != len(bare) {
		return name, false
	}
	return prefix + clean + suffix, changed
}

func isMetricByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.'
}

func replaceMetric(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s { // an invalid byte comes as one U+FFFD
		if r < utf8.RuneSelf && isMetricByte(byte(r)) {
			b.WriteByte(byte(r))
			continue
		}
		b.WriteByte('_')
	}
	return b.String()
}

// Tag makes a tag legal: lower case, a letter first, then letters, digits and
// _ - : . /, at most 200 characters. It returns "" when nothing can be kept.
func Tag(tag string) (legal string, changed bool) {
	if isTag(tag) {
		return tag, false
	}
	var b strings.Builder
	b.Grow(min(len(tag), 4*MaxLength))
	n := 0
	for _, r := range tag {
		if n == MaxLength {
			break
		}
		r = unicode.ToLower(r)
		switch {
		case unicode.IsLetter(r):
		case n == 0:
			continue
		case unicode.IsDigit(r), r == '_', r == '-', r == ':', r == '.', r == '/':
		default:
			r = '_'
		}
		b.WriteRune(r)
		n++
	}
	legal = b.String()
	return legal, legal != tag || legal == ""
}

// isTag is the fast path: plain ASCII that is legal as it is.
func isTag(s string) bool {
	if s == "" || len(s) > MaxLength || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if !isTagByte(s[i]) {
			return false
		}
	}
	return true
}

func isTagByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == ':' || c == '.' || c == '/'
}

// Unit is Datadog's name of a UCUM unit, "" when it has none.
func Unit(ucum string) string {
	switch ucum {
	case "ns":
		return "nanosecond"
	case "us", "µs":
		return "microsecond"
	case "ms":
		return "millisecond"
	case "s":
		return "second"
	case "min":
		return "minute"
	case "h":
		return "hour"
	case "d":
		return "day"
	case "By":
		return "byte"
	case "kBy":
		return "kilobyte"
	case "KiBy":
		return "kibibyte"
	case "MBy":
		return "megabyte"
	case "MiBy":
		return "mebibyte"
	case "GBy":
		return "gigabyte"
	case "GiBy":
		return "gibibyte"
	case "bit":
		return "bit"
	case "%":
		return "percent"
	case "Hz":
		return "hertz"
	case "Cel":
		return "degree celsius"
	case "W":
		return "watt"
	case "J":
		return "joule"
	case "V":
		return "volt"
	case "A":
		return "ampere"
	// Annotations that Datadog has a unit for; it refuses others.
	case "{request}", "{connection}", "{error}", "{message}", "{thread}", "{process}", "{operation}", "{packet}", "{event}":
		return ucum[1 : len(ucum)-1]
	}
	return ""
}

// IsPair says whether key:value is a legal tag as it is and all ASCII, without
// making the string.
func IsPair(key, value string) bool {
	if len(key)+1+len(value) > MaxLength || !isTag(key) || value == "" {
		return false
	}
	for i := range len(value) {
		if !isTagByte(value[i]) {
			return false
		}
	}
	return true
}
