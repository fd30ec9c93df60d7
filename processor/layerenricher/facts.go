package layerenricher

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/internal/correlation"
	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

// unset is the rank of a slot without a value: worse than every alias.
const unset = 255

// value is what one look over an item's attributes found for a slot. It is small,
// as every item resets some.
type value struct {
	rank  uint8
	gate  gate
	dirty bool // the canonical attribute is there and must be written again
	isNil bool // the canonical attribute is there and holds no value
	// unclear: there is an id or a unit that cannot be read, so that another must
	// not stand in for it.
	unclear bool
	str     string
	num     float64
	i       int64 // of lists and maps the place in facts.raws
}

func (v *value) found() bool { return v.rank != unset }
func (v *value) own() bool   { return v.rank == 0 }

// facts is what an item says about itself.
type facts struct {
	slots   []value
	touched []uint8
	// raws are lists and maps, the only references into the item: they must be
	// read before anything is added to the same attributes.
	raws []pcommon.Value
	// gated and parented: there are values that settle and spanFields look for.
	gated, parented bool
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
	keys    [correlation.MaxKeys]correlation.TraceID // alternate keys
	keyed   bool                                     // there is one
	name    inference.Name
	event   *event // of the name
	carried bool   // the name came from something that only events have
	plain   bool   // no mirrors
}

func newFacts(p *plan) *facts {
	f := &facts{slots: make([]value, len(p.slots)), touched: make([]uint8, 0, len(p.slots)), bareRank: unset, event: &noEvent}
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
	if len(f.raws) != 0 {
		clear(f.raws)
		f.raws = f.raws[:0]
	}
	f.gated, f.parented = false, false
	f.phase, f.failed, f.bareRank, f.carried, f.plain = "", false, unset, false, false
	if f.keyed {
		f.keys, f.keyed = [correlation.MaxKeys]correlation.TraceID{}, false
	}
	f.name, f.event = inference.Name{}, &noEvent
}

// touch marks a slot for reset.
func (f *facts) touch(at uint8) {
	v := &f.slots[at]
	if v.rank == unset && !v.isNil && !v.unclear {
		f.touched = append(f.touched, at)
	}
}

// keep notes a list or a map and returns its place.
func (f *facts) keep(v pcommon.Value) int64 {
	f.raws = append(f.raws, v)
	return int64(len(f.raws) - 1)
}

// named gives the item its name.
func (f *facts) named(n *parsed) { f.name, f.event = n.Name, n.event }

// setText puts a text that did not come from an attribute into a slot.
func (f *facts) setText(at uint8, text string) {
	f.touch(at)
	f.slots[at].rank, f.slots[at].str = unset-1, text
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
			if secs, ok := inference.Seconds(f.bare, p.bareUnit(f, length)); ok {
				f.touch(f.bareOwner)
				d.rank, d.num = f.bareRank, secs
			}
			decided = d.found()
		}
	}
	if !f.gated {
		return decided
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

// bareUnit is the unit of a duration whose key names none; 0 when it stays
// unknown. A sibling is asked first, also one that names a unit nobody knows:
// then it is none of the others. A rule and the span's length that contradict
// each other cancel out, as both may err: the rule about this release of the
// application, the length by chance when the value measures only a part.
func (p *plan) bareUnit(f *facts, length time.Duration) inference.Unit {
	for _, at := range f.touched {
		if p.slots[at].kind == kindTimeUnit {
			return inference.Unit(f.slots[at].num)
		}
	}
	rule, measured := f.event.unit, inference.Calibrate(f.bare, length.Seconds())
	switch {
	case rule == 0 || rule == measured:
		return measured
	case measured == 0:
		return rule
	}
	return 0
}

// ids copies what the item says itself into what the cache learns, and tells
// what it lacks.
func (p *plan) ids(f *facts, it *correlation.Item) (missingWide, missingBelow uint8) {
	it.UnclearWide, missingWide = f.ids(p.traceWide, it.TraceIDs[:])
	it.UnclearSubtree, missingBelow = f.ids(p.subtree, it.Subtree[:])
	it.Keys = f.keys
	return missingWide, missingBelow
}

func (f *facts) ids(slots []uint8, into []string) (unclear, missing uint8) {
	for i, at := range slots {
		v := &f.slots[at]
		into[i] = v.str
		switch {
		case v.str != "":
		case v.found() || v.unclear:
			unclear |= 1 << i
		default:
			missing |= 1 << i
		}
	}
	return unclear, missing
}
