package livingos

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tallied counts the first requests of a run.
func tallied(s Settings, requests int) Summary {
	t := NewTally(s)
	for i := range requests {
		r := NewWorld(s).Request(i, s.Due(i))
		t.Spans(r)
		r.Walk(func(span *Span) {
			for _, e := range span.Events {
				if !s.SpanEvents || !e.OnSpan() {
					t.Log(e)
				}
			}
		})
	}
	return t.Summary()
}

func TestTallyCountsOneRequest(t *testing.T) {
	s := valid()
	s.Requests = 1
	sum := tallied(s, 1) // program 0: predict, bootstrap_few_shot, 3 agents; nothing fails
	assert.EqualValues(t, 1, sum.Requests)
	assert.Zero(t, sum.FailedRequests)
	assert.Zero(t, sum.Spans.Errors)
	iterations := sum.Spans.ByName[SpanIteration].Count
	assert.EqualValues(t, 6, sum.Spans.ByName[SpanLookup].Count)
	assert.EqualValues(t, 3, sum.Spans.ByName[SpanAgentRun].Count)
	assert.EqualValues(t, 3+iterations, sum.Spans.ByName[SpanExecution].Count)
	assert.Equal(t, int64(3), sum.Logs.ByName[EventBid].Count)

	value := func(rows []Sample, labels map[string]string) float64 {
		at := slices.IndexFunc(rows, func(s Sample) bool { return assert.ObjectsAreEqual(labels, s.Labels) })
		require.GreaterOrEqual(t, at, 0, "%v", labels)
		return *rows[at].Value
	}
	registrations := sum.Prometheus["foundation_process_registrations_total"]
	assert.InDelta(t, 1, value(registrations, map[string]string{"namespace": "coordinators", "process_type": "coordinator"}), 0)
	assert.InDelta(t, 2, value(registrations, map[string]string{"namespace": "agents", "process_type": "agent"}), 0)
	assert.InDelta(t, 1, value(registrations, map[string]string{"namespace": "default", "process_type": "unknown"}), 0, "the critic's")
	coordinations := sum.Prometheus["foundation_jido_coordinations_total"]
	assert.InDelta(t, 1, value(coordinations, map[string]string{"coordination_type": "auction", "success": "true"}), 0)
	assert.InDelta(t, 1, value(coordinations, map[string]string{"coordination_type": "multi_agent", "success": "true"}), 0)
	assert.Len(t, sum.Prometheus["foundation_jido_active_agents"], 3)
	operations := sum.Metrics["foundation_os.operations"]
	assert.InDelta(t, 6+4, value(operations, map[string]string{"foundation_os.layer": "foundation", "outcome": "success"}), 0)
	assert.InDelta(t, 3+1+2, value(operations, map[string]string{"foundation_os.layer": "foundation_jido", "outcome": "success"}), 0)
	assert.InDelta(t, float64(3+2*iterations+1), value(operations, map[string]string{"foundation_os.layer": "dspex", "outcome": "success"}), 0)
	assert.InDelta(t, 1, value(operations, map[string]string{"foundation_os.layer": "foundation_os", "outcome": "success"}), 0)
	assert.InDelta(t, 1, value(sum.Metrics["dspex.optimization.runs.converged"], map[string]string{"strategy": "bootstrap_few_shot"}), 0)

	s.Requests, s.Rate = 1000, 0
	assert.NotContains(t, tallied(s, 1).Metrics, "dspex.optimization.runs.converged", "runs that overlap cannot be counted")
}

func TestBucketsAreCumulative(t *testing.T) {
	f := family{}
	for _, seconds := range []float64{0.001, 0.0011, 0.5, 2} {
		f.observe("m", seconds, []float64{0.001, 0.5, 1}, "namespace", "a")
	}
	s := f.rows()["m"][0]
	assert.Equal(t, []Bucket{{"0.001", 1}, {"0.5", 3}, {"1", 3}, {"+Inf", 4}}, s.Buckets)
	assert.EqualValues(t, 4, *s.Count)
	assert.InDelta(t, 2.5021, *s.Sum, 1e-12)
}

// Events count the same whichever way they travel.
func TestSpanEventsCountLikeLogs(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.2
	logs := tallied(s, 20)
	s.SpanEvents = true
	events := tallied(s, 20)
	assert.Equal(t, logs.Metrics, events.Metrics)
	assert.Equal(t, logs.Logs.Total, events.Logs.Total+events.SpanEvents.Total)
	assert.Positive(t, events.SpanEvents.ByName[EventBid].Count)
	assert.NotContains(t, events.Logs.ByName, EventBid)
}

func TestSummaryText(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.2
	sum := tallied(s, 10)
	sum.Unacknowledged.Logs = 3
	var b bytes.Buffer
	require.NoError(t, sum.WriteText(&b))
	assert.Contains(t, b.String(), "not acknowledged: 0 spans, 3 log events, 0 data points")
	assert.Contains(t, b.String(), EventBid)
	assert.Regexp(t, SpanLookup+` +[0-9]+ +[0-9]+ errors\n`, b.String())
	assert.NotContains(t, b.String(), " \n")
}

func TestSummaryJSON(t *testing.T) {
	sum := tallied(valid(), 10)
	var b bytes.Buffer
	require.NoError(t, sum.WriteJSON(&b))
	var back Summary
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	assert.Equal(t, sum, back)
	assert.Contains(t, b.String(), `"errors": []`, "a list, never null")
}
