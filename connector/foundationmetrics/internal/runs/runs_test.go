package runs

import (
	"math/rand/v2"
	"strconv"
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
		ended = table.Add(now, Key{Program: Program{ID: string(rune('a' + i))}}, Iteration{At: int64(i + 1)}, ended)
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
	k := Key{Program: Program{ID: "p"}}
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
		table.Close(Key{Program: Program{ID: string(rune(i))}}, 1, nil)
		assert.LessOrEqual(t, len(table.closed)+len(table.closedBefore), 8)
		table.Close(Key{Program: Program{ID: "p"}, Request: strconv.Itoa(i)}, 1, nil)
	}
}

func TestALateScoreDoesNotUndoSteadiness(t *testing.T) {
	now := time.Unix(0, 0)
	table := New(4, time.Hour)
	k := Key{Program: Program{ID: "p"}}
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

// requestOf is a run's worth of arrivals: iterations of one program from first on,
// the multi-agent run around them and the request around that. Those in unnamed know
// no request: iterations by their number, 0 the multi-agent run.
func requestOf(table *Table, ended *[]Ended, request string, first int64, converges bool, unnamed ...int) []func() {
	const iterations = 5
	key := func(n int) Key {
		k := Key{Program: Program{ID: "p"}, Request: request}
		for _, u := range unnamed {
			if u == n {
				k.Request = ""
			}
		}
		return k
	}
	now := time.Unix(0, 0)
	var out []func()
	for n := 1; n <= iterations; n++ {
		it := Iteration{At: first + int64(n)*10, Number: n, HasNumber: true, HasConverged: true, Converged: converges && n == iterations}
		out = append(out, func() { *ended = table.Add(now, key(n), it, *ended) })
	}
	end := first + (iterations+1)*10
	return append(out,
		func() { *ended = table.Close(key(0), end, *ended) },
		func() { *ended = table.Close(key(-1), end+1, *ended) })
}

// Requests that optimize one program at the same time are a run each, in whatever
// order their iterations and ends arrive.
func TestOverlappingRequestsAreRunsOfTheirOwn(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		table := New(10, time.Hour)
		var ended []Ended
		var arrivals []func()
		for i := range 4 {
			arrivals = append(arrivals, requestOf(table, &ended, strconv.Itoa(i), int64(i)*7, i < 3)...)
		}
		rng.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
		for _, arrive := range arrivals {
			arrive()
		}
		finished, converged := sum(ended)
		assert.Equal(t, 4, finished, "seed %d", seed)
		assert.Equal(t, 3, converged, "seed %d", seed)
		for p := range table.programs {
			assert.Zero(t, table.programs[p].open, "seed %d: all are over, nobody had to wait for silence", seed)
		}
	}
}

// Iterations may come before anybody knows their request, and ends before their
// iterations: one request after the other is a run each all the same.
func TestIterationsBeforeTheirRequestIsKnown(t *testing.T) {
	for name, unnamed := range map[string][]int{
		"all known": nil, "the first iterations": {1, 2, 3}, "the first iterations and the multi-agent run": {0, 1, 2},
		"all iterations": {1, 2, 3, 4, 5}, "only the request knows": {0, 1, 2, 3, 4, 5}, "nobody": {-1, 0, 1, 2, 3, 4, 5}, "all but one": {-1, 0, 1, 2, 3, 5},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(200) {
				rng := rand.New(rand.NewPCG(seed, 2))
				table := New(10, time.Hour)
				var ended []Ended
				for i := range 3 {
					arrivals := requestOf(table, &ended, strconv.Itoa(i), int64(i)*1000, i > 0, unnamed...)
					rng.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
					for _, arrive := range arrivals {
						arrive()
					}
				}
				ended = table.Expire(time.Unix(0, 0).Add(2*time.Hour), ended)
				finished, converged := sum(ended)
				assert.Equal(t, 3, finished, "seed %d", seed)
				assert.Equal(t, 2, converged, "seed %d", seed)
				assert.Empty(t, table.programs)
				assert.Zero(t, table.Len())
			}
		})
	}
}

// An end that names no request says nothing while several requests are open.
func TestAnEndOfNobodyEndsTheOnlyOpenRun(t *testing.T) {
	now, p := time.Unix(0, 0), Program{ID: "p"}
	table := New(10, time.Hour)
	ended := table.Add(now, Key{p, "a"}, Iteration{At: 10}, nil)
	ended = table.Add(now, Key{p, "b"}, Iteration{At: 11}, ended)
	ended = table.Close(Key{Program: p}, 20, ended)
	assert.Empty(t, ended)
	ended = table.Close(Key{p, "b"}, 21, ended)
	ended = table.Add(now, Key{p, "a"}, Iteration{At: 22}, ended)
	assert.Len(t, ended, 1)
	ended = table.Close(Key{Program: p}, 30, ended)
	assert.Len(t, ended, 2)
}
