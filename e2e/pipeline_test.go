package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The README's recipe, as it stands there: a contrib processor and an OTLP
// back-end are added by a second file.
func TestEditThePipeline(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	section := regexp.MustCompile("(?s)\n## Edit the pipeline\n.*?\n```yaml\n(.*?)\n```\n").FindSubmatch(readme)
	require.NotNil(t, section, "README.md: no yaml block below \"Edit the pipeline\"")
	recipe := filepath.Join(t.TempDir(), "my-pipeline.yaml")
	require.NoError(t, os.WriteFile(recipe, section[1], 0o600))
	added := regexp.MustCompile(`\{key: (\w+), value: (\w+), action: upsert\}`).FindSubmatch(section[1])
	require.NotNil(t, added, "the recipe upserts an attribute")

	out, err := validate(t, nil, shipped, recipe)
	require.NoError(t, err, out)

	backend := startSink(t)
	c := startCollectorEnv(t, []string{"BACKEND_ENDPOINT=" + backend.addr}, recipe, noLoad)
	c.sendTraces(oneSpan("dspex.program.execution.mine"))
	eventually(t, 20*time.Second, func() error {
		if len(backend.spans()) == 0 {
			return errNotYet
		}
		return nil
	})
	s := backend.spans()[0]
	assert.Equal(t, "dspex.program.execution.mine", s.Name())
	assert.Equal(t, string(added[2]), attr(s.Attributes(), string(added[1])), "what the added processor does")
	assert.Equal(t, "dspex", attr(s.Attributes(), "foundation_os.layer"), "the shipped part still works")
	c.stop()
	assert.Len(t, readTraces(t, c.file("traces.jsonl")), 1, "the file is still written")
}

// The optional OTLP back-end of the shipped configuration, switched on, gets all
// four kinds: spans, log records, metrics with KPIs, and alert events. It is away
// at first, and nothing is lost by that.
func TestOptionalOTLPBackend(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", shipped))
	require.NoError(t, err)
	on, off := []string{}, regexp.MustCompile(`^( *)#([^ #].*)$`)
	block := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		m := off.FindStringSubmatch(line)
		if m != nil && len(m[1]) == 2 {
			block = m[2] == "otlp_grpc:"
		}
		if m != nil && (block && len(m[1]) < 8 || m[2] == "- otlp_grpc") {
			line = m[1] + m[2]
		}
		on = append(on, line)
	}
	file := filepath.Join(t.TempDir(), "on.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(on, "\n")), 0o600))

	backend := startSink(t)
	c := startCollectorEnv(t, []string{"FOUNDATION_BACKEND_ENDPOINT=" + backend.addr}, file, "examples/demo/overlay.yaml", noLoad)
	c.sendTraces(oneSpan("dspex.program.execution"))
	c.sendLogs(breaker("model_api", "closed", "open"))
	eventually(t, 40*time.Second, func() error {
		var alert bool
		for _, r := range backend.records() {
			alert = alert || r.EventName() == "foundation_os.alert.triggered"
		}
		metrics := backend.metricNames()
		if len(backend.spans()) == 0 || !alert || !metrics["dspex.program.executions"] || !metrics["foundation.error_rate"] {
			return fmt.Errorf("%d spans, alert: %v, metrics: %v", len(backend.spans()), alert, metrics)
		}
		return nil
	})
}

func oneSpan(name string) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName(name)
	s.SetTraceID(pcommon.TraceID{0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	s.SetSpanID(pcommon.SpanID{1})
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-time.Second)))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	return td
}

func breaker(name, from, to string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetEventName("foundation.infrastructure.circuit_breaker.state_change")
	r.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	r.Attributes().PutStr("circuit_breaker", name)
	change := r.Attributes().PutEmptySlice("state_change")
	change.AppendEmpty().SetStr(from)
	change.AppendEmpty().SetStr(to)
	return ld
}
