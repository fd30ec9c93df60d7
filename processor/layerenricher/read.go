package layerenricher

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// maxID bounds what is taken for an id: longer texts would fill the cache.
const maxID = 256

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
		got.str, ok = p.state(t, v)
	case kindTags:
		got.i, ok = f.keep(v), v.Type() == pcommon.ValueTypeSlice || t.rank != 0 && v.Type() == pcommon.ValueTypeStr
	case kindCustom:
		got.i, ok = f.keep(v), v.Type() == pcommon.ValueTypeMap
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
		got.i = int64(inference.Severity(v.Str()))
		return got.i != 0
	case kindTimestamp:
		got.i, ok = toInt(v)
		return ok
	case kindTimeUnit:
		got.num = float64(inference.ParseUnit(v.Str()))
		return got.num != 0
	}
	if v.Type() != pcommon.ValueTypeStr {
		return false
	}
	text := v.Str()
	var trace [16]byte
	var span [8]byte
	if len(text) == traceparentLen && t.kind != kindParentSpan { // which may be another trace's
		trace, span, ok = inference.Traceparent(text)
	} else if t.kind == kindTraceID {
		trace, ok = inference.TraceID(text)
	} else {
		span, ok = inference.SpanID(text)
	}
	if ok && t.kind == kindTraceID {
		f.traceID = trace
	} else if ok {
		f.spanID, f.parented = span, t.kind == kindParentSpan
	}
	return ok
}

const traceparentLen = 55

func (p *plan) id(v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		s, ok := p.clean.Text(v.Str())
		return s, ok && len(s) <= maxID
	case pcommon.ValueTypeInt:
		return strconv.FormatInt(v.Int(), 10), true
	case pcommon.ValueTypeDouble:
		i, ok := inference.Whole(v.Double())
		return strconv.FormatInt(i, 10), ok
	case pcommon.ValueTypeSlice: // a header's values
		if s := v.Slice(); s.Len() == 1 && s.At(0).Type() == pcommon.ValueTypeStr {
			return p.id(s.At(0))
		}
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

// state reads one state or a change of states, of which the slot needs one.
func (p *plan) state(t *target, v pcommon.Value) (string, bool) {
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
			return st, !t.pair || t.kind == kindStateTo
		}
		var ok bool
		if from, to, ok = inference.StatePair(v.Str(), p.states); !ok {
			return "", false
		}
	default:
		return "", false
	}
	if t.kind == kindStateFrom {
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

// maxNumber bounds what is tried as a number: a failed try copies the text.
const maxNumber = 32

// toNumber makes a number of a text that is one.
func toNumber(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		return
	}
	s := strings.TrimSpace(v.Str())
	if len(s) > maxNumber {
		return
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		v.SetInt(i)
	} else if f, ok := inference.Number(s); ok {
		v.SetDouble(f)
	}
}
