package episodes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEpisodes(t *testing.T) {
	t0 := time.Unix(1_700_000_000, 0)
	tr := Tracker{Max: 2, ExpireAfter: time.Minute}
	e, outcome := tr.Trigger([]string{"a"}, t0, t0)
	assert.Equal(t, Started, outcome)
	assert.Equal(t, t0, e.Start)
	e, outcome = tr.Trigger([]string{"a"}, t0.Add(30*time.Second), t0.Add(30*time.Second))
	assert.Equal(t, Already, outcome)
	assert.Equal(t, t0, e.Start, "it is the same episode")
	_, outcome = tr.Trigger([]string{"b"}, t0, t0)
	assert.Equal(t, Started, outcome)
	_, outcome = tr.Trigger([]string{"c"}, t0, t0)
	assert.Equal(t, Refused, outcome)
	assert.Len(t, tr.Expire(t0.Add(time.Minute)), 1, "b; a was heard later")
	_, ok := tr.Resolve([]string{"b"})
	assert.False(t, ok)
	_, ok = tr.Resolve([]string{"a"})
	assert.True(t, ok)
	assert.Zero(t, tr.Active())

	never := Tracker{}
	_, outcome = never.Trigger(nil, t0, t0)
	assert.Equal(t, Started, outcome)
	assert.Empty(t, never.Expire(t0.AddDate(100, 0, 0)))
}

func TestKeysTellGroupsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, values := range [][]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a|b"}, {"a", "b", ""}, {`a\`, "b"}, {`a\|b`}, {`a\p`, "b"}, {"a|", "b"}} {
		key := Key(values)
		assert.False(t, seen[key], "%q", values)
		seen[key] = true
	}
}
