package rules

import (
	"encoding/binary"
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

	records  bool
	previous map[string]labels.Labels // nil when it was read from a storage
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
		}
		rs.previous = g.previous[i]
		s.Rules = append(s.Rules, rs)
	}
	return s
}

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
	}
	return sum
}

func (a *Alert) fingerprint(rule, hash uint64) uint64 {
	var buf [64]byte
	b := binary.LittleEndian.AppendUint64(buf[:0], rule)
	b = binary.LittleEndian.AppendUint64(b, hash)
	b = append(b, byte(a.State))
	for _, t := range [...]time.Time{a.ActiveAt, a.FiredAt, a.KeepFiringSince} {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.UnixNano()))
	}
	return xxhash.Sum64(b)
}
