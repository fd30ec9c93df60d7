package rules

import (
	"encoding/binary"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/foundation-os/otelcol-foundation/internal/record"
)

// StateVersion is the version of what Append writes. Another layout is another
// version; there is no reading of old ones: a state lasts as long as an alert.
const StateVersion = 1

// Bounds of what is read: a state is as long as its alerts, and texts of rules
// and labels as long as somebody wrote them.
const (
	maxRead = 1 << 20 // of lists
	maxText = 1 << 20 // bytes of one text
)

// Append writes the state: of rules only those that remember anything.
func (s *GroupState) Append(b []byte) []byte {
	b = record.AppendString(b, s.File)
	b = record.AppendString(b, s.Name)
	b = appendTime(b, s.Last)
	n := 0
	for i := range s.Rules {
		if s.Rules[i].remembers() {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	for i := range s.Rules {
		if s.Rules[i].remembers() {
			b = s.Rules[i].append(b)
		}
	}
	return b
}

// ReadGroupState reads what Append wrote; r tells whether it could.
func ReadGroupState(r *record.Reader) GroupState {
	s := GroupState{File: r.String(maxText), Name: r.String(maxText), Last: readTime(r)}
	for range r.Len(maxRead, 1) {
		s.Rules = append(s.Rules, readRule(r))
	}
	return s
}

func (s *RuleState) remembers() bool { return len(s.Alerts)+len(s.Flaps)+len(s.Seen) > 0 }

func (s *RuleState) append(b []byte) []byte {
	o := s.Info.Operand
	b = record.AppendString(b, s.Info.Name)
	b = record.AppendString(b, s.Info.Severity)
	b = record.AppendBool(b, o.Known)
	b = record.AppendString(b, o.Left)
	b = record.AppendString(b, o.Metric)
	b = binary.AppendVarint(b, int64(o.Op))
	b = record.AppendFloat(b, o.Threshold)
	b = appendLabels(b, s.Labels)
	b = binary.LittleEndian.AppendUint64(b, s.Text)
	b = binary.AppendUvarint(b, uint64(len(s.Alerts)))
	for i := range s.Alerts {
		a := &s.Alerts[i]
		b = append(b, byte(a.State), flags(a))
		for _, ls := range []labels.Labels{a.Labels, a.Annotations, a.source} {
			b = appendLabels(b, ls)
		}
		b = record.AppendFloat(b, a.Value)
		for _, t := range []time.Time{a.ActiveAt, a.FiredAt, a.KeepFiringSince} {
			b = appendTime(b, t)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(s.Flaps)))
	for h, times := range s.Flaps {
		b = binary.LittleEndian.AppendUint64(b, h)
		b = binary.AppendUvarint(b, uint64(len(times)))
		for _, t := range times {
			b = appendTime(b, t)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(s.Seen)))
	for i := range s.Seen {
		b = appendLabels(b, s.Seen[i].Labels)
		b = appendTime(b, s.Seen[i].Last)
	}
	return appendTime(b, s.Began)
}

func readRule(r *record.Reader) RuleState {
	s := RuleState{Info: Rule{
		Name: r.String(maxText), Severity: r.String(maxText),
		Operand: Operand{
			Known: r.Bool(), Left: r.String(maxText), Metric: r.String(maxText),
			Op: Op(r.IntWithin(int64(OpUnset), int64(OpNEQ))), Threshold: r.Float(),
		},
	}}
	s.Labels = readLabels(r)
	s.Text = r.Fixed()
	for range r.Len(maxRead, 1) {
		a := Alert{State: State(r.Byte())}
		r.FailUnless(a.State == Pending || a.State == Firing)
		a.setFlags(r.Byte())
		a.Labels, a.Annotations, a.source = readLabels(r), readLabels(r), readLabels(r)
		a.Value = r.Float()
		a.ActiveAt, a.FiredAt, a.KeepFiringSince = readTime(r), readTime(r), readTime(r)
		s.Alerts = append(s.Alerts, a)
	}
	for range r.Len(maxRead, 9) {
		h := r.Fixed()
		var times []time.Time
		for range r.Len(maxRead, 1) {
			times = append(times, readTime(r))
		}
		if s.Flaps == nil {
			s.Flaps = map[uint64][]time.Time{}
		}
		s.Flaps[h] = times
	}
	for range r.Len(maxRead, 2) {
		s.Seen = append(s.Seen, Seen{Labels: readLabels(r), Last: readTime(r)})
	}
	s.Began = readTime(r)
	return s
}

func appendLabels(b []byte, ls labels.Labels) []byte {
	b = binary.AppendUvarint(b, uint64(ls.Len()))
	ls.Range(func(l labels.Label) {
		b = record.AppendString(b, l.Name)
		b = record.AppendString(b, l.Value)
	})
	return b
}

func readLabels(r *record.Reader) labels.Labels {
	sb := labels.NewScratchBuilder(0)
	for range r.Len(maxRead, 2) {
		name := r.String(maxText)
		sb.Add(name, r.String(maxText))
	}
	sb.Sort()
	return sb.Labels()
}

// appendTime keeps the zero time apart from all others.
func appendTime(b []byte, t time.Time) []byte {
	b = record.AppendBool(b, !t.IsZero())
	if t.IsZero() {
		return b
	}
	return binary.AppendVarint(b, t.UnixNano())
}

func readTime(r *record.Reader) time.Time {
	if !r.Bool() {
		return time.Time{}
	}
	return time.Unix(0, r.Int()).UTC()
}
