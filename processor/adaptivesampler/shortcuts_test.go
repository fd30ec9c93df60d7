package adaptivesampler

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/internal/sampling"
	"github.com/foundation-os/otelcol-foundation/processor/adaptivesampler/internal/metadata"
)

// variedSpan is any of the kinds of spans that are decided in different ways.
func variedSpan(rng *rand.Rand) ptrace.Span {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	span := spanOfTrace(randomTraceID(rng), one("low", "lower", "foundation_os.request", "other"), rng.IntN(8) == 0)
	if rng.IntN(20) == 0 {
		span.SetTraceID(pcommon.TraceID{})
	}
	span.TraceState().FromRaw(one("", "", "", "ot=th:0", "ot=th:8", "ot=th:f", "ot=rv:ffffffffffffff", "ot=rv:00000000000000;th:8", "dd=s:1", "ot=th:zz", ",,="))
	switch rng.IntN(6) {
	case 0:
		span.Attributes().PutInt("retry_attempt", 1)
	case 1:
		span.Events().AppendEmpty().SetName("exception")
	case 2:
		span.Attributes().PutStr("foundation_os.event.name", "lower")
	}
	return span
}

// That the hopeless are dropped by their randomness alone changes no decision, no
// tracestate, no count and nothing that is remembered of a trace.
func TestHopelessChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*Config)
		hopeless bool
	}{
		{"one rate", func(c *Config) { c.DefaultRate = 0.1 }, true},
		{"two rates", func(c *Config) { c.DefaultRate, c.Rates = 0.1, map[string]float64{"low": 0.2, "lower": 0.05} }, true},
		{"closed", func(c *Config) { c.DefaultRate, c.FailClosed = 0.1, true }, true},
		{"a floor", func(c *Config) { c.DefaultRate, c.Boosts.ErrorFloor = 0.1, 0.4 }, true},
		{"a floor of 1", func(c *Config) { c.DefaultRate, c.Boosts.ErrorFloor = 0.1, 1 }, false},
		{"all of one name", func(c *Config) { c.DefaultRate, c.Rates = 0.1, map[string]float64{"low": 1} }, false},
		{"none of one name", func(c *Config) { c.DefaultRate, c.Rates = 0.1, map[string]float64{"low": 0} }, false},
		{"nothing", func(c *Config) { c.DefaultRate = 0 }, false},
		{"too small for 56 bits under load", func(c *Config) { c.DefaultRate = 0x1p-56 }, false},
		{"a budget", func(c *Config) { c.DefaultRate, c.Budget.SpansPerSecond = 0.1, 1000 }, false},
	} {
		for _, load := range []float64{0, 0.55, 0.9} { // calm, watched, stepped
			t.Run(fmt.Sprintf("%s at %v", c.name, load), func(t *testing.T) {
				cfg := spanMode()
				cfg.Preset = presetNone
				c.change(cfg)
				now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				made := func() *sampler {
					moving := &movingLoad{value: load}
					m := monitorOf(cfg, moving.signal())
					s, err := newSampler(processortest.NewNopSettings(metadata.Type), cfg, "traces", m)
					require.NoError(t, err)
					s.now = func() time.Time { return now }
					m.tick(now)
					return s
				}
				with, without := made(), made()
				require.Equal(t, c.hopeless, with.hopeless > 0)
				without.hopeless = 0
				a, b := with.begin(), without.begin()
				rng := rand.New(rand.NewPCG(3, 4))
				ids := map[pcommon.TraceID]bool{}
				for range 5000 {
					one := variedSpan(rng)
					other := ptrace.NewSpan()
					one.CopyTo(other)
					require.Equal(t, keep(without, b, spanItem{other}), keep(with, a, spanItem{one}), "%s %q %s", one.TraceID(), one.TraceState().AsRaw(), one.Name())
					require.Equal(t, other.TraceState().AsRaw(), one.TraceState().AsRaw())
					if !one.TraceID().IsEmpty() {
						ids[one.TraceID()] = true
					}
				}
				b.tally.nameMisses, a.tally.nameMisses = 0, 0
				assert.Equal(t, b.tally, a.tally)
				if !a.watched || !c.hopeless {
					return
				}
				seen := a.setting
				with.governor.monitor.history.Change(now, &setting{level: 1})
				a = with.begin()
				a.now = now
				for id := range ids {
					if a.settingOf(id) != seen {
						t.Fatalf("%s is not remembered", id)
					}
				}
			})
		}
	}
}

// A scope of which nothing stays goes, and of the others each span is decided once.
func TestKeepAny(t *testing.T) {
	for _, want := range []string{"", "-", "+", "--", "+-", "-+", "++", "--+--+-", "+-+", "---+", "+---"} {
		spans := ptrace.NewSpanSlice()
		for _, c := range want {
			spans.AppendEmpty().SetName(string(c))
		}
		var asked, left, stays string
		some := keepAny(spans, func(s ptrace.Span) bool {
			asked += s.Name()
			return s.Name() == "-"
		})
		assert.Equal(t, want, asked)
		for _, c := range want {
			if c == '+' {
				stays += "+"
			}
		}
		assert.Equal(t, stays != "", some, want)
		if some { // else nobody looks at them
			for _, s := range spans.All() {
				left += s.Name()
			}
			assert.Equal(t, stays, left, want)
		}
	}
}

// Keys that look like one that tells, by their length or their first letter, tell
// nothing.
func TestKeysThatTell(t *testing.T) {
	for key, want := range map[string]sampling.Content{
		"exception.t": sampling.Failed, "exception.type": sampling.Failed, "exception.message": sampling.Failed, "exception.stacktrace": sampling.Failed,
		"error_context": sampling.Failed, "foundation_os.outcome": sampling.Plain, "retry_attempt": sampling.Retried,
		"": sampling.Plain, "e": sampling.Plain, "exception": sampling.Plain, "exception.": sampling.Plain, "exceptions.type": sampling.Plain,
		"error.context": sampling.Plain, "error_contexts": sampling.Plain, "Error_context": sampling.Plain, "retry.attempt": sampling.Plain,
		"retry_attempts": sampling.Plain, "foundation.os_outcome": sampling.Plain, "foundation_os.outcomes": sampling.Plain, "namespace": sampling.Plain,
	} {
		attributes := pcommon.NewMap()
		attributes.PutStr(key, "1")
		assert.Equal(t, want, contentOf(attributes), key)
		attributes.PutStr(key, "failure")
		switch key {
		case "foundation_os.outcome":
			want = sampling.Failed
		case "retry_attempt":
			want = sampling.Plain
		}
		assert.Equal(t, want, contentOf(attributes), key)
	}
}
