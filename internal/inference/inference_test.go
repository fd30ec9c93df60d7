package inference

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testLayers(t *testing.T) *Layers {
	t.Helper()
	l, err := NewLayers([]Rule{
		{"foundation", []string{"foundation.", "foundation_"}},
		{"foundation_jido", []string{"foundation_jido.", "jido.", "foundation_jido_"}},
		{"dspex", []string{"dspex."}},
		{"foundation_os", []string{"request."}},
		{"late", []string{"dspex.late."}},
	}, map[string]string{"billing": "dspex"}, []string{"jido_otel", "jido.bridge"}, "unknown")
	require.NoError(t, err)
	return l
}

func TestLayers(t *testing.T) {
	l := testLayers(t)
	for name, want := range map[string]string{
		"foundation.x": "foundation", "foundation_jido.x": "foundation_jido", "foundation_jido_agents": "foundation_jido",
		"foundation_x": "foundation", "dspex.a": "dspex", "dspex.late.a": "late", "dspex": "unknown", "": "unknown",
		"GET /": "unknown", "Foundation.x": "unknown", "\xff": "unknown",
	} {
		assert.Equal(t, want, l.Name(l.ByName(name)), "name %q", name)
	}
	for scope, want := range map[string]string{
		"dspex": "dspex", "dspex.worker": "dspex", "foundation": "foundation", "foundation_jido": "foundation_jido",
		"jido_otel": "unknown", "jido.bridge": "unknown", "": "unknown", "requests": "unknown", "Elixir.dspex.x": "dspex",
	} {
		assert.Equal(t, want, l.Name(l.ByScope(scope)), "scope %q", scope)
	}
	for value, want := range map[string]string{
		"dspex": "dspex", ":dspex": "dspex", "DSPEx": "dspex", "Elixir.DSPEx": "dspex", "physical": "unknown", "unknown": "unknown", "": "unknown",
	} {
		assert.Equal(t, want, l.Name(l.ByValue(value)), "value %q", value)
	}
	assert.Equal(t, "dspex", l.Name(l.ByService("billing")))
	assert.Zero(t, l.ByService("x"))
}

func TestLaterRuleWins(t *testing.T) {
	l, err := NewLayers([]Rule{{"a", []string{"x."}}, {"b", []string{"x."}}}, nil, nil, "unknown")
	require.NoError(t, err)
	assert.Equal(t, "b", l.Name(l.ByName("x.y")))
}

func TestTooManyLayers(t *testing.T) {
	var rules []Rule
	for i := range 300 {
		rules = append(rules, Rule{fmt.Sprint("layer", i), []string{"p"}})
	}
	_, err := NewLayers(rules, nil, nil, "unknown")
	assert.ErrorContains(t, err, "more than 254 layers")
}

func testNames(t *testing.T) *Names {
	return NewNames(Grammar{
		Phases:       map[string]string{"start": "start", "stop": "complete", "complete": "complete", "exception": "failed"},
		Parts:        []string{"bid_received", "state_change"},
		Rename:       map[string]string{"dspex.multi": "dspex.coordination.multi"},
		RenameEvents: map[string]string{"foundation.breaker": "foundation.breaker.state_change"},
		Operations:   map[string]string{"request.": "foundation_os.request"},
	}, testLayers(t))
}

func TestNames(t *testing.T) {
	n := testNames(t)
	for _, c := range []struct {
		raw, phase string
		event      bool
		full       string
		operation  string
	}{
		{"dspex.a.b", "", false, "dspex.a.b", ""},
		{"dspex.a.b.stop", "", false, "dspex.a.b.complete", ""},
		{"dspex.a.b.start.stop", "", false, "dspex.a.b.complete", ""},
		{"dspex.a.exception", "", false, "dspex.a.failed", ""},
		{"dspex.start", "", false, "dspex.start", ""},
		{"[:dspex, :a, :start]", "", false, "dspex.a.start", ""},
		{`["dspex", "a"]`, "", false, "dspex.a", ""},
		{"dspex.multi.start", "", false, "dspex.coordination.multi.start", ""},
		{"dspex.a", "stop", false, "dspex.a.complete", ""},
		{"dspex.a", ":Start", false, "dspex.a.start", ""},
		{"dspex.a", "bid_received", false, "dspex.a.bid_received", ""},
		{"dspex.a.bid_received", "bid_received", false, "dspex.a.bid_received", ""},
		{"dspex.a.start", "bid_received", false, "dspex.a.start", ""},
		{"dspex.a", "warming", false, "dspex.a", ""},
		{"foundation.breaker", "", true, "foundation.breaker.state_change", ""},
		{"foundation.breaker", "", false, "foundation.breaker", ""},
		{"foundation.breaker", "state_change", true, "foundation.breaker.state_change", ""},
		{"request.optimize.stop", "", false, "foundation_os.request.complete", "optimize"},
		{"request.", "", false, "request.", ""},
		{"session.start", "stop", true, "session.start", ""},
		{"  dspex.a ", "", false, "dspex.a", ""},
		{"", "start", true, "", ""},
	} {
		got := n.Complete(n.Parse(c.raw), c.phase, c.event)
		assert.Equal(t, c.full, got.Full(), "%q with phase %q", c.raw, c.phase)
		assert.Equal(t, c.operation, got.Operation, c.raw)
		again := n.Parse(got.Canonical)
		again.Phase = got.Phase // which stands in an attribute of its own by then
		assert.Equal(t, got.Canonical, n.Complete(again, c.phase, c.event).Canonical, "the canonical name of %q stays", c.raw)
	}
}

func TestDotted(t *testing.T) {
	for raw, want := range map[string]string{
		"[:a, :b]": "a.b", "[:a]": "a", `["a","b?"]`: "a.b?", "[]": "", "[": "", "a": "", "[:a, {1}]": "", "[:a,, :b]": "", "[a b]": "",
	} {
		got, ok := Dotted(raw)
		assert.Equal(t, want, got, raw)
		assert.Equal(t, want != "", ok, raw)
	}
}

func TestCleaner(t *testing.T) {
	c := NewCleaner([]string{"nil", "undefined"})
	for raw, want := range map[string]string{
		"nil": "", ":nil": "", "undefined": "", ":undefined": "", "": "", "  ": "", " nil ": "", "Elixir.nil": "",
		"Elixir.MyApp.Foo": "MyApp.Foo", "Elixir.Elixir.A": "A", "Elixir.": "Elixir.", " x ": "x", ":ok": ":ok", "nile": "nile", "Nil": "Nil",
	} {
		got, ok := c.Text(raw)
		assert.Equal(t, want, got, "%q", raw)
		assert.Equal(t, want != "", ok, "%q", raw)
		if ok {
			again, _ := c.Text(got)
			assert.Equal(t, got, again)
		}
	}
	got, ok := c.Atom(":auction")
	assert.Equal(t, "auction", got)
	assert.True(t, ok)
	_, ok = c.Atom(":")
	assert.False(t, ok)
}

func TestOutcomes(t *testing.T) {
	o := NewOutcomes("success", "failure", []string{"true", "ok"}, []string{"false", "error"})
	for word, want := range map[string]string{
		"true": "success", "OK": "success", ":ok": "success", "{:ok, %{a: 1}}": "success", "success": "success",
		"false": "failure", ":error": "failure", "{:error, :timeout}": "failure", "failure": "failure",
		"200": "", "active": "", "": "", "{": "", "nil": "",
	} {
		assert.Equal(t, want, o.Word(word), "%q", word)
	}
	assert.Equal(t, "success", o.Bool(true))
	assert.Equal(t, "failure", o.Bool(false))
}

func TestStates(t *testing.T) {
	states := []string{"closed", "open", "half_open"}
	for raw, want := range map[string]string{
		"open": "open", ":open": "open", "HALF-OPEN": "half_open", "halfOpen": "half_open", "half open": "half_open", "": "", "ajar": "",
	} {
		assert.Equal(t, want, State(raw, states), raw)
	}
	for raw, want := range map[string][2]string{
		"{:closed, :open}": {"closed", "open"}, "[:open, :half_open]": {"open", "half_open"}, "closed -> open": {"closed", "open"},
		"half-open->closed": {"half_open", "closed"}, "closed>open": {"closed", "open"}, `["closed", "open"]`: {"closed", "open"},
		"closed": {}, "": {}, "{:closed, :open, :closed}": {}, "{:a, :b}": {},
	} {
		from, to, ok := StatePair(raw, states)
		assert.Equal(t, want, [2]string{from, to}, raw)
		assert.Equal(t, want[0] != "", ok, raw)
	}
}

func TestIDs(t *testing.T) {
	want := [16]byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	for _, raw := range []string{"0af7651916cd43dd8448eb211c80319c", "0AF7651916CD43DD8448EB211C80319C", "0af76519-16cd-43dd-8448-EB211C80319C", " 0af7651916cd43dd8448eb211c80319c "} {
		got, ok := TraceID(raw)
		assert.True(t, ok, raw)
		assert.Equal(t, want, got, raw)
	}
	for _, raw := range []string{"", "nil", "00000000000000000000000000000000", "0af7651916cd43dd8448eb211c80319", "zaf7651916cd43dd8448eb211c80319c", "0af76519-16cd-43dd-8448eb211c80319c0000"} {
		got, ok := TraceID(raw)
		assert.False(t, ok, raw)
		assert.Zero(t, got)
	}
	span, ok := SpanID("00F067AA0BA902B7")
	assert.True(t, ok)
	assert.Equal(t, [8]byte{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7}, span)
	_, ok = SpanID("0000000000000000")
	assert.False(t, ok)
	tr, sp, ok := Traceparent("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")
	assert.True(t, ok)
	assert.Equal(t, want, tr)
	assert.Equal(t, span, sp)
	_, _, ok = Traceparent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01")
	assert.False(t, ok)
}

func TestUnits(t *testing.T) {
	for name, want := range map[string]Unit{"native": 1e9, ":nanosecond": 1e9, "us": 1e6, "µs": 1e6, "Millisecond": 1e3, "s": 1, "hours": 0, "": 0} {
		assert.Equal(t, want, ParseUnit(name), name)
	}
	assert.Equal(t, Unit(1e3), SuffixUnit("duration_ms"))
	assert.Zero(t, SuffixUnit("duration"))
	for _, c := range []struct {
		value, length float64
		want          Unit
	}{
		{12e6, 0.012, 1e9},
		{11800, 0.012, 1e6},
		{12, 0.012, 1e3},
		{0.012, 0.012, 1},
		{77, 0.012, 0},
		{0, 1, 0},
		{1, 0, 0},
		{-1, 1, 0},
		{math.NaN(), 1, 0},
		{math.Inf(1), 1, 0},
	} {
		assert.Equal(t, c.want, Calibrate(c.value, c.length), "%v in a span of %v s", c.value, c.length)
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		_, ok := Seconds(bad, 1)
		assert.False(t, ok)
	}
}

func TestNumbers(t *testing.T) {
	for raw, want := range map[string]float64{"1": 1, "-2.5": -2.5, "1e3": 1000} {
		got, ok := Number(raw)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	for _, raw := range []string{"", "NaN", "Inf", "[REDACTED]", "1 s", "0x"} {
		_, ok := Number(raw)
		assert.False(t, ok, raw)
	}
	i, ok := Int("3.0")
	assert.True(t, ok)
	assert.EqualValues(t, 3, i)
	_, ok = Int("3.5")
	assert.False(t, ok)
}

func TestTimestamp(t *testing.T) {
	now := time.Date(2025, 6, 27, 12, 0, 0, 0, time.UTC)
	for _, unit := range []int64{1, 1e3, 1e6, 1e9} {
		got, ok := Timestamp(now.Add(-time.Hour).UnixNano()/unit, now)
		assert.True(t, ok)
		assert.True(t, got.Equal(now.Add(-time.Hour)))
	}
	for _, bad := range []int64{0, -1, 12345, math.MaxInt64, math.MinInt64, now.Add(25 * time.Hour).UnixMilli()} {
		_, ok := Timestamp(bad, now)
		assert.False(t, ok, "%d", bad)
	}
}

func TestSeverity(t *testing.T) {
	for level, want := range map[string]int32{
		"debug": 5, ":info": 9, "NOTICE": 10, "warning": 13, "error": 17, "critical": 18, "alert": 19, "emergency": 21, "": 0, "loud": 0,
	} {
		assert.Equal(t, want, Severity(level), level)
	}
}

func TestKeys(t *testing.T) {
	k := NewKeys([]string{"jido_trace_id", "order"}, []string{"[redacted]", "null"})
	trace, ok := TraceID("0197b0f27e5a7c3d8f10aabbccddeeff")
	assert.True(t, ok)
	for _, form := range []string{"0197B0F2-7E5A-7C3D-8F10-AABBCCDDEEFF", "0197b0f2-7e5a-7c3d-8f10-aabbccddeeff", "0197b0f27e5a7c3d8f10aabbccddeeff"} {
		for i := range 2 {
			id, ok := k.Of(i, form)
			assert.True(t, ok)
			assert.Equal(t, trace, id, "a trace is the same under every key")
		}
	}
	a, _ := k.Of(0, "o-17")
	again, _ := k.Of(0, "o-17")
	other, _ := k.Of(0, "o-18")
	elsewhere, _ := k.Of(1, "o-17")
	assert.Equal(t, a, again)
	assert.NotEqual(t, a, other)
	assert.NotEqual(t, a, elsewhere, "another attribute's value is another key")
	for _, nothing := range []string{"[REDACTED]", "null", "NULL", "0", "00000000000000000000000000000000", "00000000-0000-0000-0000-000000000000", ""} {
		_, ok := k.Of(0, nothing)
		assert.False(t, ok, nothing)
	}
}
