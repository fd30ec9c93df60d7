package payload

import (
	"encoding/json"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Format is one of the three bodies.
type Format uint8

const (
	// SeriesV2 is MetricPayload in protobuf, for /api/v2/series.
	SeriesV2 Format = iota
	// SeriesV1 is JSON, for /api/v1/series.
	SeriesV1
	// Sketches is SketchPayload in protobuf, for /api/beta/sketches.
	Sketches
)

func (f Format) header() string {
	if f == SeriesV1 {
		return `{"series":[`
	}
	return ""
}

func (f Format) footer() string {
	if f == SeriesV1 {
		return `]}`
	}
	return ""
}

// encoder keeps the memory that encoding needs between items.
type encoder struct {
	item, point, packed []byte
	keys                []int32
	counts              []uint32
}

// append writes one part behind dst, which holds the header and earlier parts.
func (e *encoder) append(dst []byte, f Format, p Part, first bool) []byte {
	switch f {
	case SeriesV1:
		if !first {
			dst = append(dst, ',')
		}
		return appendJSON(dst, p)
	case Sketches:
		e.sketch(p)
	default:
		e.series(p)
	}
	dst = protowire.AppendTag(dst, 1, protowire.BytesType) // payload.series, payload.sketches
	return protowire.AppendBytes(dst, e.item)
}

// series writes MetricPayload.MetricSeries.
func (e *encoder) series(p Part) {
	it, b := p.Item, e.item[:0]
	if it.Host != "" { // resources: {type: host, name}
		r := appendString(e.point[:0], 1, "host")
		r = appendString(r, 2, it.Host)
		b = protowire.AppendTag(b, 1, protowire.BytesType)
		b = protowire.AppendBytes(b, r)
		e.point = r
	}
	b = appendString(b, 2, it.Metric)
	for _, t := range it.Tags {
		b = appendString(b, 3, t)
	}
	for i := p.From; i < p.To; i++ {
		pt := &it.Points[i]
		q := appendDouble(e.point[:0], 1, pt.Value)
		q = appendVarint(q, 2, uint64(pt.Seconds()))
		b = protowire.AppendTag(b, 4, protowire.BytesType)
		b = protowire.AppendBytes(b, q)
		e.point = q
	}
	kind := uint64(1) // COUNT
	if it.Kind == Gauge {
		kind = 3
	}
	b = appendVarint(b, 5, kind)
	if it.Unit != "" {
		b = appendString(b, 6, it.Unit)
	}
	if it.Kind == Count && it.Interval > 0 {
		b = appendVarint(b, 8, uint64(it.Interval))
	}
	e.item = b
}

// sketch writes SketchPayload.Sketch.
func (e *encoder) sketch(p Part) {
	it := p.Item
	b := appendString(e.item[:0], 1, it.Metric)
	if it.Host != "" {
		b = appendString(b, 2, it.Host)
	}
	for _, t := range it.Tags {
		b = appendString(b, 4, t)
	}
	for i := p.From; i < p.To; i++ {
		pt := &it.Points[i]
		s := pt.Sketch
		q := appendVarint(e.point[:0], 1, uint64(pt.Seconds()))
		q = appendVarint(q, 2, s.Count)
		q = appendDouble(q, 3, s.Min)
		q = appendDouble(q, 4, s.Max)
		q = appendDouble(q, 5, s.Avg())
		q = appendDouble(q, 6, s.Sum)
		e.keys, e.counts = s.Columns(e.keys[:0], e.counts[:0])
		e.packed = e.packed[:0]
		for _, k := range e.keys {
			e.packed = protowire.AppendVarint(e.packed, protowire.EncodeZigZag(int64(k)))
		}
		q = protowire.AppendTag(q, 7, protowire.BytesType)
		q = protowire.AppendBytes(q, e.packed)
		e.packed = e.packed[:0]
		for _, n := range e.counts {
			e.packed = protowire.AppendVarint(e.packed, uint64(n))
		}
		q = protowire.AppendTag(q, 8, protowire.BytesType)
		q = protowire.AppendBytes(q, e.packed)
		b = protowire.AppendTag(b, 7, protowire.BytesType)
		b = protowire.AppendBytes(b, q)
		e.point = q
	}
	e.item = b
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// appendJSON writes a series of the v1 API: metric, points as [[ts, value]],
// tags and type, and host and interval when there are any.
func appendJSON(b []byte, p Part) []byte {
	it := p.Item
	b = appendQuoted(append(b, `{"metric":`...), it.Metric)
	b = append(b, `,"points":[`...)
	for i := p.From; i < p.To; i++ {
		if i > p.From {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '['), it.Points[i].Seconds(), 10)
		b = strconv.AppendFloat(append(b, ','), it.Points[i].Value, 'g', -1, 64)
		b = append(b, ']')
	}
	b = append(b, `],"tags":[`...)
	for i, t := range it.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, t)
	}
	b = append(b, `],"type":"`...)
	if it.Kind == Gauge {
		b = append(b, `gauge"`...)
	} else {
		b = append(b, `count"`...)
		if it.Interval > 0 {
			b = strconv.AppendInt(append(b, `,"interval":`...), it.Interval, 10)
		}
	}
	if it.Host != "" {
		b = appendQuoted(append(b, `,"host":`...), it.Host)
	}
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			q, _ := json.Marshal(s) // a string always marshals
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
