package naming

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMetric(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		prefix, name, suffix, want string
		changed                    bool
	}{
		{"p.", "a.b_c1", "", "p.a.b_c1", false},
		{"p.", "p.a", "", "p.a", false},
		{"p.", "p.a", ".count", "p.a.count", false},
		{"p.", "p.", "", "", true},
		{"p.", "1a", "", "p.1a", false},
		{"", "1a", "", "a", true},
		{"", "_..7", "", "", true},
		{"p.", "é-ü b", "", "p.____b", true},
		{"p.", "\xff\xfe", "", "", true},
		{"p.", "", "", "", true},
		{"p.", long, "", "p." + long[:198], true},
		{"p.", long, ".quantile", "p." + long[:189] + ".quantile", true},
	} {
		got, changed := Metric(c.prefix, c.name, c.suffix)
		assert.Equal(t, c.want, got, c.name)
		assert.Equal(t, c.changed, changed, c.name)
	}
}

func TestTag(t *testing.T) {
	for in, want := range map[string]string{
		"a:b": "a:b", "Env:Prod": "env:prod", "a b:c,d": "a_b:c_d", "9a:b": "a:b", "": "", ":::": "", "1234": "",
		"é:ü": "é:ü", "a:\xff": "a:_", "url:http://x/y?z": "url:http://x/y_z", "a:" + strings.Repeat("é", 300): "a:" + strings.Repeat("é", 198),
	} {
		got, changed := Tag(in)
		assert.Equal(t, want, got, in)
		assert.Equal(t, in != want || in == "", changed, in)
		again, _ := Tag(got)
		assert.Equal(t, got, again, "normalising twice is the same")
	}
}

func TestIsPairAgreesWithTag(t *testing.T) {
	for _, kv := range [][2]string{{"a", "b"}, {"a", ""}, {"", "b"}, {"A", "b"}, {"a", "B"}, {"a", "x y"}, {"a", strings.Repeat("b", 198)}, {"a", strings.Repeat("b", 199)}} {
		legal, changed := Tag(kv[0] + ":" + kv[1])
		assert.Equal(t, IsPair(kv[0], kv[1]), !changed && legal != "" && kv[1] != "", "%v", kv)
	}
}

func TestUnit(t *testing.T) {
	assert.Equal(t, "second", Unit("s"))
	assert.Equal(t, "request", Unit("{request}"))
	assert.Empty(t, Unit("{auction}"))
	assert.Empty(t, Unit("1"))
}
