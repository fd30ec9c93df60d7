package reading

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
)

func text(s string) item.Value { return item.Value{Kind: item.Text, Text: s} }

func TestReadName(t *testing.T) {
	for in, want := range map[string]Name{
		"foundation_jido.signal.dispatch":            {Base: "foundation_jido.signal.dispatch"},
		"foundation_jido.signal.dispatch.start":      {Base: "foundation_jido.signal.dispatch", Phase: "start"},
		"foundation_jido.signal.dispatch.stop":       {Base: "foundation_jido.signal.dispatch", Phase: "complete"},
		"foundation_jido.signal.dispatch.exception":  {Base: "foundation_jido.signal.dispatch", Phase: "failed"},
		"foundation_jido.signal.dispatch.cancelled":  {Base: "foundation_jido.signal.dispatch", Phase: "cancelled"},
		"[:foundation, :span, :end]":                 {Base: "foundation.span", Phase: "complete"},
		`["dspex", "program", "execution", "start"]`: {Base: "dspex.program.execution", Phase: "start"},
		"request.optimize":                           {Base: "foundation_os.request", Operation: "optimize"},
		"request.":                                   {Base: "request."},
		"start":                                      {Base: "start"},
		".start":                                     {Base: ".start"},
		"":                                           {},
		"[]":                                         {Base: "[]"},
		"foundation_jido.coordination.auction.bid_received": {Base: "foundation_jido.coordination.auction.bid_received"},
	} {
		assert.Equal(t, want, ReadName(in), in)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", ":atom": "atom", "Elixir.MyApp.Foo": "MyApp.Foo", "nil": "", ":nil": "", "undefined": "", "": "", ":": ":", "Elixir.": "",
		"\xffa": "\uFFFDa", strings.Repeat("ä", 200): strings.Repeat("ä", 128),
	} {
		got, ok := Text(text(in))
		assert.Equal(t, want, got, in)
		assert.Equal(t, want != "", ok, in)
	}
}

func TestTrue(t *testing.T) {
	for in, want := range map[string][2]bool{
		"true": {true, true}, ":ok": {true, true}, "OK": {true, true}, "{:ok, 3}": {true, true}, "ok": {true, true},
		"false": {false, true}, ":error": {false, true}, "{:error, :timeout}": {false, true},
		"active": {}, "": {}, "200": {}, "{}": {},
	} {
		yes, known := True(text(in))
		assert.Equal(t, want, [2]bool{yes, known}, in)
	}
	yes, known := True(item.Value{Kind: item.Number, Num: 1})
	assert.False(t, yes)
	assert.False(t, known, "a number is no outcome: status 1 is OK in gRPC's numbering and an error in a shell's")
}

func TestUnits(t *testing.T) {
	for unit, want := range map[string]float64{"ms": 1e-3, ":millisecond": 1e-3, "native": 1e-9, "µs": 1e-6, "Seconds": 1, "fortnight": 0, "": 0} {
		assert.InDelta(t, want, Unit(text(unit)), 0, unit)
	}
	for name, want := range map[string]float64{"latency_ms": 1e-3, "x_us": 1e-6, "x_ns": 1e-9, "x_s": 1, "duration": 0, "class": 0} {
		assert.InDelta(t, want, Suffix(name), 0, name)
	}
}

func TestElements(t *testing.T) {
	for in, want := range map[string][]string{
		"{:closed, :open}": {"closed", "open"}, `["a", "b"]`: {"a", "b"}, "[]": {}, "a": nil, "[a": nil, "": nil,
	} {
		assert.Equal(t, want, Elements(in), in)
	}
}
