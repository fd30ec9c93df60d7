package adaptivesampler

import (
	"cmp"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// realRates are spread over the names of real traces, which know none of ours.
var realRates = []float64{0.1, 0.2, 0.5, 0.8, 1}

func realRate(name string) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return realRates[h.Sum32()%uint32(len(realRates))]
}

// readTraces reads recorded traces, in the order in which their spans ended. They
// are a part of a data set; TRACES names a folder with more of it.
func readTraces(t *testing.T) []ptrace.Span {
	t.Helper()
	folder := os.Getenv("TRACES")
	if folder == "" {
		folder = "../../e2e/testdata/traces"
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.csv"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	var spans []ptrace.Span
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		start := len(spans)
		for _, row := range rows[1:] {
			s := ptrace.NewSpan()
			var trace pcommon.TraceID
			var id, parent pcommon.SpanID
			_, err := hex.Decode(trace[:], []byte(row[0]))
			require.NoError(t, err)
			_, err = hex.Decode(id[:], []byte(row[1]))
			require.NoError(t, err)
			if row[2] != "root" {
				_, err = hex.Decode(parent[:], []byte(row[2]))
				require.NoError(t, err)
			}
			end, err := strconv.ParseUint(row[6], 10, 64)
			require.NoError(t, err)
			s.SetTraceID(trace)
			s.SetSpanID(id)
			s.SetParentSpanID(parent)
			s.SetName(row[4])
			s.SetEndTimestamp(pcommon.Timestamp(end))
			spans = append(spans, s)
		}
		slices.SortStableFunc(spans[start:], func(a, b ptrace.Span) int { return cmp.Compare(a.EndTimestamp(), b.EndTimestamp()) })
	}
	return spans
}

// spanKey names a span: ids of spans are their trace's own.
type spanKey struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// wholeness is what is left of traces.
type wholeness struct {
	traces, whole int     // of which something is kept; all of it
	spans, orphan int     // kept; their parent came and is not kept
	volume        float64 // kept of all
}

func (w wholeness) String() string {
	return fmt.Sprintf("%d traces, %.1f %% of them whole; %d spans, %.1f %% of them orphans; volume %.1f %%",
		w.traces, 100*float64(w.whole)/float64(w.traces), w.spans, 100*float64(w.orphan)/float64(w.spans), 100*w.volume)
}

func wholenessOf(spans []ptrace.Span, kept map[spanKey]bool) (w wholeness) {
	came := map[spanKey]bool{}
	size, left := map[pcommon.TraceID]int{}, map[pcommon.TraceID]int{}
	for _, s := range spans {
		came[spanKey{s.TraceID(), s.SpanID()}] = true
		size[s.TraceID()]++
	}
	for _, s := range spans {
		if !kept[spanKey{s.TraceID(), s.SpanID()}] {
			continue
		}
		w.spans++
		left[s.TraceID()]++
		if parent := (spanKey{s.TraceID(), s.ParentSpanID()}); came[parent] && !kept[parent] {
			w.orphan++
		}
	}
	for id, n := range left {
		w.traces++
		if n == size[id] {
			w.whole++
		}
	}
	w.volume = float64(w.spans) / float64(len(spans))
	return w
}

// replayed sends the spans as they ended, twenty at a time, and returns which were
// kept. Every five seconds the load is another.
func replayed(t *testing.T, mode Mode, scope Scope, spans []ptrace.Span, loads ...float64) map[spanKey]bool {
	t.Helper()
	kept := map[spanKey]bool{}
	synctest.Test(t, func(t *testing.T) {
		cfg := createDefaultConfig().(*Config)
		cfg.Mode, cfg.Scope, cfg.Preset, cfg.Rates = mode, scope, presetNone, map[string]float64{}
		cfg.Load.Ladder, cfg.Load.ExitMargin, cfg.Load.MinDwell = []LadderStep{{Above: 0.5, Factor: 0.5}}, 0, 0
		for _, s := range spans {
			cfg.Rates[s.Name()] = realRate(s.Name())
		}
		reading := &movingLoad{value: loads[0]}
		h := newHarness(t, cfg, reading.signal())
		begin, last := time.Now(), spans[0].EndTimestamp().AsTime()
		for batch := range slices.Chunk(spans, 20) {
			td := ptrace.NewTraces()
			into := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
			for _, s := range batch {
				s.CopyTo(into.AppendEmpty())
			}
			ended := batch[len(batch)-1].EndTimestamp().AsTime()
			time.Sleep(min(ended.Sub(last), time.Minute)) // from one recording to the next it is years
			last = ended
			reading.set(loads[int(time.Since(begin)/(5*time.Second))%len(loads)], nil)
			require.NoError(t, h.traces.ConsumeTraces(t.Context(), td))
		}
		h.stop()
		for _, td := range h.spansOut.AllTraces() {
			for _, rs := range td.ResourceSpans().All() {
				for _, ss := range rs.ScopeSpans().All() {
					for _, s := range ss.Spans().All() {
						key := spanKey{s.TraceID(), s.SpanID()}
						assert.False(t, kept[key], "%v came out twice", key)
						kept[key] = true
					}
				}
			}
		}
	})
	return kept
}

// Real traces, recorded in two systems of micro-services, come out whole or not at
// all in mode trace, and as many of them as the rates say: that of the root's name.
func TestRealTraces(t *testing.T) {
	spans := readTraces(t)
	trace := wholenessOf(spans, replayed(t, modeTrace, scopeRoot, spans, 0))
	widest := wholenessOf(spans, replayed(t, modeTrace, scopeMaxName, spans, 0))
	span := wholenessOf(spans, replayed(t, modeSpan, scopeRoot, spans, 0))
	coins := map[spanKey]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range spans {
		coins[spanKey{s.TraceID(), s.SpanID()}] = rng.Float64() < realRate(s.Name())
	}
	t.Logf("mode trace:      %v", trace)
	t.Logf("scope: max_name: %v", widest)
	t.Logf("mode span:       %v", span)
	t.Logf("coins:           %v", wholenessOf(spans, coins))

	for _, w := range []wholeness{trace, widest} {
		assert.Zero(t, w.orphan, "orphans")
		assert.Equal(t, w.traces, w.whole, "whole traces")
	}
	assert.NotZero(t, span.orphan, "without orphans in mode span these traces show nothing")

	size, rate := map[pcommon.TraceID]float64{}, map[pcommon.TraceID]float64{}
	for _, s := range spans {
		size[s.TraceID()]++
		if s.ParentSpanID().IsEmpty() {
			rate[s.TraceID()] = max(rate[s.TraceID()], realRate(s.Name()))
		}
	}
	var want, variance float64
	for id, n := range size {
		p, rooted := rate[id]
		require.True(t, rooted, "%v has a root", id)
		want += n * p
		variance += n * n * p * (1 - p)
	}
	t.Logf("by the rates of the roots %.1f %% ± %.1f", 100*want/float64(len(spans)), 100*math.Sqrt(variance)/float64(len(spans)))
	assert.InDelta(t, want, trace.spans, 3*math.Sqrt(variance), "as many as the roots' rates say")
}

// A load that steps up and down while traces are under way tears none of them.
func TestRealTracesUnderSteppingLoad(t *testing.T) {
	spans := readTraces(t)
	w := wholenessOf(spans, replayed(t, modeTrace, scopeRoot, spans, 0, 1))
	t.Logf("mode trace: %v", w)
	assert.Zero(t, w.orphan, "orphans")
	assert.Equal(t, w.traces, w.whole, "whole traces")
}
