package layerenricher

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// What a user carries through traces is read on exemplars too.
func TestExemplarOfAnotherSystem(t *testing.T) {
	cfg := createDefaultConfig()
	cfg.Preset = PresetNone
	cfg.Aliases = map[string][]string{"app.tenant": {"tenant"}}
	cfg.Correlation.TraceWide = []string{"app.tenant"}
	md := pmetric.NewMetrics()
	point := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptySum().DataPoints().AppendEmpty()
	attrs := point.Exemplars().AppendEmpty().FilteredAttributes()
	attrs.PutStr("tenant", "t-1")
	_, err := newTestEnricher(t, cfg).metrics(t.Context(), md)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"tenant": "t-1", "app.tenant": "t-1"}, attrs.AsRaw())
}

// An exemplar that names an agent under another key belongs to that agent, not
// to the one that its span belongs to.
func TestExemplarKeepsItsOwn(t *testing.T) {
	e := newTestEnricher(t, createDefaultConfig())
	td := ptrace.NewTraces()
	tr := randomTrace{parent: []int{-1}, agent: []string{"agent-0"}, bearer: []bool{true}}
	tr.add(0, 0, td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans())
	_, err := e.traces(t.Context(), td)
	require.NoError(t, err)

	for _, c := range []struct {
		set  func(pcommon.Map)
		want map[string]any
	}{
		{func(m pcommon.Map) { m.PutStr("agent_id", "its own") }, map[string]any{
			"agent_id": "its own", "foundation_os.agent.id": "its own", "foundation_os.request.id": "request-0",
		}},
		{func(m pcommon.Map) { m.PutEmptyBytes("agent_id").Append(1) }, map[string]any{
			"agent_id": []byte{1}, "foundation_os.request.id": "request-0",
		}},
		{func(m pcommon.Map) { m.PutStr("foundation_os.agent.id", "nil") }, map[string]any{
			"foundation_os.agent.id": "agent-0", "foundation_os.request.id": "request-0",
		}},
		{func(m pcommon.Map) { m.PutStr("agent_id", "a"); m.PutStr("request_id", "r") }, map[string]any{
			"agent_id": "a", "request_id": "r", "foundation_os.agent.id": "a", "foundation_os.request.id": "r",
		}},
	} {
		md := pmetric.NewMetrics()
		point := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptySum().DataPoints().AppendEmpty()
		x := point.Exemplars().AppendEmpty()
		x.SetTraceID(pcommon.TraceID{1, 0})
		x.SetSpanID(spanID(0))
		c.set(x.FilteredAttributes())
		_, err := e.metrics(t.Context(), md)
		require.NoError(t, err)
		assert.Equal(t, c.want, x.FilteredAttributes().AsRaw())
	}
}
