package episodes

import (
	"slices"
	"strings"
	"time"
)

// Episode is one active group of a rule.
type Episode struct {
	Key    string
	Values []string // of the attributes that the rule groups by
	Start  time.Time
	heard  time.Time
}

// Tracker holds the active groups of one rule. It is not safe for concurrent
// use.
type Tracker struct {
	// Max bounds the groups that are active at the same time.
	Max int
	// ExpireAfter ends a group whose condition was not met for so long; 0 =
	// never.
	ExpireAfter time.Duration

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

// Outcome of Trigger.
type Outcome int

const (
	Started Outcome = iota
	Already         // the group is active: a breaker that opens twice is open once
	Refused         // Max groups are active
)

// Trigger says that the group's condition is met. start is the item's time, now
// the clock's.
func (t *Tracker) Trigger(values []string, start, now time.Time) (Episode, Outcome) {
	key := Key(values)
	if e, ok := t.active[key]; ok {
		e.heard = now
		return *e, Already
	}
	if t.Max > 0 && len(t.active) >= t.Max {
		return Episode{}, Refused
	}
	if t.active == nil {
		t.active = map[string]*Episode{}
	}
	e := &Episode{Key: key, Values: slices.Clone(values), Start: start, heard: now}
	t.active[key] = e
	return *e, Started
}

// Resolve ends the group; false when it is not active.
func (t *Tracker) Resolve(values []string) (Episode, bool) {
	key := Key(values)
	e, ok := t.active[key]
	if !ok {
		return Episode{}, false
	}
	delete(t.active, key)
	return *e, true
}

// Expire ends and returns the groups that were not heard for too long, in the
// order of their keys.
func (t *Tracker) Expire(now time.Time) []Episode {
	if t.ExpireAfter <= 0 {
		return nil
	}
	var ended []Episode
	for key, e := range t.active {
		if now.Sub(e.heard) >= t.ExpireAfter {
			ended = append(ended, *e)
			delete(t.active, key)
		}
	}
	slices.SortFunc(ended, func(a, b Episode) int { return strings.Compare(a.Key, b.Key) })
	return ended
}

// Active counts the active groups.
func (t *Tracker) Active() int { return len(t.active) }

// Kept is an active group as it is kept over a restart.
type Kept struct {
	Values []string
	Start  time.Time
	Heard  time.Time // its condition was met last
}

// Keep lists the active groups.
func (t *Tracker) Keep() []Kept {
	kept := make([]Kept, 0, len(t.active))
	for _, e := range t.active {
		kept = append(kept, Kept{Values: e.Values, Start: e.Start, Heard: e.heard})
	}
	return kept
}

// Restore goes on with groups that were kept. Time in which nobody listened is
// no silence: it is added to when they were heard.
func (t *Tracker) Restore(kept []Kept, deaf time.Duration) {
	if t.active == nil {
		t.active = map[string]*Episode{}
	}
	for _, k := range kept {
		key := Key(k.Values)
		t.active[key] = &Episode{Key: key, Values: k.Values, Start: k.Start, heard: k.Heard.Add(deaf)}
	}
}
