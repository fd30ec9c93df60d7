package measure

import (
	"encoding/binary"
	"math"

	"github.com/foundation-os/otelcol-foundation/internal/record"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/expohist"
)

// What a stream remembers of its last point.
const (
	isNumber = iota
	isExplicit
	isExpo
)

// Append appends what Read reads.
func (s *Stream) Append(b []byte) []byte {
	b = record.AppendBool(b, s.seen)
	b = binary.AppendVarint(b, s.start)
	b = binary.AppendVarint(b, s.time)
	if !s.seen {
		return b // the rest is of the last cumulative point
	}
	b = record.AppendFloat(b, s.value)
	l := s.hist
	switch {
	case l == nil:
		return append(b, isNumber)
	case !l.isExpo:
		b = binary.AppendUvarint(append(b, isExplicit), l.count)
		b = record.AppendFloats(b, l.bounds)
		return record.AppendCounts(b, l.counts)
	}
	b = binary.AppendUvarint(append(b, isExpo), l.count)
	b = record.AppendFloat(b, l.zeroThreshold)
	return appendExpo(b, &l.expo)
}

func appendExpo(b []byte, e *baseline.Expo) []byte {
	b = binary.AppendVarint(b, int64(e.Scale))
	b = binary.AppendUvarint(b, e.Zero)
	b = binary.AppendVarint(b, int64(e.PositiveOffset))
	b = record.AppendCounts(b, e.Positive)
	b = binary.AppendVarint(b, int64(e.NegativeOffset))
	return record.AppendCounts(b, e.Negative)
}

// Read sets the stream to what Append appended.
func (s *Stream) Read(r *record.Reader) {
	*s = Stream{seen: r.Bool(), start: r.IntWithin(0, math.MaxInt64), time: r.IntWithin(0, math.MaxInt64)}
	if !s.seen {
		return
	}
	s.value = r.Float()
	r.FailUnless(!math.IsNaN(s.value) && !math.IsInf(s.value, 0))
	switch r.Byte() {
	case isNumber:
	case isExplicit:
		s.hist = &histogram{count: r.Uint(), bounds: r.SharedFloats(maxBuckets - 1), counts: r.Counts(maxBuckets)}
		r.FailUnless(len(s.hist.counts) == len(s.hist.bounds)+1 || len(s.hist.counts) == 0 && len(s.hist.bounds) == 0)
	case isExpo:
		s.hist = &histogram{count: r.Uint(), isExpo: true, zeroThreshold: r.Float()}
		readExpo(&s.hist.expo, r)
	default:
		r.Fail()
	}
}

func readExpo(e *baseline.Expo, r *record.Reader) {
	e.Scale = int32(r.IntWithin(expohist.MinScale, expohist.MaxScale))
	e.Zero = r.Uint()
	// An offset without buckets says nothing and may be anything; with them,
	// they are those of numbers.
	side := func() (int32, []uint64) {
		offset := r.IntWithin(math.MinInt32, math.MaxInt32)
		counts := r.Counts(maxBuckets)
		limit := expohist.Indexes(e.Scale)
		r.FailUnless(len(counts) == 0 || offset >= -limit && offset+int64(len(counts)) <= limit)
		return int32(offset), counts
	}
	e.PositiveOffset, e.Positive = side()
	e.NegativeOffset, e.Negative = side()
}
