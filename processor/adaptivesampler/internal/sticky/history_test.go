package sticky

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestATraceKeepsItsValue(t *testing.T) {
	h := NewHistory("a")
	unseen, early, late := id(1, 1), id(1, 2), id(1, 3)
	assert.Equal(t, "a", h.Now().Value())
	assert.False(t, h.Now().Watched(), "nothing has changed, nothing will")
	assert.Nil(t, h.table, "and it takes no memory")
	h.Tick(at(0), true)
	before := h.Now()
	assert.True(t, before.Watched())
	assert.Equal(t, "a", before.Of(early, at(0)))
	h.Change(at(10), "b")
	assert.Equal(t, "b", h.Now().Value())
	assert.Equal(t, "a", h.Now().Of(early, at(10)))
	assert.Equal(t, "b", h.Now().Of(late, at(10)))
	assert.Equal(t, "a", before.Of(late, at(10)), "who does not know of b cannot give it")
	assert.Equal(t, "b", h.Now().Of(unseen, at(11)), "came before the looking")
	h.Change(at(20), "c")
	h.Tick(at(69), false)
	assert.Equal(t, "a", h.Now().Of(early, at(69)))
	assert.Equal(t, "b", h.Now().Of(late, at(69)))
	h.Tick(at(71), false)
	assert.Equal(t, "c", h.Now().Of(early, at(71)), "a minute after its end")
	assert.Equal(t, "b", h.Now().Of(late, at(71)))
	h.Tick(at(81), false)
	assert.Equal(t, "c", h.Now().Value())
	assert.False(t, h.Now().Watched(), "all is over")
	assert.Zero(t, h.Evicted())
}

// Values that change faster than traces end are bounded, and numbers go round.
func TestManyChanges(t *testing.T) {
	h := NewHistory(0)
	first := id(1, 1)
	for i := range 70_000 {
		now := start.Add(time.Duration(i) * 100 * time.Millisecond)
		h.Change(now, i+1)
		assert.LessOrEqual(t, len(h.Now().values), maxValues)
		assert.Equal(t, i+1, h.Now().Value())
		if i%1000 == 0 {
			first = id(2, uint64(i))
		}
		want := i + 1 - i%1000
		if i%1000 >= maxValues {
			continue
		}
		if got := h.Now().Of(first, now); got != want {
			t.Fatalf("%d: %d, not %d", i, got, want)
		}
	}
}

func TestHistoryConcurrent(t *testing.T) {
	h := NewHistory(0)
	h.Tick(start, true)
	const traces = 2000
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range traces {
				if v := h.Now().Of(id(3, uint64(i)), start); v < 0 || v > 50 {
					t.Errorf("%d was never a value", v)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 50 {
			h.Change(start, i+1)
			h.Tick(start, i%2 == 0)
		}
	})
	wg.Wait()
	for i := range traces {
		v := h.Now().Of(id(3, uint64(i)), start)
		assert.Equal(t, v, h.Now().Of(id(3, uint64(i)), at(50)))
	}
}
