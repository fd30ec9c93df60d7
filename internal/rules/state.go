package rules

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/prometheus/model/labels"
)

// GroupState is what a group remembers from one evaluation to the next.
type GroupState struct {
	File, Name string
	Last       time.Time // the last evaluation; zero = none
	Rules      []RuleState
}

// RuleState is a rule's part of a GroupState.
type RuleState struct {
	Info   Rule
	Labels labels.Labels // as the rule has them; with the name they say which rule it is
	Text   uint64        // a hash of all that the rule says
	Alerts []Alert
	Flaps  map[uint64][]time.Time // changes, by the hash of the alert's labels
	Seen   []Seen                 // groups whose data is missed once it stops
	Began  time.Time              // since when they are watched

	records  bool
	previous map[string]labels.Labels // nil when it was read from a storage
}

// Seen is a group that gave something, and when it did last.
type Seen struct {
	Labels labels.Labels
	Last   time.Time
}

// same says whether the two are the same rule, as upstream decides it at a
// reload: the name and the labels, whatever else was changed. A corrected
// annotation must not end an alert.
func (s *RuleState) same(o *RuleState) bool {
	return s.records == o.records && s.Info.Name == o.Info.Name && labels.Equal(s.Labels, o.Labels)
}

// State copies the group's state.
func (g *Group) State() GroupState {
	s := GroupState{File: g.File, Name: g.Name, Last: g.last}
	for i := range g.rules {
		rs := g.identity(i)
		if r, ok := g.rules[i].(*alerting); ok {
			for _, a := range r.active {
				rs.Alerts = append(rs.Alerts, *a)
			}
			r.beyond.state(&rs)
		}
		rs.previous = g.previous[i]
		s.Rules = append(s.Rules, rs)
	}
	return s
}

// Last is the time of the last evaluation; zero = none.
func (g *Group) Last() time.Time { return g.last }

func (g *Group) identity(i int) RuleState {
	switch r := g.rules[i].(type) {
	case *alerting:
		return RuleState{Info: r.info, Labels: r.static, Text: r.text()}
	case *recording:
		return RuleState{Info: Rule{Name: r.name}, Labels: r.labels, Text: xxhash.Sum64String(r.query), records: true}
	}
	return RuleState{}
}

// text hashes what decides about the rule's alerts beside its name and labels.
func (r *alerting) text() uint64 {
	d := xxhash.New()
	write := func(s string) {
		_, _ = d.Write(binary.AppendUvarint(nil, uint64(len(s))))
		_, _ = d.WriteString(s)
	}
	write(r.query)
	write(r.hold.String())
	write(r.keepFiring.String())
	for _, a := range r.annotations {
		write(a.name)
		write(a.literal)
	}
	write(r.beyond.stay)
	write(r.beyond.noData.String())
	write(fmt.Sprint(r.beyond.flaps.Flapping))
	return d.Sum64()
}

// Fingerprint changes when something changes that must be kept over a restart:
// which alerts are active, in which state and since when. Values and
// annotations are not among it: they change with every evaluation, and the next
// one tells them anew.
func (g *Group) Fingerprint() uint64 {
	var sum uint64
	for i := range g.rules {
		r, ok := g.rules[i].(*alerting)
		if !ok {
			continue
		}
		for h, a := range r.active {
			sum += a.fingerprint(uint64(i), h)
		}
		// Which groups are missed is kept to the hour.
		for h, g := range r.beyond.watch.seen {
			sum += (h | 1) * uint64(g.last.Truncate(time.Hour).Unix())
		}
	}
	return sum
}

func (a *Alert) fingerprint(rule, hash uint64) uint64 {
	var buf [64]byte
	b := binary.LittleEndian.AppendUint64(buf[:0], rule)
	b = binary.LittleEndian.AppendUint64(b, hash)
	b = append(b, byte(a.State), flags(a))
	for _, t := range [...]time.Time{a.ActiveAt, a.FiredAt, a.KeepFiringSince} {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.UnixNano()))
	}
	return xxhash.Sum64(b)
}

// flags are the alert's booleans as the bits of a byte.
func flags(a *Alert) (b byte) {
	for i, set := range [...]bool{a.NoData, a.Flapping, a.Over} {
		if set {
			b |= 1 << i
		}
	}
	return b
}

func (a *Alert) setFlags(b byte) {
	for i, to := range [...]*bool{&a.NoData, &a.Flapping, &a.Over} {
		*to = b&(1<<i) != 0
	}
}

// state copies what is beyond Prometheus.
func (b *beyond) state(to *RuleState) {
	to.Began = b.watch.began
	for _, g := range b.watch.seen {
		to.Seen = append(to.Seen, Seen{Labels: g.labels, Last: g.last})
	}
	to.Flaps = b.flaps.State()
}

// resume goes on with what is beyond Prometheus.
func (b *beyond) resume(from *RuleState) {
	if b.noData == NoDataAlert {
		b.watch.began, b.watch.seen = from.Began, map[uint64]*group{}
		for _, s := range from.Seen {
			b.watch.seen[s.Labels.Hash()] = &group{labels: s.Labels, last: s.Last}
		}
	}
	b.flaps.Resume(from.Flaps)
}

// State copies the changes that are noted.
func (f *Flaps[K]) State() map[K][]time.Time {
	if len(f.changes) == 0 {
		return nil
	}
	all := make(map[K][]time.Time, len(f.changes))
	for k, times := range f.changes {
		all[k] = slices.Clone(times)
	}
	return all
}

// Resume goes on with changes that were noted before.
func (f *Flaps[K]) Resume(changes map[K][]time.Time) {
	if !f.On() || len(changes) == 0 {
		return
	}
	f.changes = make(map[K][]time.Time, len(changes))
	for k, times := range changes {
		f.changes[k] = times[max(0, len(times)-f.Transitions-1):]
	}
}
