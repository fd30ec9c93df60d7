package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v3"
)

// expected is testdata/node-sdk/expected.yaml, written by hand.
type expected struct {
	Resource   map[string]any
	Spans      []expectedItem
	Logs       []expectedItem
	Prometheus []struct {
		Name   string
		Labels map[string]string
		Value  float64
	}
}

type expectedItem struct {
	Name       string
	EventName  string `yaml:"event_name"`
	Layer      string
	Parent     string
	Status     string
	Attributes map[string]any
	Absent     []string
}

// OpenTelemetry's SDK for Node.js, a client that nobody here wrote, sends spans
// without layers, with "nil" ids and .stop names; what must come out was written
// down by hand.
func TestNodeSDK(t *testing.T) {
	t.Parallel()
	node, npm := tool(t, "node"), tool(t, "npm")
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "send.mjs"} {
		text, err := os.ReadFile(filepath.Join("testdata/node-sdk", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	out, err := run(t, dir, nil, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	require.NoError(t, err, out)
	text, err := os.ReadFile("testdata/node-sdk/expected.yaml")
	require.NoError(t, err)
	var want expected
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&want))

	c := startCollector(t, everything)
	p := startPrometheus(t, c)
	out, err = run(t, dir, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + c.http}, node, "send.mjs")
	require.NoError(t, err, out)
	var sent struct {
		Spans, Logs int
		TraceID     string `json:"traceId"`
	}
	require.NoError(t, json.NewDecoder(strings.NewReader(out)).Decode(&sent), out)
	require.Equal(t, len(want.Spans), sent.Spans)
	require.Equal(t, len(want.Logs), sent.Logs)

	eventually(t, 40*time.Second, func() error {
		for _, m := range want.Prometheus {
			got, err := p.sumBy(m.Name, slices.Sorted(maps.Keys(m.Labels)))
			if err != nil {
				return err
			}
			if v, ok := got[labelKey(m.Labels)]; !ok || v != m.Value {
				return fmt.Errorf("%s: %v, want %s = %v", m.Name, got, labelKey(m.Labels), m.Value)
			}
		}
		return nil
	})
	c.stop()

	spans := readTraces(t, c.file("all.jsonl"))
	require.Len(t, spans, sent.Spans)
	byName, byID := map[string]item[ptrace.Span]{}, map[pcommon.SpanID]string{}
	for _, s := range spans {
		require.NotContains(t, byName, s.it.Name(), "names tell the spans apart")
		byName[s.it.Name()], byID[s.it.SpanID()] = s, s.it.Name()
		assert.Equal(t, sent.TraceID, s.it.TraceID().String(), s.it.Name())
		checkAttributes(t, "the resource", s.resource, want.Resource, nil)
	}
	for _, w := range want.Spans {
		s, ok := byName[w.Name]
		if !assert.True(t, ok, "%s is missing", w.Name) {
			continue
		}
		w.check(t, w.Name, s.it.Attributes())
		assert.Equal(t, w.Parent, byID[s.it.ParentSpanID()], "the parent of %s", w.Name)
		if w.Status == "error" {
			assert.Equal(t, ptrace.StatusCodeError, s.it.Status().Code(), "the status of %s", w.Name)
		}
	}

	records := map[string]item[plog.LogRecord]{}
	for _, r := range readLogs(t, c.file("all_logs.jsonl")) {
		records[r.it.EventName()] = r
		checkAttributes(t, "the resource", r.resource, want.Resource, nil)
	}
	for _, w := range want.Logs {
		if r, ok := records[w.EventName]; assert.True(t, ok, "%s is missing", w.EventName) {
			w.check(t, w.EventName, r.it.Attributes())
		}
	}
}

func (w expectedItem) check(t *testing.T, name string, got pcommon.Map) {
	t.Helper()
	assert.Equal(t, w.Layer, attr(got, "foundation_os.layer"), "the layer of %s", name)
	checkAttributes(t, name, got, w.Attributes, w.Absent)
}

func checkAttributes(t *testing.T, name string, got pcommon.Map, want map[string]any, absent []string) {
	t.Helper()
	for key, w := range want {
		g, ok := got.Get(key)
		if !assert.True(t, ok, "%s has no %s", name, key) {
			continue
		}
		if number, isNumber := float(w); isNumber {
			have, _ := float(g.AsRaw())
			assert.LessOrEqual(t, math.Abs(have-number), 1e-9*math.Max(1, math.Abs(number)), "%s of %s is %v, want %v", key, name, g.AsRaw(), w)
			continue
		}
		assert.Equal(t, w, g.AsRaw(), "%s of %s", key, name)
	}
	for _, key := range absent {
		g, ok := got.Get(key)
		assert.False(t, ok, "%s has %s: %v", name, key, g)
	}
}

func float(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return math.NaN(), false
}
