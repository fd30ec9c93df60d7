package buffer

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var t0 = time.Unix(1_700_000_000, 0)

func id(n int) (id ID) {
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func limits() Limits {
	return Limits{Timeout: 30 * time.Second, DecisionDelay: 2 * time.Second, MaxBytes: 1000, Kept: 100, Dropped: 1000}
}

// drain closes all that is due and returns the numbers of the traces.
func drain(b *Buffer[int], now time.Time) (due []int) {
	for i := range b.All() {
		s := &b.All()[i]
		for t := s.Due(now); t != nil; t = s.Due(now) {
			due = append(due, t.Content)
			s.Close(t, Verdict{Keep: t.Content%2 == 0})
		}
	}
	return due
}

func open(b *Buffer[int], now time.Time, n int) (*Shard[int], *Trace[int]) {
	s := b.Shard(id(n))
	t := s.Open(now, id(n))
	t.Content = n
	return s, t
}

func TestDue(t *testing.T) {
	b := New[int](limits(), t0)
	open(b, t0, 1)
	s, tr := open(b, t0.Add(time.Second), 2)
	s.Root(t0.Add(5*time.Second), tr)
	s.Root(t0.Add(6*time.Second), tr) // a second root does not put it off
	s, tr = open(b, t0, 3)
	s.Root(t0.Add(29*time.Second), tr) // nor does one that comes late
	assert.Empty(t, drain(b, t0.Add(7*time.Second-1)))
	assert.Equal(t, []int{2}, drain(b, t0.Add(7*time.Second)))
	assert.Empty(t, drain(b, t0.Add(30*time.Second-1)))
	assert.ElementsMatch(t, []int{1, 3}, drain(b, t0.Add(30*time.Second)))
	assert.Zero(t, b.Traces())
}

func TestDecisionsAreRemembered(t *testing.T) {
	b := New[int](limits(), t0)
	_, ok := b.Shard(id(1)).Remembered(id(1))
	assert.False(t, ok)
	th, err := otelsampling.ProbabilityToThreshold(0.25)
	require.NoError(t, err)
	s, tr := open(b, t0, 1)
	s.Close(tr, Verdict{Keep: true, Threshold: th})
	s, tr = open(b, t0, 2)
	s.Close(tr, Verdict{})
	v, ok := b.Shard(id(1)).Remembered(id(1))
	assert.Equal(t, Verdict{Keep: true, Threshold: th}, v)
	assert.True(t, ok)
	v, ok = b.Shard(id(2)).Remembered(id(2))
	assert.Equal(t, Verdict{}, v)
	assert.True(t, ok)
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(100, 1000)
	for n := range 100_000 {
		m.put(id(n), Verdict{Keep: n%2 == 0})
		_, _ = m.get(id(0)) // used all the time: stays
		require.LessOrEqual(t, len(m.young.kept)+len(m.old.kept), 100)
		require.LessOrEqual(t, len(m.young.dropped)+len(m.old.dropped), 1000)
	}
	_, ok := m.get(id(0))
	assert.True(t, ok)
	remembered := 0
	for n := 100_000 - 1000; n < 100_000; n++ {
		if v, ok := m.get(id(n)); ok {
			remembered++
			require.Equal(t, n%2 == 0, v.Keep)
		}
	}
	assert.GreaterOrEqual(t, remembered, 98, "half of the kept ones' bound, and as many dropped ones")
}

// Of the same age, kept and dropped traces are forgotten together, whichever bound
// is reached first.
func TestWhatIsRememberedDoesNotDependOnTheDecision(t *testing.T) {
	for _, bounds := range [][2]int{{100, 1000}, {1000, 100}, {100, 100}} {
		m := newMemory(bounds[0], bounds[1])
		const n = 10_000
		for i := range n {
			m.put(id(2*i), Verdict{Keep: true})
			m.put(id(2*i+1), Verdict{})
		}
		kept, dropped := 0, 0
		for i := range n {
			if _, ok := m.old.kept[id(2*i)]; ok {
				kept++
			}
			if _, ok := m.old.dropped[short(id(2*i+1))]; ok {
				dropped++
			}
		}
		assert.InDelta(t, kept, dropped, 1, "%v", bounds)
		assert.InDelta(t, 50, kept, 1, "%v", bounds)
	}
}

func TestOldestGoes(t *testing.T) {
	b := New[int](limits(), t0)
	s := b.Shard(id(1))
	var same []int
	for n := 1; len(same) < 4; n++ {
		if b.Shard(id(n)) == s {
			same = append(same, n)
		}
	}
	var traces []*Trace[int]
	for i, n := range same {
		_, tr := open(b, t0.Add(time.Duration(i)*time.Second), n)
		s.Grow(tr, 300)
		traces = append(traces, tr)
	}
	s.Root(t0.Add(5*time.Second), traces[1])
	assert.True(t, b.Full())
	assert.Same(t, traces[0], s.Oldest())
	s.SetAside(traces[0])
	assert.True(t, traces[0].Aside())
	assert.Same(t, traces[1], s.Oldest(), "also one with a root")
	assert.Same(t, traces[0], s.Open(t0, id(same[0])), "spans find what is set aside")
	s.Close(traces[0], Verdict{})
	assert.False(t, b.Full())
	assert.EqualValues(t, 900, b.Bytes())
	for _, tr := range traces[1:] {
		s.Close(tr, Verdict{})
	}
	assert.Nil(t, s.Oldest())
	assert.Zero(t, b.Bytes())
	assert.Empty(t, s.live)
}

// The oldest of all shards goes first.
func TestRelieve(t *testing.T) {
	b := New[int](limits(), t0)
	assert.Nil(t, b.Relieve())
	for n := range 100 {
		open(b, t0.Add(time.Duration(n)*time.Second), (n*37)%100)
	}
	for n := range 100 {
		s := b.Relieve()
		tr := s.Oldest()
		assert.Equal(t, time.Duration(n)*time.Second, tr.Since())
		s.Close(tr, Verdict{})
		s.Unlock()
	}
}

func TestConcurrentUse(t *testing.T) {
	b := New[int](limits(), t0)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for n := range 5000 {
				i := id(r.IntN(200))
				s := b.Shard(i)
				s.Lock()
				if _, ok := s.Remembered(i); !ok {
					tr := s.Open(t0.Add(time.Duration(n)*time.Millisecond), i)
					s.Grow(tr, 10)
					if r.IntN(4) == 0 {
						s.Close(tr, Verdict{Keep: true})
					}
				}
				s.Unlock()
			}
		})
	}
	wg.Wait()
	var traces, bytes int64
	for i := range b.All() {
		for _, tr := range b.All()[i].live {
			traces++
			bytes += tr.bytes
		}
	}
	assert.Equal(t, traces, b.Traces())
	assert.Equal(t, bytes, b.Bytes())
}
