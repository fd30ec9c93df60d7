package adaptivesampler

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/probabilisticsamplerprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

// The facts of W3C trace context level 2, of OpenTelemetry's specification
// (tracestate handling, probability sampling; OTEP 235) and of contrib's
// probabilistic_sampler, in one table that runs through this processor in all
// its modes and through that peer. What is dropped comes out as "-".
const out = "-"

// A peer is contrib's sampler in one of its modes. Equalizing is the peer of
// what is built here; proportional multiplies the rate with the one that an
// item comes with, and agrees where that is 1.
const (
	equalizing   = "equalizing"
	proportional = "proportional"

	oursTrace = ours + "trace"
	ours      = "ours, mode "
)

// fact is one span: its randomness in the trace id, its tracestate, the rate in
// percent (as the peer has it), and what comes out.
type fact struct {
	name      string
	percent   float32
	precision int // 0: 4, the default of both
	closed    bool
	r, in     string
	want      string
	// others are the implementations that differ, with what they do.
	others map[string]string
}

const top = "ffffffffffffff"

// spanFacts: in their order the encoding of a probability, the decision, what a
// later stage may do, and what to make of nonsense.
var spanFacts = []fact{
	// The threshold of a probability, and its digits.
	{name: "all", percent: 100, r: "00000000000000", want: "ot=th:0"},
	{name: "none", percent: 0, r: top, want: out},
	{name: "a half", percent: 50, r: top, want: "ot=th:8"},
	{name: "a quarter", percent: 25, r: top, want: "ot=th:c"},
	{name: "15 of 16", percent: 93.75, r: top, want: "ot=th:1"},
	{name: "1 of 16", percent: 6.25, r: top, want: "ot=th:f"},
	{name: "a third, 3 digits", percent: 100.0 / 3, precision: 3, r: top, want: "ot=th:aab"},
	{name: "a third", percent: 100.0 / 3, r: top, want: "ot=th:aaab"},
	{name: "two thirds", percent: 200.0 / 3, r: top, want: "ot=th:5555"},
	{name: "a tenth", percent: 10, r: top, want: "ot=th:e666"},
	{name: "1 %, 3 digits beyond the f", percent: 1, precision: 3, r: top, want: "ot=th:fd71"},
	{name: "1 %, 4 digits beyond the f", percent: 1, r: top, want: "ot=th:fd70a"},
	{name: "1 %, 5 digits beyond the f, the specification's example", percent: 1, precision: 5, r: top, want: "ot=th:fd70a4"},
	{name: "1 %, all digits", percent: 1, precision: 14, r: top, want: "ot=th:fd70a3d70a3d71"},
	{name: "one less of a million", percent: (1 - 8e-7) * 100, precision: 10, r: top, want: "ot=th:00000cccccccd"},
	{name: "2^-14", percent: 100 * 0x1p-14, r: top, want: "ot=th:fffc"},

	// R >= T keeps.
	{name: "R = T", percent: 50, r: "80000000000000", want: "ot=th:8"},
	{name: "R = T-1", percent: 50, r: "7fffffffffffff", want: out},
	{name: "49 % of R = 0.5", percent: 49, r: "80000000000000", want: out},
	{name: "25 %, above", percent: 25, r: "c0000000000000", want: "ot=th:c"},
	{name: "25 %, below", percent: 25, r: "b0000000000000", want: out},
	{name: "1 % by the trace id", percent: 1, r: "fe000000000000", want: "ot=th:fd70a"},
	{name: "the rounded threshold decides: down", percent: 1, in: "ot=rv:FD70A3D70A3D71", want: "ot=rv:FD70A3D70A3D71;th:fd70a"},
	{name: "the rounded threshold decides: up", percent: 1, precision: 3, in: "ot=rv:FD70A3D70A3D71", want: out},
	{name: "the last digit decides: kept", percent: 1, precision: 14, in: "ot=rv:FD70A3D70A3D71", want: "ot=rv:FD70A3D70A3D71;th:fd70a3d70a3d71"},
	{name: "the last digit decides: dropped", percent: 1, precision: 14, in: "ot=rv:FD70A3D70A3D70", want: out},

	// rv stands in for the trace id, and stays.
	{name: "the specification's rv, 41.1 %", percent: 41.1, r: top, in: "ot=rv:6e6d1a75832a2f", want: out},
	{name: "the specification's rv, 57 %", percent: 57, r: "00000000000000", in: "ot=rv:6e6d1a75832a2f", want: "ot=rv:6e6d1a75832a2f;th:6e14"},
	{name: "rv keeps", percent: 50, r: "00000000000000", in: "ot=rv:9b8233f7e3a151", want: "ot=rv:9b8233f7e3a151;th:8"},
	{name: "rv after th:0", percent: 50, r: "00000000000000", in: "ot=th:0;rv:9b8233f7e3a151", want: "ot=rv:9b8233f7e3a151;th:8"},
	{name: "rv drops", percent: 50, r: top, in: "ot=rv:7b8233f7e3a151", want: out},
	{name: "rv without a trace id", percent: 50, in: "ot=rv:9b8233f7e3a151", want: "ot=rv:9b8233f7e3a151;th:8"},
	{name: "40 %, 3 digits, rv", percent: 40, precision: 3, in: "ot=rv:a0000000000000", want: "ot=rv:a0000000000000;th:99a"},

	// A later stage raises the threshold, and never lowers it.
	{name: "50 % after all", percent: 50, r: top, in: "ot=th:0", want: "ot=th:8"},
	{name: "25 % after 50 %, kept", percent: 25, r: top, in: "ot=th:8", want: "ot=th:c", others: map[string]string{proportional: "ot=th:e"}},
	{name: "25 % after 50 %, dropped", percent: 25, r: "80000000000000", in: "ot=th:8", want: out},
	{name: "40 % after 50 %", percent: 40, precision: 6, r: "d0000000000000", in: "ot=th:8", want: "ot=th:99999a", others: map[string]string{proportional: "ot=th:cccccd"}},
	{name: "40 % after 50 %, between", percent: 40, precision: 3, r: "b0000000000000", in: "ot=th:8", want: "ot=th:99a", others: map[string]string{proportional: out}},
	{name: "40 % after 50 %, below", percent: 40, precision: 3, r: "80000000000000", in: "ot=th:8", want: out},
	{name: "50 % after 50 %", percent: 50, in: "ot=rv:c0000000000000;th:8", want: "ot=rv:c0000000000000;th:8", others: map[string]string{proportional: "ot=rv:c0000000000000;th:c"}},
	{name: "50 % after 25 %", percent: 50, r: top, in: "ot=th:c", want: "ot=th:c", others: map[string]string{proportional: "ot=th:e"}},
	{name: "all after 25 %", percent: 100, r: top, in: "ot=th:c", want: "ot=th:c"},
	{name: "2^-14 after 2^-14", percent: 100 * 0x1p-14, r: top, in: "ot=th:fffc", want: "ot=th:fffc", others: map[string]string{proportional: "ot=th:fffffff"}},
	{name: "a threshold near the end", percent: 0x1p-4, r: top, in: "ot=th:fffffffffffff8", want: "ot=th:fffffffffffff8", others: map[string]string{proportional: out}},
	// The sender's zeros mean nothing; the peer leaves them out, we what it wrote.
	{
		name: "50 % after 50 % with zeros", percent: 50, in: "ot=rv:90000000000000;th:80000000000000", want: "ot=rv:90000000000000;th:80000000000000",
		others: map[string]string{equalizing: "ot=rv:90000000000000;th:8", proportional: out},
	},

	// Whatever else is in the tracestate stays.
	{name: "another vendor", percent: 50, r: top, in: "dd=s:1,congo=t61rcWkgMzE", want: "ot=th:8,dd=s:1,congo=t61rcWkgMzE"},
	{name: "another vendor before ours", percent: 50, r: top, in: "dd=s:1,ot=th:0", want: "ot=th:8,dd=s:1"},
	{name: "unknown sub-keys", percent: 50, r: top, in: "ot=p:8;th:0;xy:a.b_-", want: "ot=th:8;p:8;xy:a.b_-"},
	{name: "a tenant's ot is not ours", percent: 50, r: top, in: "ot@tenant=th:f", want: "ot=th:8,ot@tenant=th:f"},

	// A threshold above R cannot be true. It is erased in both; then we decide
	// as if it had not been there, where the peer keeps, or drops failing closed.
	{name: "inconsistent with rv, all", percent: 100, in: "ot=rv:40000000000000;th:8", want: "ot=rv:40000000000000;th:0"},
	{
		name: "inconsistent with rv, 75 %", percent: 75, in: "ot=rv:40000000000000;th:8", want: "ot=rv:40000000000000;th:4",
		others: map[string]string{equalizing: "ot=rv:40000000000000;th:0", proportional: "ot=rv:40000000000000;th:0"},
	},
	{
		name: "inconsistent with rv, 1 %", percent: 1, in: "ot=rv:40000000000000;th:8", want: out,
		others: map[string]string{equalizing: "ot=rv:40000000000000;th:0", proportional: "ot=rv:40000000000000;th:0"},
	},
	{name: "inconsistent with rv, 1 %, closed", percent: 1, closed: true, in: "ot=rv:40000000000000;th:8", want: out},
	{
		name: "inconsistent with the trace id, closed", percent: 100, closed: true, r: "70000000000000", in: "ot=th:8", want: "ot=th:0",
		others: map[string]string{equalizing: out, proportional: out},
	},

	// What cannot be read passes as it is, or not at all. A trace is kept or
	// dropped by its id, with those of its spans that cannot be read.
	{name: "rv of 16 digits", percent: 1, r: "80000000000000", in: "ot=rv:abababababababab", want: "ot=rv:abababababababab", others: map[string]string{oursTrace: out}},
	{name: "rv of 16 digits, kept by its id", percent: 1, r: top, in: "ot=rv:abababababababab", want: "ot=rv:abababababababab"},
	{name: "rv of 16 digits, closed", percent: 100, closed: true, r: top, in: "ot=rv:abababababababab", want: out},
	{name: "rv of 13 digits, closed", percent: 100, closed: true, r: top, in: "ot=rv:ababababababa", want: out},
	{name: "rv of another alphabet, closed", percent: 100, closed: true, r: top, in: "ot=rv:abcdefgabcdefg", want: out},
	{name: "th of 15 digits", percent: 1, r: "80000000000000", in: "ot=th:100000000000000", want: "ot=th:100000000000000", others: map[string]string{oursTrace: out}},
	{name: "th of 16 digits, closed", percent: 100, closed: true, r: top, in: "ot=th:abababababababab", want: out},
	{name: "th below zero, closed", percent: 100, closed: true, r: top, in: "ot=th:-1", want: out},
	{name: "th of a fraction, closed", percent: 100, closed: true, r: top, in: "ot=th:14.5", want: out},
	{name: "th of nothing, closed", percent: 100, closed: true, r: top, in: "ot=th:", want: out},
	{name: "a semicolon too many, closed", percent: 100, closed: true, r: top, in: "ot=th:1;", want: out},
	{name: "a key of capitals, closed", percent: 100, closed: true, r: top, in: "ot=TH:8", want: out},
	// Nothing was decided, so nothing is written; the peer writes that all are kept.
	{name: "no trace id", percent: 1, want: "", others: map[string]string{equalizing: "ot=th:0", proportional: "ot=th:0"}},
	{name: "no trace id, closed", percent: 100, closed: true, want: out},
}

// decide sends one span or record through something, and returns what came out.
type decide func(t *testing.T, f fact) string

func TestSpansConform(t *testing.T) {
	implementations := map[string]decide{
		equalizing:   peerSpan(probabilisticsamplerprocessor.Equalizing),
		proportional: peerSpan(probabilisticsamplerprocessor.Proportional),
	}
	for _, mode := range modes {
		implementations[ours+mode] = ourSpan(mode)
	}
	conform(t, spanFacts, implementations)
}

func conform(t *testing.T, facts []fact, implementations map[string]decide) {
	for name, decide := range implementations {
		t.Run(name, func(t *testing.T) {
			for _, f := range facts {
				want, differs := f.others[name]
				if !differs {
					want = f.want
				}
				assert.Equal(t, want, decide(t, f), f.name)
			}
		})
	}
}

func (f *fact) config(mode string) string {
	return fmt.Sprintf("{mode: %s, preset: none, default_rate: %v, sampling_precision: %d, fail_closed: %v}",
		mode, float64(f.percent)/100, f.digits(), f.closed)
}

func (f *fact) digits() int {
	if f.precision == 0 {
		return 4
	}
	return f.precision
}

func (f *fact) peer(mode probabilisticsamplerprocessor.SamplerMode) *probabilisticsamplerprocessor.Config {
	cfg := probabilisticsamplerprocessor.NewFactory().CreateDefaultConfig().(*probabilisticsamplerprocessor.Config)
	cfg.Mode, cfg.SamplingPercentage, cfg.SamplingPrecision, cfg.FailClosed = mode, f.percent, f.digits(), f.closed
	return cfg
}

// traceID has the randomness r, and is the zero one without.
func (f *fact) traceID(t *testing.T) (id pcommon.TraceID) {
	t.Helper()
	if f.r == "" {
		return id
	}
	id[0] = 1
	n, err := hex.Decode(id[9:], []byte(f.r))
	require.NoError(t, err)
	require.Equal(t, 7, n)
	return id
}

func (f *fact) span(t *testing.T) ptrace.Traces {
	t.Helper()
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(f.traceID(t))
	s.SetSpanID(spanID(1))
	s.TraceState().FromRaw(f.in)
	return td
}

func ourSpan(mode string) decide {
	return func(t *testing.T, f fact) string {
		t.Helper()
		got := out
		flow := newFlow(t, f.config(mode), func(s ptrace.Span) { got = s.TraceState().AsRaw() })
		flow.send(f.span(t))
		flow.stop()
		return got
	}
}

func peerSpan(mode probabilisticsamplerprocessor.SamplerMode) decide {
	return func(t *testing.T, f fact) string {
		t.Helper()
		got := out
		sink, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
			got = td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceState().AsRaw()
			return nil
		})
		require.NoError(t, err)
		factory := probabilisticsamplerprocessor.NewFactory()
		p, err := factory.CreateTraces(t.Context(), processortest.NewNopSettings(factory.Type()), f.peer(mode), sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeTraces(t.Context(), f.span(t)))
		require.NoError(t, p.Shutdown(context.Background()))
		return got
	}
}
