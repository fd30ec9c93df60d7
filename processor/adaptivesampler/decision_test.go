package adaptivesampler

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The golden table through the whole processor: names of the preset, real
// errors and retries, the ladder, and the tracestate that comes out.
func TestGoldenRates(t *testing.T) {
	f, err := os.Open("../../internal/sampling/testdata/golden_rates.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 61)
	for i, row := range rows[1:] {
		for _, name := range strings.Split(row[0], "|") {
			switch name {
			case "auction":
				name = "foundation_jido.coordination.auction"
			case "optimization_iteration":
				name = "dspex.optimization.iteration"
			case "error":
				name = "foundation_os.error.occurred"
			}
			value, err := strconv.ParseFloat(row[3], 64)
			require.NoError(t, err)
			cfg := spanMode()
			cfg.Boosts.Critical.Contains = []string{}
			if row[4] == "1" {
				cfg.Boosts.Critical.Contains = []string{name}
			}
			h := newHarness(t, cfg, fixedLoad(value))
			out, kept := h.span(func(s ptrace.Span) {
				s.SetName(name)
				s.SetTraceID(traceID(1<<56 - 1)) // kept at every rate
				switch {
				case row[2] == "0":
				case i%2 == 0:
					s.Attributes().PutInt("retry_attempt", 1)
				default:
					s.Status().SetCode(ptrace.StatusCodeError)
				}
			})
			require.True(t, kept, "%v", row)
			assert.Equal(t, "ot=th:"+row[7], out.TraceState().AsRaw(), "%s %v", name, row)
			count, _ := h.value("adjusted_count", "traces")
			want, err := strconv.ParseFloat(row[8], 64)
			require.NoError(t, err)
			assert.InEpsilon(t, want, count, 1e-3, "%v", row)
			h.stop()
		}
	}
}

// What comes in, at a rate of 0.5 (threshold 8), and what goes out. r is the
// randomness of the trace id.
func TestTraceState(t *testing.T) {
	const low, high = "40000000000000", "c0000000000000"
	cfg := quiet(func(c *Config) { c.Preset, c.DefaultRate = presetNone, 0.5 })
	closed := quiet(func(c *Config) { c.Preset, c.DefaultRate, c.FailClosed = presetNone, 0.5, true })
	long := "ot=x:" + strings.Repeat("y", 250)
	for _, tt := range []struct {
		name, r, in string
		kept        bool
		out         string
		closed      bool // whether it is kept when failing closed
		reason      string
	}{
		{"nothing, above", high, "", true, "ot=th:8", true, "kept sampled"},
		{"nothing, below", low, "", false, "", false, "dropped sampled_out"},
		{"nothing, exactly", "80000000000000", "", true, "ot=th:8", true, "kept sampled"},
		{"raised", high, "ot=th:4", true, "ot=th:8", true, "kept sampled"},
		{"always before", high, "ot=th:0", true, "ot=th:8", true, "kept sampled"},
		{"raised and dropped", low, "ot=th:4", false, "", false, "dropped sampled_out"},
		{"equal", high, "ot=th:8", true, "ot=th:8", true, "kept sampled"},
		{"not lowered", high, "ot=th:c", true, "ot=th:c", true, "kept sampled"},
		{"not lowered, more digits", "ffffffffffffff", "ot=th:fff", true, "ot=th:fff", true, "kept sampled"},
		{"inconsistent, erased, kept", high, "ot=th:f", true, "ot=th:8", true, "kept sampled"},
		{"inconsistent, erased, dropped", low, "ot=th:c", false, "", false, "dropped sampled_out"},
		{"rv decides, kept", low, "ot=rv:" + high, true, "ot=rv:" + high + ";th:8", true, "kept sampled"},
		{"rv decides, dropped", high, "ot=rv:" + low, false, "", false, "dropped sampled_out"},
		{"rv makes th inconsistent", high, "ot=rv:" + low + ";th:8", false, "", false, "dropped sampled_out"},
		{"rv and th", low, "ot=th:4;rv:" + high, true, "ot=rv:" + high + ";th:8", true, "kept sampled"},
		{"unknown sub-keys stay", high, "ot=a:1;th:4;b:2", true, "ot=th:8;a:1;b:2", true, "kept sampled"},
		{"vendors stay, ours first", high, "dd=s:1,ot=th:4,vendor=x y", true, "ot=th:8,dd=s:1,vendor=x y", true, "kept sampled"},
		{"vendors alone", high, "dd=s:1,vendor=x", true, "ot=th:8,dd=s:1,vendor=x", true, "kept sampled"},
		{"unchanged where it need not be", high, "dd=s:1,ot=th:c", true, "dd=s:1,ot=th:c", true, "kept sampled"},
		{"broken th", low, "ot=th:xyz", true, "ot=th:xyz", false, "kept malformed"},
		{"long th", low, "ot=th:123456789abcdef", true, "ot=th:123456789abcdef", false, "kept malformed"},
		{"short rv", low, "ot=rv:12", true, "ot=rv:12", false, "kept malformed"},
		{"no syntax", low, "???", true, "???", false, "kept malformed"},
		{"invalid UTF-8", low, "ot=\xff", true, "ot=\xff", false, "kept malformed"},
		{"no room for th", high, long, true, long, false, "kept malformed"},
		{"no room, dropped anyway", low, long, false, "", false, "dropped sampled_out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := strconv.ParseUint(tt.r, 16, 64)
			require.NoError(t, err)
			h := newHarness(t, cfg)
			defer h.stop()
			change := func(s ptrace.Span) {
				s.SetTraceID(traceID(r))
				s.TraceState().FromRaw(tt.in)
			}
			out, kept := h.span(change)
			assert.Equal(t, tt.kept, kept)
			assert.Equal(t, map[string]int64{"traces " + tt.reason: 1}, h.items())
			if kept {
				assert.Equal(t, tt.out, out.TraceState().AsRaw())
			}
			inconsistent, _ := h.value("inconsistent_thresholds", "traces")
			want := 0.0
			if strings.HasPrefix(tt.name, "inconsistent") || tt.name == "rv makes th inconsistent" {
				want = 1
			}
			assert.Equal(t, want, inconsistent)

			shut := newHarness(t, closed)
			defer shut.stop()
			_, kept = shut.span(change)
			assert.Equal(t, tt.closed, kept, "fail_closed")
		})
	}
}

func TestZeroTraceID(t *testing.T) {
	zero := func(s ptrace.Span) { s.SetTraceID([16]byte{}) }
	h := newHarness(t, quiet(func(c *Config) { c.DefaultRate = 0.5 }))
	out, kept := h.span(zero)
	assert.True(t, kept)
	assert.Empty(t, out.TraceState().AsRaw(), "it was not sampled")
	assert.Equal(t, map[string]int64{"traces kept no_randomness": 1}, h.items())
	h.stop()

	h = newHarness(t, quiet(func(c *Config) { c.DefaultRate, c.FailClosed = 0.5, true }))
	_, kept = h.span(zero)
	assert.False(t, kept)
	_, kept = h.span(func(s ptrace.Span) { zero(s); s.TraceState().FromRaw("ot=rv:ffffffffffffff") })
	assert.True(t, kept, "rv is randomness")
	h.stop()
}

func TestZeroAndFullRates(t *testing.T) {
	h := newHarness(t, quiet(func(c *Config) { c.Rates = map[string]float64{"never": 0, "always": 1} }))
	defer h.stop()
	_, kept := h.span(func(s ptrace.Span) { s.SetName("never.again"); s.SetTraceID(traceID(1<<56 - 1)) })
	assert.False(t, kept)
	_, kept = h.span(func(s ptrace.Span) { s.SetName("never"); s.TraceState().FromRaw("broken") })
	assert.False(t, kept, "what is broken has a rate too")
	out, kept := h.span(func(s ptrace.Span) { s.SetName("always"); s.SetTraceID(traceID(0)) })
	assert.True(t, kept)
	assert.Equal(t, "ot=th:0", out.TraceState().AsRaw(), "also at 1")
	assert.Equal(t, map[string]int64{"traces dropped zero_rate": 2, "traces kept sampled": 1}, h.items())
}

// The name: the attribute first, then the item's own; exact, else the longest
// prefix.
func TestName(t *testing.T) {
	h := newHarness(t, quiet(func(c *Config) {
		c.Preset, c.DefaultRate = presetNone, 0.5
		c.Rates = map[string]float64{"a": 0.25, "a.b": 0.125}
	}))
	defer h.stop()
	for _, tt := range []struct{ own, attribute, th string }{
		{"a", "", "c"},
		{"a.b", "", "e"},
		{"a.b.complete", "", "e"},
		{"a.bc", "", "c"},
		{"", "", "8"},
		{"a", "a.b", "e"},
		{"a", "other", "8"},
	} {
		out, kept := h.span(func(s ptrace.Span) {
			s.SetTraceID(traceID(1<<56 - 1))
			s.SetName(tt.own)
			if tt.attribute != "" {
				s.Attributes().PutStr("foundation_os.event.name", tt.attribute)
			}
		})
		require.True(t, kept)
		assert.Equal(t, "ot=th:"+tt.th, out.TraceState().AsRaw(), "%v", tt)
		record, kept := h.log(func(r plog.LogRecord) {
			r.SetTraceID(traceID(1<<56 - 1))
			r.SetEventName(tt.own)
			if tt.attribute != "" {
				r.Attributes().PutStr("foundation_os.event.name", tt.attribute)
			}
		})
		require.True(t, kept)
		assert.Equal(t, map[string]any{"sampling.threshold": tt.th, "sampling.randomness": "ffffffffffffff"}, withoutName(record), "%v", tt)
	}
	out, kept := h.span(func(s ptrace.Span) {
		s.SetTraceID(traceID(1<<56 - 1))
		s.SetName("a")
		s.Attributes().PutInt("foundation_os.event.name", 5)
	})
	require.True(t, kept)
	assert.Equal(t, "ot=th:c", out.TraceState().AsRaw(), "a name is a string")
}

func withoutName(r plog.LogRecord) map[string]any {
	m := r.Attributes().AsRaw()
	delete(m, "foundation_os.event.name")
	return m
}

// What counts as an error or a retry: a rate of 0.25 is doubled, and errors
// have a floor of 0.75.
func TestContent(t *testing.T) {
	const plain, retried, failed = "c", "8", "4"
	h := newHarness(t, quiet(func(c *Config) { c.Preset, c.DefaultRate, c.Boosts.ErrorFloor = presetNone, 0.25, 0.75 }))
	defer h.stop()
	for _, tt := range []struct {
		key   string
		value any
		want  string
	}{
		{"other", "x", plain},
		{"foundation_os.outcome", "failure", failed},
		{"foundation_os.outcome", "success", plain},
		{"foundation_os.outcome", 1, plain},
		{"error_context", "timeout", failed},
		{"error_context", true, failed},
		{"error_context", "true", failed},
		{"error_context", 1, failed},
		{"error_context", 0.5, failed},
		{"error_context", map[string]any{"kind": "timeout"}, failed},
		{"error_context", []any{"timeout"}, failed},
		{"error_context", []byte("x"), failed},
		{"error_context", false, plain},
		{"error_context", "false", plain},
		{"error_context", "nil", plain},
		{"error_context", "undefined", plain},
		{"error_context", "", plain},
		{"error_context", 0, plain},
		{"error_context", map[string]any{}, plain},
		{"error_context", []any{}, plain},
		{"error_context", nil, plain},
		{"exception.type", "RuntimeError", failed},
		{"exception.message", "boom", failed},
		{"exception.message", "nil", plain},
		{"exception.", "x", plain},
		{"exceptional", "x", plain},
		{"retry_attempt", 1, retried},
		{"retry_attempt", 0, plain},
		{"retry_attempt", -1, plain},
		{"retry_attempt", 2.0, retried},
		{"retry_attempt", "3", retried},
		{"retry_attempt", "0", plain},
		{"retry_attempt", "[REDACTED]", plain},
		{"retry_attempt", "NaN", plain},
		{"retry_attempt", true, plain},
		{"retry_attempts", 1, plain},
	} {
		out, kept := h.span(func(s ptrace.Span) {
			s.SetTraceID(traceID(1<<56 - 1))
			require.NoError(t, s.Attributes().PutEmpty(tt.key).FromRaw(tt.value))
		})
		require.True(t, kept)
		assert.Equal(t, "ot=th:"+tt.want, out.TraceState().AsRaw(), "%s=%v", tt.key, tt.value)
		record, kept := h.log(func(r plog.LogRecord) {
			r.SetTraceID(traceID(1<<56 - 1))
			require.NoError(t, r.Attributes().PutEmpty(tt.key).FromRaw(tt.value))
		})
		require.True(t, kept)
		assert.Equal(t, tt.want, record.Attributes().AsRaw()["sampling.threshold"], "%s=%v", tt.key, tt.value)
	}
	top := traceID(1<<56 - 1)
	for _, tt := range []struct {
		name   string
		change func(ptrace.Span)
		want   string
	}{
		{"status", func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }, failed},
		{"status ok", func(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeOk) }, plain},
		{"exception event", func(s ptrace.Span) { s.Events().AppendEmpty(); s.Events().AppendEmpty().SetName("exception") }, failed},
		{"other event", func(s ptrace.Span) { s.Events().AppendEmpty().SetName("exceptional") }, plain},
		{"retry and error", func(s ptrace.Span) {
			s.Attributes().PutInt("retry_attempt", 2)
			s.Attributes().PutStr("exception.type", "E")
		}, failed},
	} {
		out, kept := h.span(func(s ptrace.Span) { s.SetTraceID(top); tt.change(s) })
		require.True(t, kept)
		assert.Equal(t, "ot=th:"+tt.want, out.TraceState().AsRaw(), tt.name)
	}
	for severity, want := range map[plog.SeverityNumber]string{
		plog.SeverityNumberUnspecified: plain, plog.SeverityNumberWarn4: plain, plog.SeverityNumberError: failed, plog.SeverityNumberFatal4: failed,
	} {
		record, kept := h.log(func(r plog.LogRecord) { r.SetTraceID(top); r.SetSeverityNumber(severity) })
		require.True(t, kept)
		assert.Equal(t, want, record.Attributes().AsRaw()["sampling.threshold"], severity.String())
	}
}

func TestLogs(t *testing.T) {
	cfg := func(hash string, closed bool) *Config {
		return quiet(func(c *Config) {
			c.Preset, c.DefaultRate, c.Logs.HashAttribute, c.FailClosed = presetNone, 0.5, hash, closed
		})
	}
	const high, low = uint64(0xc0000000000000), uint64(0x40000000000000)
	for _, tt := range []struct {
		name   string
		cfg    *Config
		change func(plog.LogRecord)
		want   map[string]any // nil: dropped
		reason string
	}{
		{
			"kept", cfg("", false), func(r plog.LogRecord) { r.SetTraceID(traceID(high)) },
			map[string]any{"sampling.threshold": "8", "sampling.randomness": "c0000000000000"},
			"kept sampled",
		},
		{"dropped", cfg("", false), func(r plog.LogRecord) { r.SetTraceID(traceID(low)) }, nil, "dropped sampled_out"},
		{"randomness of its own", cfg("", false), func(r plog.LogRecord) {
			r.SetTraceID(traceID(low))
			r.Attributes().PutStr("sampling.randomness", "90000000000000")
		}, map[string]any{"sampling.threshold": "8", "sampling.randomness": "90000000000000"}, "kept sampled"},
		{"threshold not lowered", cfg("", false), func(r plog.LogRecord) {
			r.SetTraceID(traceID(high))
			r.Attributes().PutStr("sampling.threshold", "c")
		}, map[string]any{"sampling.threshold": "c", "sampling.randomness": "c0000000000000"}, "kept sampled"},
		{"inconsistent threshold", cfg("", false), func(r plog.LogRecord) {
			r.SetTraceID(traceID(high))
			r.Attributes().PutStr("sampling.threshold", "f")
		}, map[string]any{"sampling.threshold": "8", "sampling.randomness": "c0000000000000"}, "kept sampled"},
		{"no trace id", cfg("", false), func(r plog.LogRecord) { r.SetTraceID([16]byte{}) }, map[string]any{}, "kept no_randomness"},
		{"no trace id, closed", cfg("", true), func(r plog.LogRecord) { r.SetTraceID([16]byte{}) }, map[string]any{}, "kept no_randomness"},
		{"hashed, kept", cfg("request_id", false), func(r plog.LogRecord) {
			r.SetTraceID([16]byte{})
			r.Attributes().PutStr("request_id", "abc")
		}, map[string]any{"sampling.threshold": "8", "sampling.randomness": "bc2cf5ad770999", "request_id": "abc"}, "kept sampled"},
		{"hashed, dropped", cfg("request_id", false), func(r plog.LogRecord) {
			r.SetTraceID([16]byte{})
			r.Attributes().PutStr("request_id", "a")
		}, nil, "dropped sampled_out"},
		{"hashed, but a missing value", cfg("request_id", false), func(r plog.LogRecord) {
			r.SetTraceID([16]byte{})
			r.Attributes().PutStr("request_id", "nil")
		}, map[string]any{"request_id": "nil"}, "kept no_randomness"},
		{"the trace id before the hash", cfg("request_id", false), func(r plog.LogRecord) {
			r.SetTraceID(traceID(high))
			r.Attributes().PutStr("request_id", "req-1")
		}, map[string]any{"sampling.threshold": "8", "sampling.randomness": "c0000000000000", "request_id": "req-1"}, "kept sampled"},
		{
			"broken threshold", cfg("", false), func(r plog.LogRecord) { r.Attributes().PutStr("sampling.threshold", "q") },
			map[string]any{"sampling.threshold": "q"},
			"kept malformed",
		},
		{
			"threshold of another type", cfg("", false), func(r plog.LogRecord) { r.Attributes().PutInt("sampling.threshold", 8) },
			map[string]any{"sampling.threshold": int64(8)},
			"kept malformed",
		},
		{"broken randomness, closed", cfg("", true), func(r plog.LogRecord) { r.Attributes().PutStr("sampling.randomness", "1") }, nil, "dropped malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, tt.cfg)
			defer h.stop()
			record, kept := h.log(tt.change)
			assert.Equal(t, tt.want != nil, kept)
			assert.Equal(t, map[string]int64{"logs " + tt.reason: 1}, h.items())
			if kept {
				assert.Equal(t, tt.want, record.Attributes().AsRaw())
			}
		})
	}
}

// A span and the log records of its trace share one fate at one rate.
func TestLogsFollowTheirSpans(t *testing.T) {
	h := newHarness(t, quiet(nil))
	defer h.stop()
	for i := range 256 {
		id := traceID(uint64(i)<<48 | 0x123456789abc)
		_, span := h.span(func(s ptrace.Span) { s.SetTraceID(id); s.SetName("foundation_jido.signal.dispatch") })
		_, record := h.log(func(r plog.LogRecord) { r.SetTraceID(id); r.SetEventName("foundation_jido.signal.dispatch.start") })
		assert.Equal(t, span, record)
	}
}
