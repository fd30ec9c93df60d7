package budget

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func after(d time.Duration) time.Time { return start.Add(d) }

func TestNamesInTurn(t *testing.T) {
	n := NewNames(2, 10)
	a, b := n.Of(start, "a"), n.Of(start, "b")
	assert.Same(t, a, n.Of(start, "a"))
	assert.True(t, n.Claim(start, 0, a), "a name that is new is due")
	assert.False(t, n.Claim(after(29*time.Second), 0, a))
	assert.True(t, n.Claim(after(29*time.Second), 0, b), "each name for itself")
	assert.True(t, n.Due(after(30*time.Second), a))
	n.Kept(after(30*time.Second), a)
	assert.False(t, n.Due(after(59*time.Second), a), "it was kept anyway")
	assert.True(t, n.Claim(after(time.Hour), 0, a))
	assert.False(t, n.Claim(after(time.Hour+time.Second), 0, a), "what was due meanwhile is not made up for")
	assert.True(t, n.Claim(start, 0, a), "the clock stepped back")
	assert.False(t, n.Claim(after(29*time.Second), 0, a))
}

// Of a window that holds several intervals as many are due.
func TestNamesWithinAWindow(t *testing.T) {
	n := NewNames(60, 10)
	a := n.Of(start, "a")
	claimed := 0
	for range 10 {
		if n.Claim(start, 5*time.Second, a) {
			claimed++
		}
	}
	assert.Equal(t, 5, claimed)
	assert.True(t, n.Claim(after(time.Second), 5*time.Second, a))
	assert.False(t, n.Claim(after(time.Second), 5*time.Second, a))
}

func TestNamesBound(t *testing.T) {
	n := NewNames(1, 100)
	for i := range 150 {
		n.Claim(start, 0, n.Of(start, strconv.Itoa(i)))
	}
	assert.Len(t, n.known, 100)
	assert.Equal(t, int64(50), n.Overflow())
	assert.Same(t, n.Of(start, "200"), n.Of(start, "201"), "they share")
	assert.NotSame(t, n.Of(start, "200"), n.Of(start, "5"))
	assert.False(t, n.Due(start, n.Of(start, "200")))
	n.Claim(after(90*time.Second), 0, n.Of(start, "5"))
	assert.NotSame(t, n.Of(after(121*time.Second), "200"), n.Of(start, "201"), "room, once the others are idle")
	assert.Len(t, n.known, 3)
	assert.False(t, n.Due(after(121*time.Second), n.Of(start, "5")), "what is not idle is remembered")
	long := strings.Repeat("x", maxName+1)
	assert.Same(t, n.Of(after(time.Hour), long), n.Of(after(time.Hour), long+"y"))
	assert.Len(t, n.known, 3, "a name that long is not")
}

func TestNamesConcurrent(t *testing.T) {
	n := NewNames(1, 50)
	var claimed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20_000 {
				if n.Claim(start, 0, n.Of(start, strconv.Itoa(i%40))) {
					claimed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(40), claimed.Load(), "one each")
}

// A name is forced once, whatever its randomness, and counted before the rest.
func TestForced(t *testing.T) {
	s := NewSelector(Limits{SpansPerSecond: 10, ErrorShare: 0.2, MinPerNamePerMinute: 1, Precision: 4, MaxNames: 2}, time.Second)
	decide := func(at time.Duration, candidates ...Candidate) (kept, forced string) {
		verdicts := make([]Verdict, len(candidates))
		s.Select(after(at), 1, 0, candidates, verdicts)
		for i, v := range verdicts {
			if v.Keep {
				kept += candidates[i].Name
			}
			if v.Forced {
				forced += candidates[i].Name
				assert.Zero(t, v.Threshold.Unsigned())
			}
		}
		return kept, forced
	}
	a := Candidate{Name: "a", Probability: 0.01, Spans: 1}
	b := Candidate{Name: "b", Probability: 1, Randomness: all - 1, Spans: 5}
	kept, forced := decide(0, a, a, b)
	assert.Equal(t, "ab", kept)
	assert.Equal(t, "a", forced, "of the minimum's four spans b has no room in three")
	assert.Equal(t, int64(1), s.Counts().Unmet)
	kept, _ = decide(59*time.Second, a, a)
	assert.Empty(t, kept)
	kept, forced = decide(60*time.Second, a, b)
	assert.Equal(t, "ab", kept)
	assert.Equal(t, "a", forced)
	b.Spans = 1
	_, forced = decide(119*time.Second, b)
	assert.Empty(t, forced, "b was kept a minute less ago")
	c := Candidate{Name: "c", Probability: 0.01, Spans: 1}
	d := Candidate{Name: "d", Probability: 0.01, Spans: 1}
	_, forced = decide(119*time.Second, c, d)
	assert.Equal(t, "c", forced, "names beyond the bound share a minimum")
	assert.Equal(t, int64(2), s.Counts().Overflow)
	_, forced = decide(time.Hour, Candidate{Name: "a", Probability: 0, Spans: 1}, Candidate{Name: "b", Probability: 1, Spans: 11})
	assert.Empty(t, forced, "rate 0 means none, and a trace that never fits is never kept")
}
