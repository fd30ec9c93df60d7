package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// AppendFloat appends eight bytes.
func AppendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

// AppendFloats appends their number and each of them.
func AppendFloats(b []byte, fs []float64) []byte {
	b = binary.AppendUvarint(b, uint64(len(fs)))
	for _, f := range fs {
		b = AppendFloat(b, f)
	}
	return b
}

// AppendCounts appends their number and each of them.
func AppendCounts[N uint32 | uint64](b []byte, counts []N) []byte {
	b = slices.Grow(binary.AppendUvarint(b, uint64(len(counts))), len(counts))
	for _, n := range counts {
		if n < 0x80 { // most are, and zero
			b = append(b, byte(n))
		} else {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return b
}

// AppendBool appends one byte.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendString appends its length in bytes and the string.
func AppendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Reader reads what the appending functions wrote, in the same order. After the
// first failure every further read is of zeros, so that only the end has to be
// checked, by Err.
type Reader struct {
	rest   []byte
	failed bool
	shared [maxShared][]float64
	next   int // the place in shared to use next
}

// maxShared is how many different lists SharedFloats knows. There are few:
// senders have a handful of bucket layouts.
const maxShared = 16

// NewReader reads b, which must not change meanwhile.
func NewReader(b []byte) *Reader { return &Reader{rest: b} }

// Fail makes the rest unreadable: what was read last cannot be true.
func (r *Reader) Fail() { r.rest, r.failed = nil, true }

// FailUnless is Fail, should the condition not hold.
func (r *Reader) FailUnless(ok bool) {
	if !ok {
		r.Fail()
	}
}

// Failed says whether anything could not be read.
func (r *Reader) Failed() bool { return r.failed }

// Left is the number of bytes not read yet.
func (r *Reader) Left() int { return len(r.rest) }

// Err is nil when everything was there, and nothing is left over.
func (r *Reader) Err() error {
	switch {
	case r.failed:
		return fmt.Errorf("%w: its checksum holds, and it cannot be read", ErrCorrupt)
	case len(r.rest) > 0:
		return fmt.Errorf("%w: its checksum holds, and %d bytes are left over", ErrCorrupt, len(r.rest))
	}
	return nil
}

// Uint reads what binary.AppendUvarint wrote.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Fixed reads eight bytes, little endian.
func (r *Reader) Fixed() uint64 {
	if len(r.rest) < 8 {
		r.Fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

// UintUpTo is Uint, which must be at most limit.
func (r *Reader) UintUpTo(limit uint64) uint64 {
	v := r.Uint()
	if v > limit {
		r.Fail()
		return 0
	}
	return v
}

// Uint32 is Uint of at most 32 bits.
func (r *Reader) Uint32() uint32 { return uint32(r.UintUpTo(math.MaxUint32)) }

// Int reads what binary.AppendVarint wrote.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// IntWithin is Int, which must be lo to hi.
func (r *Reader) IntWithin(lo, hi int64) int64 {
	v := r.Int()
	if v < lo || v > hi {
		r.Fail()
		return lo
	}
	return v
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// Bool reads what AppendBool wrote.
func (r *Reader) Bool() bool {
	v := r.Byte()
	r.FailUnless(v <= 1)
	return v == 1
}

// Float reads what AppendFloat wrote.
func (r *Reader) Float() float64 { return math.Float64frombits(r.Fixed()) }

// Float32 reads four bytes, little endian.
func (r *Reader) Float32() float32 {
	if len(r.rest) < 4 {
		r.Fail()
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.rest))
	r.rest = r.rest[4:]
	return v
}

// Len reads the number of elements that follow: at most limit, each of which
// takes size bytes at least. More than the bytes left could hold is a failure,
// and 0, so that nobody makes room for what is not there.
func (r *Reader) Len(limit, size int) int {
	n := r.Uint()
	if n > uint64(limit) || n > uint64(len(r.rest)/size) {
		r.Fail()
		return 0
	}
	return int(n)
}

// String reads what AppendString wrote, at most limit bytes.
func (r *Reader) String(limit int) string {
	n := r.Len(limit, 1)
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

// Floats reads what AppendFloats wrote, at most limit, all of them finite. Nil
// when there are none.
func (r *Reader) Floats(limit int) []float64 {
	n := r.Len(limit, 8)
	if n == 0 {
		return nil
	}
	fs := make([]float64, n)
	for i := range fs {
		fs[i] = r.Float()
		r.FailUnless(!math.IsNaN(fs[i]) && !math.IsInf(fs[i], 0))
	}
	return fs
}

// SharedFloats is Floats of a list that nobody changes: equal ones are read into
// the same memory.
func (r *Reader) SharedFloats(limit int) []float64 {
	fs := r.Floats(limit)
	if len(fs) == 0 {
		return nil
	}
	for _, known := range r.shared {
		if slices.Equal(known, fs) {
			return known
		}
	}
	r.shared[r.next] = fs
	r.next = (r.next + 1) % maxShared
	return fs
}

// Counts reads what AppendCounts wrote, at most limit. Nil when there are none.
func (r *Reader) Counts(limit int) []uint64 {
	n := r.Len(limit, 1)
	if n == 0 {
		return nil
	}
	counts := make([]uint64, n)
	for i := range counts {
		counts[i] = r.Uint()
	}
	return counts
}

// Counts32 is Counts of at most 32 bits.
func (r *Reader) Counts32(limit int) []uint32 {
	n := r.Len(limit, 1)
	if n == 0 {
		return nil
	}
	counts := make([]uint32, n)
	for i := range counts {
		counts[i] = r.Uint32()
	}
	return counts
}
