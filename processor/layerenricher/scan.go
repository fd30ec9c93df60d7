package layerenricher

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// maxID bounds what is taken for an id: longer texts would fill the cache.
const maxID = 256

// unset is the rank of a slot without a value: worse than every alias.
const unset = 255

// value is what one look over an item's attributes found for a slot. It keeps no
// reference into the item but raw, which must be read before anything is added
// to the same attributes.
type value struct {
	rank  uint8
	gate  gate
	dirty bool // the canonical attribute is there and must be written again
	isNil bool // the canonical attribute is there and holds no value
	str   string
	num   float64
	i     int64
	raw   pcommon.Value
}

func (v *value) found() bool { return v.rank != unset }
func (v *value) own() bool   { return v.rank == 0 }

// facts is what an item says about itself.
type facts struct {
	slots   []value
	touched []uint8
	// phase is the raw attribute phase, which may be a part of the name; the
	// slot holds the canonical one.
	phase     string
	failed    bool
	bare      float64 // a duration without a suffix
	bareRank  uint8
	bareOwner uint8 // its slot
	// Ids from attributes; only good when their slots have a value.
	traceID pcommon.TraceID
	spanID  pcommon.SpanID
	name    inference.Name
	carried bool // the name came from something that only events have
}

func newFacts(p *plan) *facts {
	f := &facts{slots: make([]value, len(p.slots)), touched: make([]uint8, 0, len(p.slots)), bareRank: unset}
	for i := range f.slots {
		f.slots[i].rank = unset
	}
	return f
}

func (f *facts) reset() {
	for _, at := range f.touched {
		f.slots[at] = value{rank: unset}
	}
	f.touched = f.touched[:0]
	f.phase, f.failed, f.bareRank, f.carried = "", false, unset, false
	f.name = inference.Name{}
}

// touch marks a slot for reset.
func (f *facts) touch(at uint8) {
	v := &f.slots[at]
	if v.rank == unset && !v.isNil {
		f.touched = append(f.touched, at)
	}
}

// setText puts a text that did not come from an attribute into a slot.
func (f *facts) setText(at uint8, text string) {
	f.touch(at)
	f.slots[at].rank, f.slots[at].str = unset-1, text
}

// scan reads an item's attributes once. Numbers that arrived as text are changed
// in place; everything else is only noted.
func (p *plan) scan(f *facts, attrs pcommon.Map, on place) {
	for key, v := range attrs.All() {
		e := p.keys.get(key)
		if e == nil {
			continue
		}
		for i := range e.targets {
			if t := &e.targets[i]; t.on&on != 0 {
				p.note(f, t, v)
			}
		}
	}
}

func (p *plan) note(f *facts, t *target, v pcommon.Value) {
	if t.kind == kindNumber {
		toNumber(v)
		return
	}
	if t.kind == kindPhase && t.rank != 0 {
		if text, ok := p.text(v); ok && f.phase == "" {
			f.phase = text
		}
		return
	}
	old := &f.slots[t.slot]
	if t.rank >= old.rank {
		return
	}
	var got value
	if !p.read(f, t, v, &got) {
		if t.rank != 0 {
			return
		}
		if p.isNil(v) {
			f.touch(t.slot)
			old.isNil = true
			return
		}
		got = value{} // the item's own value, though of no use to us: it stays
	}
	f.touch(t.slot)
	got.rank, got.gate, got.isNil = t.rank, t.gate, old.isNil
	if t.rank == 0 && v.Type() == pcommon.ValueTypeStr {
		got.dirty = got.str != "" && got.str != v.Str()
	}
	*old = got
}

func (p *plan) isNil(v pcommon.Value) bool {
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
		return true
	case pcommon.ValueTypeStr:
		_, ok := p.clean.Text(v.Str())
		return !ok
	}
	return false
}

// text is a value that names something: a text, or a bool's or number's text.
func (p *plan) text(v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return p.clean.Atom(v.Str())
	case pcommon.ValueTypeInt:
		return strconv.FormatInt(v.Int(), 10), true
	case pcommon.ValueTypeBool:
		return strconv.FormatBool(v.Bool()), true
	}
	return "", false
}

// read turns a value into what the slot needs; false when it is of no use there.
func (p *plan) read(f *facts, t *target, v pcommon.Value, got *value) (ok bool) {
	switch t.kind {
	case kindAtom:
		got.str, ok = p.text(v)
	case kindID:
		got.str, ok = p.id(v)
	case kindLayer:
		// Another's attribute "layer" may mean a network's or a map's.
		if got.str, ok = p.text(v); ok && t.rank != 0 {
			id := p.layers.ByValue(got.str)
			got.str, ok = p.layers.Name(id), id != 0
		}
	case kindPhase:
		got.str, ok = p.text(v)
	case kindEventName:
		got.str, ok = p.eventText(v)
	case kindInt:
		got.i, ok = toInt(v)
	case kindOutcome:
		got.str = p.outcome(v)
		ok = got.str != ""
	case kindDuration:
		ok = p.duration(f, t, v, got)
	case kindStateFrom, kindStateTo:
		got.str, ok = p.state(t.kind, v)
	case kindTags:
		got.raw, ok = v, v.Type() == pcommon.ValueTypeSlice || t.rank != 0 && v.Type() == pcommon.ValueTypeStr
	case kindCustom:
		got.raw, ok = v, v.Type() == pcommon.ValueTypeMap
	case kindError:
		got.str, ok = p.errorText(f, v)
	case kindNode:
		if got.str, ok = p.text(v); ok {
			got.str = strings.Trim(got.str, `"'`)
			ok = strings.IndexByte(got.str, '@') > 0 || t.rank == 0
		}
	case kindEnvironment:
		if got.str, ok = p.text(v); ok && t.rank != 0 {
			if long, known := p.envs[strings.ToLower(got.str)]; known {
				got.str = long
			}
		}
	default:
		ok = p.readField(f, t, v, got)
	}
	return ok
}

// readField reads what fills a field of the item instead of an attribute.
func (p *plan) readField(f *facts, t *target, v pcommon.Value, got *value) (ok bool) {
	switch t.kind {
	case kindFailed:
		f.failed = f.failed || p.outcome(v) == outcomeFailure
		return false
	case kindSeverity:
		if v.Type() == pcommon.ValueTypeInt {
			// Below 5 a number may as well count levels from 1 as be a TRACE.
			got.i, ok = v.Int(), v.Int() >= 5 && v.Int() <= 24
			return ok
		}
		got.i = int64(inference.Severity(v.AsString()))
		return got.i != 0
	case kindTimestamp:
		got.i, ok = toInt(v)
		return ok
	case kindTimeUnit:
		got.num = float64(inference.ParseUnit(v.AsString()))
		return got.num != 0
	}
	if v.Type() != pcommon.ValueTypeStr {
		return false
	}
	text := v.Str()
	var trace [16]byte
	var span [8]byte
	if len(text) == 55 {
		trace, span, ok = inference.Traceparent(text)
	} else if t.kind == kindTraceID {
		trace, ok = inference.TraceID(text)
	} else {
		span, ok = inference.SpanID(text)
	}
	if ok && t.kind == kindTraceID {
		f.traceID = trace
	} else if ok {
		f.spanID = span
	}
	return ok
}

func (p *plan) id(v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		s, ok := p.clean.Text(v.Str())
		return s, ok && len(s) <= maxID
	case pcommon.ValueTypeInt:
		return strconv.FormatInt(v.Int(), 10), true
	}
	return "", false
}

func (p *plan) eventText(v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		s, ok := p.clean.Text(v.Str())
		return s, ok && len(s) <= maxEventName
	case pcommon.ValueTypeSlice:
		return listName(v.Slice())
	}
	return "", false
}

// maxEventName bounds what is taken for a name.
const maxEventName = 512

// listName reads a name that came as a list of words.
func listName(words pcommon.Slice) (string, bool) {
	if words.Len() == 0 || words.Len() > 16 {
		return "", false
	}
	var b strings.Builder
	for i := range words.Len() {
		if words.At(i).Type() != pcommon.ValueTypeStr {
			return "", false
		}
		w := inference.Word(words.At(i).Str())
		if w == "" {
			return "", false
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(w)
	}
	return b.String(), b.Len() <= maxEventName
}

func (p *plan) outcome(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		return p.outcomes.Bool(v.Bool())
	case pcommon.ValueTypeStr:
		return p.outcomes.Word(v.Str())
	case pcommon.ValueTypeSlice: // {:ok, result} as a list
		if s := v.Slice(); s.Len() > 0 && s.At(0).Type() == pcommon.ValueTypeStr {
			return p.outcomes.Word(s.At(0).Str())
		}
	}
	return ""
}

// duration notes a length of time; one whose key has no unit waits for a sibling
// or for the span's own length.
func (p *plan) duration(f *facts, t *target, v pcommon.Value, got *value) bool {
	n, ok := number(v)
	if !ok {
		return false
	}
	if t.rank == 0 {
		got.num = n
		return true
	}
	if t.unit == 0 {
		if t.rank < f.bareRank {
			f.bare, f.bareRank, f.bareOwner = n, t.rank, t.slot
		}
		return false
	}
	got.num, ok = inference.Seconds(n, t.unit)
	return ok
}

func (p *plan) state(k kind, v pcommon.Value) (string, bool) {
	var from, to string
	switch v.Type() {
	case pcommon.ValueTypeSlice:
		s := v.Slice()
		if s.Len() != 2 {
			return "", false
		}
		from, to = inference.State(s.At(0).AsString(), p.states), inference.State(s.At(1).AsString(), p.states)
		if from == "" || to == "" {
			return "", false
		}
	case pcommon.ValueTypeStr:
		if st := inference.State(v.Str(), p.states); st != "" {
			return st, true
		}
		var ok bool
		if from, to, ok = inference.StatePair(v.Str(), p.states); !ok {
			return "", false
		}
	default:
		return "", false
	}
	if k == kindStateFrom {
		return from, true
	}
	return to, true
}

// errorText reads an error: a message, or only that there was one.
func (p *plan) errorText(f *facts, v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeBool:
		f.failed = f.failed || v.Bool()
	case pcommon.ValueTypeStr:
		s, ok := p.clean.Text(v.Str())
		if !ok || s == "false" {
			return "", false
		}
		f.failed = true
		return s, s != "true"
	}
	return "", false
}

func number(v pcommon.Value) (float64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return float64(v.Int()), true
	case pcommon.ValueTypeDouble:
		d := v.Double()
		return d, !math.IsNaN(d) && !math.IsInf(d, 0)
	case pcommon.ValueTypeStr:
		return inference.Number(strings.TrimSpace(v.Str()))
	}
	return 0, false
}

func toInt(v pcommon.Value) (int64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return v.Int(), true
	case pcommon.ValueTypeDouble:
		return inference.Whole(v.Double())
	case pcommon.ValueTypeStr:
		return inference.Int(strings.TrimSpace(v.Str()))
	}
	return 0, false
}

// toNumber makes a number of a text that is one.
func toNumber(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		return
	}
	s := strings.TrimSpace(v.Str())
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		v.SetInt(i)
	} else if f, ok := inference.Number(s); ok {
		v.SetDouble(f)
	}
}

// settle decides what needed the whole item: durations without a unit, and
// values whose key only counts on some events, or on items that are known to be
// ours by something that stays the same when the processor runs a second time.
// It returns false when a duration's unit stays unknown.
func (p *plan) settle(f *facts, length time.Duration, h hints) (decided bool) {
	decided = true
	if f.bareRank != unset {
		d := &f.slots[f.bareOwner]
		if f.bareRank < d.rank {
			unit := p.timeUnit(f)
			if unit == 0 {
				unit = inference.Calibrate(f.bare, length.Seconds())
			}
			if secs, ok := inference.Seconds(f.bare, unit); ok {
				f.touch(f.bareOwner)
				d.rank, d.num = f.bareRank, secs
			}
			decided = d.found()
		}
	}
	ours := f.name.Layer != 0 || h.scope != 0 || h.service != 0
	for _, at := range f.touched {
		v := &f.slots[at]
		if v.gate == gateEvent && !strings.HasPrefix(f.name.Canonical, p.slots[at].events) || v.gate == gateOurs && !ours {
			*v = value{rank: unset, isNil: v.isNil}
		}
	}
	return decided
}

func (p *plan) timeUnit(f *facts) inference.Unit {
	for _, at := range f.touched {
		if p.slots[at].kind == kindTimeUnit {
			return inference.Unit(f.slots[at].num)
		}
	}
	return 0
}

// ids copies what the item says itself into what the cache learns.
func (p *plan) ids(f *facts, it *correlation.Item) (missingWide, missingBelow uint8) {
	for i, at := range p.traceWide {
		v := &f.slots[at]
		it.TraceIDs[i] = v.str
		if !v.found() {
			missingWide |= 1 << i
		}
	}
	for i, at := range p.subtree {
		v := &f.slots[at]
		it.Subtree[i] = v.str
		if !v.found() {
			missingBelow |= 1 << i
		}
	}
	return missingWide, missingBelow
}
