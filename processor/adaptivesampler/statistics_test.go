package adaptivesampler

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// adjustedCount is how many a kept span says that it stands for.
func adjustedCount(t *testing.T, s ptrace.Span) float64 {
	t.Helper()
	text, ok := strings.CutPrefix(s.TraceState().AsRaw(), "ot=th:")
	require.True(t, ok, "%q", s.TraceState().AsRaw())
	threshold, err := otelsampling.TValueToThreshold(text)
	require.NoError(t, err)
	return threshold.AdjustedCount()
}

// within3Sigma compares the kept share with p. The threshold is rounded to
// four digits; that moves p by less than 1e-4 of it.
func within3Sigma(t *testing.T, p, kept, n float64, name string) {
	t.Helper()
	assert.InDelta(t, p, kept/n, 3*math.Sqrt(p*(1-p)/n)+1e-4*p, "%s: %v of %v", name, kept, n)
}

// In mode trace the buffer of these two is full after some ten thousand traces:
// most are decided because they have to go.

// Each name keeps its share, and what is kept of it stands for what came.
func TestStatistics(t *testing.T) {
	const batchSize = 6000
	names := float64(statisticsSize(100_000, 1_000_000)) // spans of each name
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			got, stoodFor := map[string]float64{}, map[string]float64{}
			f := newFlow(t, "{mode: "+mode+", default_rate: 0.3, trace: {max_bytes: 16777216}}", func(s ptrace.Span) {
				got[s.Name()]++
				stoodFor[s.Name()] += adjustedCount(t, s)
			})
			rng := rand.New(rand.NewPCG(3, 4))
			sent := map[string]float64{}
			for sent[operations[0].name] < names {
				td := ptrace.NewTraces()
				spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
				spans.EnsureCapacity(batchSize)
				for i := range batchSize {
					s := spans.AppendEmpty()
					s.SetName(operations[i%len(operations)].name)
					s.SetTraceID(randomTraceID(rng))
					sent[s.Name()]++
				}
				f.send(td)
			}
			f.stop()
			for _, op := range operations {
				n := sent[op.name]
				within3Sigma(t, op.p, got[op.name], n, op.name)
				// Each of n spans is 1/p with probability p: a variance of (1-p)/p.
				assert.InDelta(t, n, stoodFor[op.name], 3*math.Sqrt(n*(1-op.p)/op.p)+1e-3, "%s stands for", op.name)
			}
			counted := map[string]float64{}
			for key, n := range f.items() {
				counted[strings.Fields(key)[1]] += float64(n)
			}
			assert.Equal(t, sum(sent), counted["kept"]+counted["dropped"], "kept + dropped = received")
			assert.Equal(t, sum(got), counted["kept"])
			reported, _ := f.value("adjusted_count", "traces")
			assert.InEpsilon(t, sum(stoodFor), reported, 1e-9, "the metric is what the spans say")
		})
	}
}

func sum(of map[string]float64) (total float64) {
	for _, n := range of {
		total += n
	}
	return total
}

// What a lower rate keeps, every higher one keeps too, in another collector
// too, without an exception; and each keeps its share.
func TestKeptIsNested(t *testing.T) {
	const batchSize = 10_000
	n := statisticsSize(100_000, 10_000_000)
	rates := []float64{0.05, 0.07, 0.1, 0.105, 0.35, 0.5, 0.75, 1}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			keptBy := func(rate float64) []bool {
				kept := make([]bool, n)
				f := newFlow(t, fmt.Sprintf("{mode: %s, preset: none, default_rate: %v, trace: {max_bytes: 16777216}}", mode, rate), func(s ptrace.Span) {
					id := s.SpanID()
					kept[binary.BigEndian.Uint64(id[:])-1] = true
				})
				rng := rand.New(rand.NewPCG(9, 10))
				for i := 0; i < n; i += batchSize {
					td := ptrace.NewTraces()
					spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
					spans.EnsureCapacity(batchSize)
					for j := range batchSize {
						s := spans.AppendEmpty()
						s.SetTraceID(randomTraceID(rng))
						s.SetSpanID(spanID(i + j + 1))
					}
					f.send(td)
				}
				f.stop()
				return kept
			}
			var smaller []bool
			for i, rate := range rates {
				larger, count := keptBy(rate), 0
				for j, k := range larger {
					if k {
						count++
					} else if smaller != nil && smaller[j] {
						t.Fatalf("span %d is kept at %v, dropped at %v", j, rates[i-1], rate)
					}
				}
				within3Sigma(t, rate, float64(count), float64(n), fmt.Sprint(rate))
				smaller = larger
			}
		})
	}
}

func spanID(n int) (id pcommon.SpanID) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

// madeTraces are traces of one to six spans with names of all rates, a tenth of
// them with an error somewhere below the root. The root comes first.
func madeTraces(n int) [][]ptrace.Span {
	rng := rand.New(rand.NewPCG(5, 6))
	traces := make([][]ptrace.Span, n)
	next := 0
	for i := range traces {
		id := randomTraceID(rng)
		var root pcommon.SpanID
		failed := -1
		if rng.IntN(10) == 0 {
			failed = rng.IntN(6)
		}
		for j := range 1 + rng.IntN(6) {
			next++
			s := ptrace.NewSpan()
			s.SetName(operations[rng.IntN(len(operations))].name)
			s.SetTraceID(id)
			s.SetSpanID(spanID(next))
			s.SetParentSpanID(root)
			if j == 0 {
				root = s.SpanID()
			}
			if j == failed {
				s.Status().SetCode(ptrace.StatusCodeError)
			}
			traces[i] = append(traces[i], s)
		}
	}
	return traces
}

// The same spans in one batch, one by one, or in another order, in one or in
// several replicas: the same decisions, with the same thresholds.
func TestDecisionsDoNotDependOnBatchOrOrder(t *testing.T) {
	traces := madeTraces(statisticsSize(1000, 20_000))
	var inOrder []ptrace.Span
	for _, trace := range traces {
		inOrder = append(inOrder, trace...)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	shuffled, reversed := make([]ptrace.Span, len(inOrder)), make([]ptrace.Span, len(inOrder))
	for i, j := range rng.Perm(len(inOrder)) {
		shuffled[i], reversed[i] = inOrder[j], inOrder[len(inOrder)-1-i]
	}
	one := func(ptrace.Span) int { return 0 }
	byTrace := func(s ptrace.Span) int { return int(s.TraceID()[0]) % 3 }
	for _, mode := range modes {
		run := func(t *testing.T, spans []ptrace.Span, size, replicas int, replica func(ptrace.Span) int) map[pcommon.SpanID]string {
			kept := map[pcommon.SpanID]string{}
			// In the bubble the clock stands while spans are sent: none of them
			// comes late because the machine is slow.
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				flows := make([]*flow, replicas)
				for i := range flows {
					flows[i] = newFlow(t, "{mode: "+mode+", default_rate: 0.3, boosts: {error_floor: 0.6}}", func(s ptrace.Span) {
						mu.Lock()
						defer mu.Unlock()
						kept[s.SpanID()] = s.TraceState().AsRaw()
					})
				}
				for rest := spans; len(rest) > 0; {
					k := min(size, len(rest))
					batches := make([]ptrace.Traces, replicas)
					for i := range batches {
						batches[i] = ptrace.NewTraces()
						batches[i].ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
					}
					for _, s := range rest[:k] {
						s.CopyTo(batches[replica(s)].ResourceSpans().At(0).ScopeSpans().At(0).Spans().AppendEmpty())
					}
					for i, td := range batches {
						flows[i].send(td)
					}
					rest = rest[k:]
				}
				for _, f := range flows {
					f.stop()
				}
			})
			return kept
		}
		t.Run(mode, func(t *testing.T) {
			want := run(t, inOrder, len(inOrder), 1, one)
			require.NotEmpty(t, want)
			require.Less(t, len(want), len(inOrder))
			for _, way := range []struct {
				name     string
				spans    []ptrace.Span
				size     int
				replicas int
				replica  func(ptrace.Span) int
			}{
				{"one by one", inOrder, 1, 1, one},
				{"batches of 77", inOrder, 77, 1, one},
				{"shuffled", shuffled, 100, 1, one},
				{"children first", reversed, 50, 1, one},
				{"three replicas, traces whole", shuffled, 100, 3, byTrace},
			} {
				assert.Equal(t, want, run(t, way.spans, way.size, way.replicas, way.replica), way.name)
			}
			if mode == "span" { // in which a trace may be spread, too
				spread := func(s ptrace.Span) int { return int(s.SpanID()[7]) % 3 }
				assert.Equal(t, want, run(t, shuffled, 100, 3, spread), "three replicas, traces spread")
			}
		})
	}
}
