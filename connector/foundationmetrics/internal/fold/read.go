package fold

import (
	"strconv"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/plan"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/reading"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// first returns the first value that is there.
func (a *Aggregate) first(r plan.Ref) item.Value {
	for _, slot := range r {
		if v := a.values[slot]; v.Kind != item.None {
			return v
		}
	}
	return item.Value{}
}

// text returns the first value that says something: an alias counts when the
// canonical attribute is "nil".
func (a *Aggregate) text(r plan.Ref) (string, bool) {
	for _, slot := range r {
		if v := a.values[slot]; v.Kind != item.None {
			if s, ok := reading.Text(v); ok {
				return s, true
			}
		}
	}
	return "", false
}

// layer is the item's own, else that of its event's name.
func (a *Aggregate) layer(c *plan.Class) string {
	if s, ok := a.text(a.Plan.Layer); ok && s != string(semconv.LayerUnknown) {
		return s
	}
	return c.Layer
}

// stated is the outcome that an attribute states.
func (a *Aggregate) stated() (success, known bool) {
	for _, slot := range a.Plan.Outcome {
		if v := a.values[slot]; v.Kind != item.None {
			if success, known = reading.True(v); known {
				return success, true
			}
		}
	}
	return false, false
}

// outcome is what an attribute states, else what the status or the phase says. An
// operation that has ended without a word of failure has succeeded.
func (a *Aggregate) outcome(it *item.Item) string {
	if success, known := a.stated(); known {
		return outcomeOf(success)
	}
	return outcomeOf(it.Status != item.Error && it.Phase != semconv.PhaseFailed && it.Phase != semconv.PhaseCancelled)
}

func outcomeOf(success bool) string {
	if success {
		return semconv.OutcomeSuccess
	}
	return semconv.OutcomeFailure
}

// attribute is the value of a metric's attribute.
func (a *Aggregate) attribute(it *item.Item, x *plan.Attribute) string {
	switch x.Form {
	case semconv.FormSuccess:
		// The document's counter reads the attribute and takes a missing one for false;
		// an explicit status is as good as an attribute.
		if success, known := a.stated(); known {
			return strconv.FormatBool(success)
		}
		if it.Status == item.OK {
			return "true"
		}
		return x.Default
	case semconv.FormOperationOutcome:
		if it.Status == item.Error {
			return semconv.OutcomeFailure
		}
		return a.outcome(it)
	case semconv.FormInt:
		if n, ok := reading.Number(a.first(x.Ref)); ok {
			n = max(n, 0)
			if x.Max > 0 {
				n = min(n, float64(x.Max))
			}
			return strconv.FormatInt(int64(n), 10)
		}
		return x.Default
	default:
	}
	if x.From[0] == semconv.AttributeOutcome {
		return a.outcome(it)
	}
	v, ok := a.text(x.Ref)
	if !ok {
		return x.Default
	}
	if x.Cap >= 0 {
		return a.capped(x.Cap, v)
	}
	return v
}

func (a *Aggregate) capped(set int, v string) string {
	known := a.caps[set]
	if _, ok := known[v]; ok {
		return v
	}
	if len(known) >= a.Plan.Caps[set] {
		return semconv.Overflow
	}
	known[v] = struct{}{}
	return v
}

// value is what a sample adds; there is none when the attribute is missing or unfit.
func (a *Aggregate) value(it *item.Item, s *plan.Sample) (float64, bool) {
	switch s.Value {
	case semconv.ValueDuration:
		return a.duration(it)
	case semconv.ValueLength:
		v := a.first(s.From)
		if v.Kind == item.None {
			return 0, false
		}
		return a.usable(reading.Length(v))
	case semconv.ValueAttribute:
		if s.FromNames[0] == semconv.AttributeStartupDuration {
			return a.startup(s)
		}
		v := a.first(s.From)
		if v.Kind == item.None {
			return 0, false
		}
		return a.usable(reading.Number(v))
	default:
		return 1, true
	}
}

func (a *Aggregate) usable(n float64, ok bool) (float64, bool) {
	if !ok {
		a.Stats.Unusable[ReasonNotANumber]++
	}
	return n, ok
}

// duration is a span's length, else what an attribute says. A span that was made
// after the fact has no length of its own; a span that ends before it starts has none
// that means anything.
func (a *Aggregate) duration(it *item.Item) (float64, bool) {
	if it.Shape == item.Span && it.End > it.Start && it.Start > 0 {
		return float64(it.End-it.Start) / 1e9, true
	}
	if v, found, ok := a.durationOf(a.Plan.Duration, a.Plan.DurationNames, 0); found {
		return v, ok
	}
	if it.Shape != item.Span {
		return 0, false
	}
	if it.End == it.Start && it.Start > 0 {
		return 0, true
	}
	a.Stats.Unusable[ReasonEndBeforeStart]++
	return 0, false
}

// startup is the duration of an agent's start, where a bare number is in
// milliseconds: the document divides its durations by 1000 to get seconds.
func (a *Aggregate) startup(s *plan.Sample) (float64, bool) {
	v, _, ok := a.durationOf(s.From, s.FromNames, 1e-3)
	return v, ok
}

// durationOf reads a duration from the first of the names that is there; bare is the
// unit of a number that says none, 0 when that cannot be known. found says that the
// attribute is there, usable or not.
func (a *Aggregate) durationOf(r plan.Ref, names []string, bare float64) (seconds float64, found, ok bool) {
	for i, slot := range r {
		v := a.values[slot]
		if v.Kind == item.None {
			continue
		}
		n, isNumber := reading.Number(v)
		if !isNumber {
			a.Stats.Unusable[ReasonNotANumber]++
			return 0, true, false
		}
		unit := reading.Suffix(names[i])
		if names[i] == semconv.AttributeDuration {
			unit = 1
		}
		if unit == 0 {
			unit = reading.Unit(a.first(a.Plan.TimeUnit))
		}
		if unit == 0 {
			unit = bare
		}
		switch {
		case unit == 0:
			a.Stats.Unusable[ReasonNoUnit]++
			return 0, true, false
		case n < 0:
			a.Stats.Unusable[ReasonNegative]++
			return 0, true, false
		}
		return n * unit, true, true
	}
	return 0, false, false
}
