package e2e

import (
	"encoding/csv"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// recorded is one span of a data set, as text.
type recorded struct{ trace, span, parent, pod, name, start, end string }

// Real traces of two micro-service systems, none of whose names the collector
// knows: nothing is lost, nothing of it changes, every span has a layer
// (unknown), and no id is made up.
func TestRealTracesPassUnharmed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/traces/*.csv")
	require.NoError(t, err)
	require.Len(t, files, 2)
	c := startCollector(t, noLoad)
	want := map[string]recorded{}
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		var spans []recorded
		for _, r := range rows[1:] {
			s := recorded{r[0], r[1], r[2], r[3], r[4], r[5], r[6]}
			if s.parent == "root" {
				s.parent = ""
			}
			spans = append(spans, s)
			want[s.trace+s.span] = s
		}
		// Small batches: nearly every trace comes in several.
		for len(spans) > 0 {
			n := min(20, len(spans))
			c.sendTraces(otlp(t, spans[:n]))
			spans = spans[n:]
		}
	}
	require.Greater(t, len(want), 500)
	c.stop()

	got := map[string]recorded{}
	for _, s := range readTraces(t, c.file("traces.jsonl")) {
		r := recorded{
			s.it.TraceID().String(), s.it.SpanID().String(), s.it.ParentSpanID().String(), attr(s.resource, "k8s.pod.name"), s.it.Name(),
			strconv.FormatUint(uint64(s.it.StartTimestamp()), 10), strconv.FormatUint(uint64(s.it.EndTimestamp()), 10),
		}
		_, twice := got[r.trace+r.span]
		assert.False(t, twice, "%s came out twice", r.span)
		got[r.trace+r.span] = r
		assert.Equal(t, "unknown", attr(s.it.Attributes(), "foundation_os.layer"), s.it.Name())
		for _, id := range []string{"foundation_os.request.id", "foundation_os.agent.id", "foundation_os.coordination.id", "foundation_os.program.id"} {
			assert.Empty(t, attr(s.it.Attributes(), id), "%s has a made-up %s", s.it.Name(), id)
		}
	}
	assert.Equal(t, want, got)
}

func otlp(t *testing.T, spans []recorded) ptrace.Traces {
	t.Helper()
	td := ptrace.NewTraces()
	byPod := map[string]ptrace.SpanSlice{}
	for _, r := range spans {
		to, ok := byPod[r.pod]
		if !ok {
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("k8s.pod.name", r.pod)
			to = rs.ScopeSpans().AppendEmpty().Spans()
			byPod[r.pod] = to
		}
		s := to.AppendEmpty()
		var trace pcommon.TraceID
		var id, parent pcommon.SpanID
		unhex(t, trace[:], r.trace)
		unhex(t, id[:], r.span)
		unhex(t, parent[:], r.parent)
		s.SetTraceID(trace)
		s.SetSpanID(id)
		s.SetParentSpanID(parent)
		s.SetName(r.name)
		s.SetStartTimestamp(nanos(t, r.start))
		s.SetEndTimestamp(nanos(t, r.end))
	}
	return td
}

func unhex(t *testing.T, into []byte, text string) {
	t.Helper()
	if text == "" {
		return
	}
	n, err := hex.Decode(into, []byte(text))
	require.NoError(t, err)
	require.Equal(t, len(into), n)
}

func nanos(t *testing.T, text string) pcommon.Timestamp {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	return pcommon.Timestamp(n)
}
