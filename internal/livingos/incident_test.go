package livingos

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lengths collects the lengths in seconds of all spans of one name, planned at a time.
func lengths(s Settings, name string, at time.Duration) []float64 {
	var out []float64
	for i := range 200 {
		NewWorld(s).Request(i, at).Walk(func(s *Span) {
			if s.Name == name {
				out = append(out, s.Length().Seconds())
			}
		})
	}
	return out
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

func TestSlowDown(t *testing.T) {
	s := valid()
	s.SlowDowns = []SlowDown{{Window: Window{From: 2 * time.Second, For: time.Second}, Factor: 4}}
	for name, factor := range map[string]float64{
		SpanLookup: 4, SpanDispatch: 4, SpanExecution: 4, SpanBreakerCall: 4, // within the dispatch
		SpanRegister: 1, SpanAuction: 1,
	} {
		before, within, after := lengths(s, name, 0), lengths(s, name, 2*time.Second), lengths(s, name, 3*time.Second)
		assert.InEpsilon(t, factor*mean(before), mean(within), 0.02, name)
		assert.Equal(t, before, after, name)
	}

	s.SlowDowns[0].Operations = []Kind{KindAuction}
	assert.InEpsilon(t, 4*mean(lengths(s, SpanAuction, 0)), mean(lengths(s, SpanAuction, 2*time.Second)), 0.02)
	assert.Equal(t, lengths(s, SpanLookup, 0), lengths(s, SpanLookup, 2*time.Second))
}

func share(s Settings, name string, at time.Duration) float64 {
	failed, all := 0, 0
	for i := range 500 {
		NewWorld(s).Request(i, at).Walk(func(s *Span) {
			if s.Name == name && s.Value("retry_attempt") != int64(1) {
				all++
				if s.Failure != "" {
					failed++
				}
			}
		})
	}
	return float64(failed) / float64(all)
}

func TestFailures(t *testing.T) {
	s := valid()
	s.ErrorRate = 0.1
	s.ErrorBursts = []ErrorBurst{{Window: Window{From: time.Second, For: time.Second}, Rate: 0.5}}
	s.FailingDispatches = []FailingDispatches{{Window: Window{From: 2 * time.Second, For: time.Second}, Ratio: 0.6}}
	for _, name := range []string{SpanLookup, SpanRegistration, SpanDispatch, SpanAuction, SpanExecution, SpanMultiAgent, SpanRequest} {
		assert.InDelta(t, 0.1, share(s, name, 0), 0.05, name)
		assert.InDelta(t, 0.5, share(s, name, time.Second), 0.08, name)
	}
	assert.InDelta(t, 0.6, share(s, SpanDispatch, 2*time.Second), 0.06)
	assert.InDelta(t, 0.1, share(s, SpanLookup, 2*time.Second), 0.05, "only dispatches")
	for _, name := range []string{SpanRegister, SpanIteration} {
		assert.Zero(t, share(s, name, time.Second), name)
	}
	s = valid()
	assert.Zero(t, share(s, SpanRequest, 0))
}

// A failure is told in every way in which the document tells it.
func TestFailureIsTold(t *testing.T) {
	s := valid()
	s.ErrorRate = 1
	r := NewWorld(s).Request(0, 0)
	assert.Equal(t, false, r.Root.Value("request_success"))
	assert.NotEmpty(t, r.Root.Value("error"))
	r.Walk(func(s *Span) {
		if s.Failure == "" || s == r.Root {
			return
		}
		assert.NotEmpty(t, s.Value("error_category"), s.Name)
		at := slices.IndexFunc(s.Events, func(e *Event) bool { return e.Name == EventError })
		require.GreaterOrEqual(t, at, 0, s.Name)
		assert.Equal(t, s.Value("error_category"), s.Events[at].Value("error_category"))
		assert.Equal(t, s.End, s.Events[at].At)
	})
}

// Whatever fails, a retry lets the request go on: every agent ends up registered.
func TestRetriesSucceed(t *testing.T) {
	s := valid()
	s.ErrorRate = 1
	registered, agents, lookups := map[any]bool{}, map[any]bool{}, 0
	NewWorld(s).Request(0, 0).Walk(func(s *Span) {
		switch s.Name {
		case SpanRegistration:
			if s.Failure == "" {
				assert.EqualValues(t, 1, s.Value("retry_attempt"))
				registered[s.Value("agent_id")] = true
			}
		case SpanAgentRun:
			agents[s.Value("agent_id")] = true
		case SpanLookup:
			if s.Failure == "" {
				lookups++
			}
		}
	})
	assert.Equal(t, agents, registered)
	assert.Equal(t, 6, lookups)
}

func TestBreaker(t *testing.T) {
	s := valid()
	s.Breakers = []Breaker{{Name: "b", Opens: time.Second, Closes: 5 * time.Second}}
	w := NewWorld(s)
	all := w.Incidents(0, s.End()+1)
	var got []any
	for _, e := range all {
		got = append(got, e.At, e.Value("state_change"))
	}
	assert.Equal(t, []any{
		time.Second,
		[]string{"closed", "open"},
		4 * time.Second,
		[]string{"open", "half_open"},
		5 * time.Second,
		[]string{"half_open", "closed"},
	}, got)
	assert.Equal(t, SeverityWarn, all[0].Severity)

	// Asked for piece by piece, each event comes once.
	pieces := 0
	for at := time.Duration(0); at <= s.End(); at += 500 * time.Millisecond {
		pieces += len(w.Incidents(at, at+500*time.Millisecond))
	}
	assert.Equal(t, 3, pieces)
	for _, i := range items(s, 100)[:len(items(s, 100))-3] {
		assert.NotEqual(t, EventBreaker, i.name, "with a breaker of one's own none trips by itself")
	}
}

// In the demo nothing looks wrong outside of the incident, whatever the seed:
// the rules that look back one hour stay on their healthy side from the first
// request that they judge, and no duration strays far from its mean.
func TestDemoIsQuietOutsideOfTheIncident(t *testing.T) {
	s := Demo()
	for seed := range uint64(15) {
		s.Seed = seed
		var coordinations, failed, runs, converged float64
		for i := range s.Total() {
			NewWorld(s).Request(i, s.Due(i)).Walk(func(span *Span) {
				switch span.Name {
				case SpanMultiAgent:
					runs++
					if span.Failure == "" {
						converged++
					}
					assert.Greater(t, span.Value("efficiency_score"), 0.6)
					fallthrough
				case SpanAuction:
					coordinations++
					if span.Failure != "" {
						failed++
					}
				}
			})
			if coordinations >= 5 {
				assert.GreaterOrEqual(t, 1-failed/coordinations, 0.8, "seed %d, request %d", seed, i)
			}
			if runs >= 3 {
				assert.GreaterOrEqual(t, converged/runs, 0.7, "seed %d, request %d", seed, i)
			}
		}
	}
	for _, name := range []string{SpanLookup, SpanDispatch, SpanAuction, SpanExecution, SpanIteration, SpanMultiAgent, SpanBreakerCall} {
		byLabel := map[string][]float64{}
		for i := range 200 {
			NewWorld(s).Request(i, 0).Walk(func(span *Span) {
				if span.Name == name {
					key := text(span, "namespace", "") + text(span, "adapter", "") + text(span, "circuit_breaker", "") + text(span, "program_type", "")
					byLabel[key] = append(byLabel[key], span.Length().Seconds())
				}
			})
		}
		for key, v := range byLabel {
			assert.Less(t, slices.Max(v), 1.7*mean(v), "%s %s", name, key)
		}
	}
}

// The failing dispatches must trip the rule at 90 %, and be forgotten one minute
// later with time to spare before the run ends.
func TestDemoDispatchesRecoverInTime(t *testing.T) {
	s := Demo()
	for seed := range uint64(8) {
		s.Seed = seed
		type dispatch struct {
			at time.Duration
			ok bool
		}
		var all []dispatch
		for i := range s.Total() {
			NewWorld(s).Request(i, s.Due(i)).Walk(func(span *Span) {
				if span.Name == SpanDispatch {
					all = append(all, dispatch{s.Due(i), span.Failure == ""})
				}
			})
		}
		rate := func(now time.Duration) float64 {
			ok, n := 0.0, 0.0
			for _, d := range all {
				if d.at > now-time.Minute && d.at <= now {
					n++
					if d.ok {
						ok++
					}
				}
			}
			return ok / n
		}
		assert.Greater(t, rate(54*time.Second), 0.9, "seed %d", seed)
		assert.Less(t, rate(75*time.Second), 0.9, "seed %d", seed)
		assert.Greater(t, rate(142*time.Second), 0.9, "seed %d", seed)
	}
}
