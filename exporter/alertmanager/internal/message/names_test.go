package message

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]struct{ underscore, utf8 string }{
		"severity":                {"severity", "severity"},
		"service.name":            {"service_name", "service.name"},
		"foundation_os.layer":     {"foundation_os_layer", "foundation_os.layer"},
		"a-b/c:d e":               {"a_b_c_d_e", "a-b/c:d e"},
		"9lives":                  {"_9lives", "9lives"},
		"größe":                   {"gr__e", "größe"},
		"_":                       {"_", "_"},
		"bad\xffutf8":             {"bad_utf8", "bad�utf8"},
		"new\nline":               {"new_line", "new\nline"},
		`"}, on()`:                {"____on__", `"}, on()`},
		strings.Repeat("é", 3000): {strings.Repeat("_", 3000), strings.Repeat("é", 3000)},
	} {
		for naming, want := range map[Naming]string{Underscore: want.underscore, UTF8: want.utf8} {
			got, joined := naming.Set([]Pair{{name, "v"}})
			assert.Equal(t, map[string]string{want: "v"}, got)
			assert.Zero(t, joined)
		}
	}
}

// Labels that get one name are joined, whatever their order, and two alerts that
// differ stay two.
func TestNamesThatMeet(t *testing.T) {
	pairs := []Pair{{"a_b", "3"}, {"a.b", "2"}, {"a-b", "1"}, {"a.c", "x"}, {"a_c", "x"}, {"other", "y"}}
	want := map[string]string{"a_b": "1;2;3", "a_c": "x", "other": "y"}
	for range len(pairs) {
		pairs = append(pairs[1:], pairs[0])
		got, joined := Underscore.Set(pairs)
		assert.Equal(t, want, got)
		assert.Equal(t, 3, joined)
	}
	got, joined := UTF8.Set(pairs)
	assert.Len(t, got, 6)
	assert.Zero(t, joined)
}

func TestEmptyIsAbsent(t *testing.T) {
	for _, n := range []Naming{Underscore, UTF8} {
		got, _ := n.Set([]Pair{{"", "v"}, {"n", ""}})
		assert.Empty(t, got)
	}
}

func TestTextsAreCapped(t *testing.T) {
	assert.Equal(t, "a�b", capped("a\xffb"))
	assert.Len(t, capped(strings.Repeat("a", 5000)), maxText)
	long := capped("a" + strings.Repeat("é", 5000))
	assert.Len(t, long, maxText-1, "not through a character")
	assert.True(t, utf8.ValidString(long))
	got, _ := Underscore.Set([]Pair{{"a.b", strings.Repeat("1", 4000)}, {"a_b", strings.Repeat("2", 4000)}})
	assert.Len(t, got["a_b"], maxText)
}
