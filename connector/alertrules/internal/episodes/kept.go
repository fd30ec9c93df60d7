package episodes

import (
	"slices"
	"time"
)

// Kept is a tracker's state as it is kept over a restart.
type Kept struct {
	Episodes []KeptEpisode
	Flaps    map[string][]time.Time // begins and ends by key
}

// KeptEpisode is an active group.
type KeptEpisode struct {
	Values      []string
	Start       time.Time
	Heard       time.Time // its condition was met last
	Trace       [16]byte
	Span        [8]byte
	Flapping    bool
	FlappedOver bool // of one that flaps: its last word was an end
}

// Keep copies the state.
func (t *Tracker) Keep() Kept {
	k := Kept{Flaps: t.Flaps.State()}
	for _, e := range t.active {
		k.Episodes = append(k.Episodes, KeptEpisode{
			Values: slices.Clone(e.Values), Start: e.Start, Heard: e.heard, Trace: e.Trace, Span: e.Span, Flapping: e.Flapping, FlappedOver: e.over,
		})
	}
	return k
}

// Restore goes on with what was kept. Time in which nobody listened is no
// silence: it is added to when a group was heard.
func (t *Tracker) Restore(kept Kept, deaf time.Duration) {
	if t.active == nil {
		t.active = map[string]*Episode{}
	}
	for _, k := range kept.Episodes {
		key := Key(k.Values)
		t.active[key] = &Episode{
			Key: key, Values: k.Values, Start: k.Start, Trace: k.Trace, Span: k.Span, Flapping: k.Flapping,
			heard: k.Heard.Add(deaf), over: k.FlappedOver,
		}
	}
	t.Flaps.Resume(kept.Flaps)
}
