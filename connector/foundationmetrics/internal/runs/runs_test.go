package runs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func sum(ended []Ended) (finished, converged int) {
	for _, e := range ended {
		finished += e.Finished
		converged += e.Converged
	}
	return finished, converged
}

// The table is bounded, and a run that is pushed out is counted.
func TestTheOldestMakesRoom(t *testing.T) {
	now := time.Unix(0, 0)
	table := New(3, time.Hour)
	var ended []Ended
	for i := range 10 {
		ended = table.Add(now, Key{ID: string(rune('a' + i))}, Iteration{At: int64(i + 1)}, ended)
		assert.LessOrEqual(t, table.Len(), 3)
	}
	finished, converged := sum(ended)
	assert.Equal(t, 7, finished)
	assert.Zero(t, converged)
	finished, _ = sum(table.Expire(now.Add(2*time.Hour), nil))
	assert.Equal(t, 3, finished)
	assert.Zero(t, table.Len())
}

// Every run finishes once and converges at most once, whatever follows.
func TestARunFinishesOnce(t *testing.T) {
	now := time.Unix(0, 0)
	table := New(10, time.Hour)
	k := Key{ID: "p"}
	converged := Iteration{At: 5, Converged: true, HasConverged: true}
	var ended []Ended
	ended = table.Add(now, k, Iteration{At: 1}, ended)
	ended = table.Add(now, k, converged, ended)
	ended = table.Add(now, k, converged, ended)
	ended = table.Close(k, 6, ended)
	ended = table.Close(k, 7, ended)
	ended = table.Add(now, k, Iteration{At: 6, Converged: true, HasConverged: true}, ended)
	ended = table.Expire(now.Add(2*time.Hour), ended)
	f, c := sum(ended)
	assert.Equal(t, 1, f)
	assert.Equal(t, 1, c)
}

func TestTheMemoryOfEndsIsBounded(t *testing.T) {
	table := New(4, time.Hour)
	for i := range 100 {
		table.Close(Key{ID: string(rune(i))}, 1, nil)
		assert.LessOrEqual(t, len(table.closed)+len(table.closedBefore), 8)
	}
}

func TestALateScoreDoesNotUndoSteadiness(t *testing.T) {
	now := time.Unix(0, 0)
	table := New(4, time.Hour)
	k := Key{ID: "p"}
	var ended []Ended
	for i, score := range []float64{0.5, 0.5, 0.5} {
		ended = table.Add(now, k, Iteration{At: int64(i+1) * 10, Score: score, HasScore: true}, ended)
	}
	ended = table.Add(now, k, Iteration{At: 15, Score: 0.1, HasScore: true}, ended) // late
	ended = table.Add(now, k, Iteration{At: 40, Score: 0.5, HasScore: true}, ended)
	f, c := sum(ended)
	assert.Equal(t, 1, f)
	assert.Equal(t, 1, c)
}
