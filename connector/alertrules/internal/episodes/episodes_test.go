package episodes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

var t0 = time.Unix(1_700_000_000, 0)

func after(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

func (t *Tracker) trigger(at int, values ...string) Outcome {
	_, o := t.Trigger(Episode{Values: values, Start: after(at)}, after(at))
	return o
}

func (t *Tracker) resolve(at int, values ...string) Outcome {
	_, o := t.Resolve(values, after(at))
	return o
}

func (t *Tracker) expire(at int) (expired, quiet []string) {
	e, q := t.Expire(after(at))
	for _, x := range e {
		expired = append(expired, x.Key)
	}
	for _, x := range q {
		quiet = append(quiet, x.Key)
	}
	return expired, quiet
}

func TestEpisodes(t *testing.T) {
	tr := Tracker{Max: 2, ExpireAfter: time.Minute}
	assert.Equal(t, Started, tr.trigger(0, "a"))
	e, outcome := tr.Trigger(Episode{Values: []string{"a"}, Start: after(30)}, after(30))
	assert.Equal(t, None, outcome)
	assert.Equal(t, t0, e.Start, "it is the same episode")
	assert.Equal(t, Started, tr.trigger(0, "b"))
	assert.Equal(t, Refused, tr.trigger(0, "c"))
	expired, quiet := tr.expire(60)
	assert.Equal(t, []string{"b|"}, expired, "a was heard later")
	assert.Empty(t, quiet)
	assert.Equal(t, None, tr.resolve(61, "b"))
	assert.Equal(t, Ended, tr.resolve(61, "a"))
	assert.Zero(t, tr.Active())

	never := Tracker{}
	assert.Equal(t, Started, never.trigger(0))
	expired, _ = never.expire(1 << 30)
	assert.Empty(t, expired)
}

func TestKeysTellGroupsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, values := range [][]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a|b"}, {"a", "b", ""}, {`a\`, "b"}, {`a\|b`}, {`a\p`, "b"}, {"a|", "b"}} {
		key := Key(values)
		assert.False(t, seen[key], "%q", values)
		seen[key] = true
	}
}

func TestFlapping(t *testing.T) {
	tr := Tracker{Flaps: rules.Flaps[string]{Flapping: rules.Flapping{Transitions: 2, Window: time.Minute}, Max: 1}}
	assert.Equal(t, Started, tr.trigger(0, "a"))
	assert.Equal(t, Ended, tr.resolve(10, "a"))
	e, outcome := tr.Trigger(Episode{Values: []string{"a"}, Start: after(20)}, after(20))
	assert.Equal(t, Started, outcome)
	assert.True(t, e.Flapping, "the third change")
	assert.Equal(t, None, tr.resolve(30, "a"), "held")
	assert.Equal(t, None, tr.resolve(40, "a"), "said twice, changed once")
	expired, quiet := tr.expire(89)
	assert.Empty(t, append(expired, quiet...))
	assert.Equal(t, 1, tr.Active())
	_, quiet = tr.expire(90)
	assert.Equal(t, []string{"a|"}, quiet)
	assert.Zero(t, tr.Active())

	// What is on its way to its end and begins again goes on, in the same episode.
	for i := range 2 {
		assert.Equal(t, Started, tr.trigger(1000+i*10, "b"))
		tr.resolve(1005+i*10, "b")
	}
	tr.trigger(1020, "b")
	for at := 1030; at < 1080; at += 10 {
		_, quiet = tr.expire(at)
		assert.Empty(t, quiet)
	}
	tr.expire(1080)
	assert.Equal(t, 1, tr.Active())
	tr.Each(func(e Episode) {
		assert.False(t, e.Flapping, "believed again")
		assert.Equal(t, after(1010), e.Start)
	})
	assert.Equal(t, Ended, tr.resolve(1081, "b"))

	assert.Equal(t, Started, tr.trigger(1082, "c"))
	assert.Equal(t, 1, tr.Unwatched, "b is still watched, and there is room for one")
}

func TestAnEndCanBeOneTooMany(t *testing.T) {
	tr := Tracker{Flaps: rules.Flaps[string]{Flapping: rules.Flapping{Transitions: 3, Window: time.Minute}}}
	tr.trigger(0)
	assert.Equal(t, Ended, tr.resolve(1))
	tr.trigger(2)
	assert.Equal(t, Held, tr.resolve(3))
	assert.Equal(t, None, tr.trigger(4))
}
