package adaptivesampler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/probabilisticsamplerprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
)

// logFacts: in and want are the attributes, written as in a tracestate; what is
// no part of th and rv is left to spans. Ours writes the randomness always, so
// that the record is whole without its trace id; the peer only what it came with.
var logFacts = []fact{
	{name: "all", percent: 100, r: "80000000000000", want: "th:0;rv:80000000000000"},
	{name: "none", percent: 0, r: top, want: out},
	{name: "R = T", percent: 50, r: "80000000000000", want: "th:8;rv:80000000000000"},
	{name: "R = T-1", percent: 50, r: "7fffffffffffff", want: out},
	{name: "a tenth", percent: 10, r: top, want: "th:e666;rv:" + top},
	{name: "1 %, 3 digits", percent: 1, precision: 3, r: top, want: "th:fd71;rv:" + top},
	{name: "rv keeps", percent: 50, r: "00000000000000", in: "rv:9b8233f7e3a151", want: "th:8;rv:9b8233f7e3a151"},
	{name: "rv drops", percent: 50, r: top, in: "rv:7b8233f7e3a151", want: out},
	{name: "rv without a trace id", percent: 50, in: "rv:e6147c00000000", want: "th:8;rv:e6147c00000000"},
	{name: "50 % after 25 %", percent: 50, r: "e0000000000000", in: "th:c", want: "th:c;rv:e0000000000000", others: map[string]string{proportional: "th:e;rv:e0000000000000"}},
	{name: "25 % after 50 %, kept", percent: 25, r: "f0000000000000", in: "th:8", want: "th:c;rv:f0000000000000", others: map[string]string{proportional: "th:e;rv:f0000000000000"}},
	{name: "25 % after 50 %, dropped", percent: 25, r: "80000000000000", in: "th:8", want: out},
	{name: "inconsistent, all", percent: 100, r: "80000000000000", in: "th:c", want: "th:0;rv:80000000000000"},
	{
		name: "inconsistent, 50 %", percent: 50, r: "80000000000000", in: "th:c", want: "th:8;rv:80000000000000",
		others: map[string]string{equalizing: "th:0;rv:80000000000000", proportional: "th:0;rv:80000000000000"},
	},
	{name: "inconsistent, 25 %, closed", percent: 25, closed: true, r: "80000000000000", in: "th:c", want: out},
	{name: "broken th", percent: 1, r: "80000000000000", in: "th:xyz", want: "th:xyz"},
	{name: "broken th, closed", percent: 100, closed: true, r: top, in: "th:xyz", want: out},
	{name: "broken rv", percent: 1, r: "80000000000000", in: "rv:12", want: "rv:12"},
	{name: "broken rv, closed", percent: 100, closed: true, r: top, in: "rv:12", want: out},
	// A record without a trace id is not broken, however closed we are.
	{name: "no trace id", percent: 1, want: "", others: map[string]string{equalizing: "th:0", proportional: "th:0"}},
	{name: "no trace id, closed", percent: 1, closed: true, want: "", others: map[string]string{equalizing: out, proportional: out}},
}

func TestLogsConform(t *testing.T) {
	implementations := map[string]decide{}
	for _, mode := range modes {
		implementations[ours+mode] = ourLog(mode)
	}
	conform(t, logFacts, implementations)

	withoutOwn := slices.Clone(logFacts)
	for i := range withoutOwn {
		f := &withoutOwn[i]
		if own := ";rv:" + f.r; f.r != "" && !strings.HasPrefix(f.in, "rv:") {
			f.want = strings.TrimSuffix(f.want, own)
			f.others = maps.Clone(f.others)
			for mode := range f.others {
				f.others[mode] = strings.TrimSuffix(f.others[mode], own)
			}
		}
	}
	conform(t, withoutOwn, map[string]decide{
		equalizing:   peerLog(probabilisticsamplerprocessor.Equalizing),
		proportional: peerLog(probabilisticsamplerprocessor.Proportional),
	})
}

func (f *fact) record(t *testing.T) plog.Logs {
	t.Helper()
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTraceID(f.traceID(t))
	if f.in != "" {
		key, value, _ := strings.Cut(f.in, ":")
		r.Attributes().PutStr(map[string]string{"th": attributeThreshold, "rv": attributeRandomness}[key], value)
	}
	return ld
}

// said is what a record says of its sampling.
func said(logs []plog.Logs) string {
	if len(logs) == 0 {
		return out
	}
	var parts []string
	attributes := logs[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	for _, a := range [][2]string{{"th", attributeThreshold}, {"rv", attributeRandomness}} {
		if v, ok := attributes.Get(a[1]); ok {
			parts = append(parts, a[0]+":"+v.Str())
		}
	}
	return strings.Join(parts, ";")
}

func ourLog(mode string) decide {
	return func(t *testing.T, f fact) string {
		t.Helper()
		cfg, err := parse(t, f.config(mode))
		require.NoError(t, err)
		cfg.Load.Sources = nil
		factory, sink := NewFactory(), &consumertest.LogsSink{}
		p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(factory.Type()), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeLogs(t.Context(), f.record(t)))
		require.NoError(t, p.Shutdown(context.Background()))
		return said(sink.AllLogs())
	}
}

func peerLog(mode probabilisticsamplerprocessor.SamplerMode) decide {
	return func(t *testing.T, f fact) string {
		t.Helper()
		factory, sink := probabilisticsamplerprocessor.NewFactory(), &consumertest.LogsSink{}
		p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(factory.Type()), f.peer(mode), sink)
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.ConsumeLogs(t.Context(), f.record(t)))
		require.NoError(t, p.Shutdown(context.Background()))
		return said(sink.AllLogs())
	}
}
