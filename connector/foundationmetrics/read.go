package foundationmetrics

import (
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/plan"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/reading"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

var batches = sync.Pool{New: func() any { return &batch{} }}

// reader reads one batch into items.
type reader struct {
	*batch
	plan       *plan.Plan
	attributes []string // of the output resource
	resource   int
}

func (c *core) read() *reader {
	b := batches.Get().(*batch)
	b.resources, b.items, b.fields, b.ends = b.resources[:0], b.items[:0], b.fields[:0], b.ends[:0]
	return &reader{batch: b, plan: c.agg.Plan, attributes: c.cfg.ResourceAttributes}
}

// done hands the batch to the aggregate and its memory back.
func (c *core) done(r *reader) {
	begin := 0
	for i := range r.items { // only now, since the list of fields moved while it grew
		r.items[i].Fields = r.fields[begin:r.ends[i]]
		begin = r.ends[i]
	}
	c.add(r.batch)
	clear(r.items) // no strings of the input are kept alive
	clear(r.fields)
	clear(r.resources)
	batches.Put(r.batch)
}

// enter begins the items of a resource.
func (r *reader) enter(res pcommon.Resource) {
	var out batchResource
	for _, name := range r.attributes {
		v, ok := res.Attributes().Get(name)
		if !ok {
			continue
		}
		s, ok := reading.Text(value(v))
		if !ok {
			continue
		}
		out.attrs = append(out.attrs, item.Pair{Key: name, Value: s})
		// Ids of agents and programs are unique at most within these.
		if name == semconv.AttributeDeploymentEnvironmentName || name == semconv.AttributeServiceNamespace {
			out.scope += s + "\n"
		}
	}
	r.resources = append(r.resources, out)
	r.resource = len(r.resources) - 1
}

// attribute returns the first of the names that says something.
func attribute(m pcommon.Map, names ...string) string {
	for _, n := range names {
		if v, ok := m.Get(n); ok {
			if s, ok := reading.Text(value(v)); ok {
				return s
			}
		}
	}
	return ""
}

// add appends an item. Attributes that the item does not have are taken from base, a
// span event's span; the item is dropped when nobody would count it.
func (r *reader) add(it item.Item, named plan.Named, attrs pcommon.Map, base *pcommon.Map) {
	it.Class, it.Phase, it.Resource = named.Class, named.Phase, r.resource
	if it.Class < 0 && attribute(attrs, r.plan.AgentIDNames...) == "" {
		return
	}
	if named.Operation != "" { // the attribute, when there is one, comes later and wins
		r.fields = append(r.fields, item.Field{Slot: r.plan.Operation[len(r.plan.Operation)-1], Value: item.Value{Kind: item.Text, Text: named.Operation}})
	}
	r.fill(attrs)
	if base != nil {
		r.inherit(*base, attrs)
	}
	if it.Class == r.plan.AppGauge {
		it.Tags = tags(attrs)
	}
	r.items = append(r.items, it)
	r.ends = append(r.ends, len(r.fields))
}

// fill appends the attributes that the plan reads.
func (r *reader) fill(attrs pcommon.Map) {
	for k, v := range attrs.All() {
		if slot, ok := r.plan.Slots[k]; ok {
			r.fields = append(r.fields, item.Field{Slot: slot, Value: value(v)})
		}
		if k == semconv.AttributeStateChange {
			r.elements(k, v)
		}
	}
}

// inherit appends what a span event has of its span and does not say itself, by
// whatever name.
func (r *reader) inherit(span, own pcommon.Map) {
	for i := range r.plan.Inherited {
		x := &r.plan.Inherited[i]
		if attribute(own, x.Names...) != "" {
			continue
		}
		if s := attribute(span, x.Names...); s != "" {
			r.fields = append(r.fields, item.Field{Slot: x.Slot, Value: item.Value{Kind: item.Text, Text: s}})
		}
	}
}

// elements fills the slots of a pair's elements, name[0] and name[1]; the pair may be
// a list or the text of one.
func (r *reader) elements(name string, v pcommon.Value) {
	var elems []string
	switch v.Type() {
	case pcommon.ValueTypeSlice:
		for i := range min(v.Slice().Len(), 2) {
			elems = append(elems, v.Slice().At(i).AsString())
		}
	case pcommon.ValueTypeStr:
		elems = reading.Elements(v.Str())
	default:
	}
	if len(elems) != 2 {
		return
	}
	for i, suffix := range [...]string{"[0]", "[1]"} {
		if slot, ok := r.plan.Slots[name+suffix]; ok {
			r.fields = append(r.fields, item.Field{Slot: slot, Value: item.Value{Kind: item.Text, Text: elems[i]}})
		}
	}
}

func value(v pcommon.Value) item.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return item.Value{Kind: item.Text, Text: v.Str()}
	case pcommon.ValueTypeInt:
		return item.Value{Kind: item.Number, Num: float64(v.Int())}
	case pcommon.ValueTypeDouble:
		return item.Value{Kind: item.Number, Num: v.Double()}
	case pcommon.ValueTypeBool:
		if v.Bool() {
			return item.Value{Kind: item.Bool, Num: 1}
		}
		return item.Value{Kind: item.Bool}
	case pcommon.ValueTypeSlice:
		return item.Value{Kind: item.List, Len: v.Slice().Len()}
	default:
		return item.Value{}
	}
}

// maxTags bounds the attributes of a gauge that an application makes up.
const maxTags = 16

// tags are the entries of the map tags, or the attributes tags.<name>.
func tags(attrs pcommon.Map) []item.Pair {
	var out []item.Pair
	add := func(k string, v pcommon.Value) {
		if s, ok := reading.Text(value(v)); ok && k != "" && len(out) < maxTags {
			out = append(out, item.Pair{Key: strings.ToValidUTF8(k, "\uFFFD"), Value: s})
		}
	}
	if m, ok := attrs.Get("tags"); ok && m.Type() == pcommon.ValueTypeMap {
		for k, v := range m.Map().All() {
			add(k, v)
		}
		return out
	}
	for k, v := range attrs.All() {
		if name, ok := strings.CutPrefix(k, "tags."); ok {
			add(name, v)
		}
	}
	return out
}
