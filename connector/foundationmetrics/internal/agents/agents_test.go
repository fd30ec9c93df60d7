package agents

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The table is bounded; what is stale makes room with the next look at it.
func TestTheTableIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	table := New(2, time.Minute)
	see := func(id int) bool {
		return table.See(now, Agent{ID: strconv.Itoa(id)}, Place{Type: "solver"})
	}
	assert.True(t, see(1))
	assert.True(t, see(2))
	assert.False(t, see(3))
	assert.True(t, see(1), "who is known stays known")
	now = now.Add(time.Minute + 1)
	assert.True(t, see(2))
	assert.Equal(t, []Count{{Place{Type: "solver"}, 1}}, table.Active(now))
	assert.True(t, see(3))
	assert.False(t, see(4))
	for id := range 5 {
		table.Terminate(now, Agent{ID: strconv.Itoa(id)}, Place{}, 1)
		assert.LessOrEqual(t, len(table.gone), 2)
	}
}

// A flood of agents that find no room costs no look at all those that have one.
func BenchmarkFullTable(b *testing.B) {
	now := time.Unix(0, 0)
	table := New(10000, time.Minute)
	for id := range 10000 {
		table.See(now, Agent{ID: strconv.Itoa(id)}, Place{})
	}
	b.ReportAllocs()
	for b.Loop() {
		table.See(now, Agent{ID: "one too many"}, Place{})
	}
}
