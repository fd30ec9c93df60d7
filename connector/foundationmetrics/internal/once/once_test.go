package once

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
)

func key(i int) Key {
	k := Key{}
	binary.BigEndian.PutUint64(k.Span[:], uint64(i))
	return k
}

// What lies at most Size operations back is known, and memory has a bound.
func TestTheLastSizeAreKnown(t *testing.T) {
	const size = 100
	m := New(size)
	for i := range 1000 {
		m.Put(key(i), Mark{BySpan: uint64(i)})
		assert.LessOrEqual(t, m.Len(), 2*size)
		if i >= size {
			assert.EqualValues(t, i-size, m.Get(key(i-size)).BySpan)
		}
	}
	assert.Zero(t, m.Get(key(1)))
}

func TestMarksAreReplaced(t *testing.T) {
	m := New(1)
	m.Put(key(1), Mark{ByEvent: 1})
	m.Put(key(1), Mark{ByEvent: 3})
	assert.Equal(t, Mark{ByEvent: 3}, m.Get(key(1)))
	assert.Equal(t, 1, m.Len())
}
