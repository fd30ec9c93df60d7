package episodes

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// Episode is one active group of a rule.
type Episode struct {
	Key    string
	Values []string // of the attributes that the rule groups by
	Start  time.Time
	// Trace and Span are those of the item that began it; zero = none.
	Trace [16]byte
	Span  [8]byte
	// Flapping: it is held because it began and ended too often.
	Flapping bool

	heard time.Time
	over  bool // of one that flaps: its last word was an end
}

// Tracker holds the active groups of one rule. It is not safe for concurrent
// use.
type Tracker struct {
	// Max bounds the groups that are active at the same time.
	Max int
	// ExpireAfter ends a group whose condition was not met for so long; 0 =
	// never.
	ExpireAfter time.Duration
	// Flaps counts begins and ends, by the clock's time.
	Flaps rules.Flaps[string]
	// Unwatched counts changes of groups for whose flap detection there was no
	// room.
	Unwatched int

	active map[string]*Episode
}

// Key joins the values of a group so that different values give different keys.
func Key(values []string) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), `|`, `\p`))
		b.WriteByte('|')
	}
	return b.String()
}

// Outcome of Trigger and Resolve.
type Outcome int

const (
	None    Outcome = iota // nothing changed: a breaker that opens twice is open once
	Started                // look at Flapping: with this begin it may be one too many
	Ended
	Held    // it would end, and is held because it flaps from now on
	Refused // Max groups are active
)

// Trigger says that the condition of the episode's group is met. Start and what
// else it brings counts if it begins with this; now is the clock's time.
func (t *Tracker) Trigger(e Episode, now time.Time) (Episode, Outcome) {
	e.Key = Key(e.Values)
	if was, ok := t.active[e.Key]; ok {
		was.heard = now
		if was.over {
			was.over = false
			t.changedTooOften(e.Key, now)
		}
		return *was, None
	}
	if t.Max > 0 && len(t.active) >= t.Max {
		return Episode{}, Refused
	}
	if t.active == nil {
		t.active = map[string]*Episode{}
	}
	e.heard, e.Flapping = now, t.changedTooOften(e.Key, now)
	t.active[e.Key] = &e
	return e, Started
}

// Resolve says that the group is as it should be.
func (t *Tracker) Resolve(values []string, now time.Time) (Episode, Outcome) {
	key := Key(values)
	e, ok := t.active[key]
	if !ok || e.over {
		return Episode{}, None
	}
	tooOften := t.changedTooOften(key, now)
	switch {
	case e.Flapping:
		e.over = true
		return *e, None
	case tooOften:
		e.Flapping, e.over = true, true
		return *e, Held
	}
	delete(t.active, key)
	return *e, Ended
}

func (t *Tracker) changedTooOften(key string, now time.Time) bool {
	tooOften, watched := t.Flaps.Change(key, now)
	if !watched {
		t.Unwatched++
	}
	return tooOften
}

// Expire ends what time ends, in the order of the keys: expired are the groups
// whose condition was not met for too long, quiet those that flapped, were over,
// and did not change for long enough to be believed.
func (t *Tracker) Expire(now time.Time) (expired, quiet []Episode) {
	for key, e := range t.active {
		if e.Flapping && !t.Flaps.Quiet(key, now) {
			continue
		}
		e.Flapping = false
		switch {
		case e.over:
			quiet = append(quiet, *e)
		case t.ExpireAfter > 0 && now.Sub(e.heard) >= t.ExpireAfter:
			t.changedTooOften(key, now)
			expired = append(expired, *e)
		default:
			continue
		}
		delete(t.active, key)
	}
	t.Flaps.Forget(now)
	for _, list := range [][]Episode{expired, quiet} {
		slices.SortFunc(list, func(a, b Episode) int { return strings.Compare(a.Key, b.Key) })
	}
	return expired, quiet
}

// Each calls f for the active groups, in the order of their keys.
func (t *Tracker) Each(f func(Episode)) {
	for _, key := range slices.Sorted(maps.Keys(t.active)) {
		f(*t.active[key])
	}
}

// Active counts the active groups.
func (t *Tracker) Active() int { return len(t.active) }
