package sticky

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func id(high, low uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

func TestFirstSeen(t *testing.T) {
	table := New()
	a, b := id(1, 1), id(1, 2)
	assert.Equal(t, uint16(5), table.Number(a, 0, 5, 5))
	assert.Equal(t, uint16(6), table.Number(b, 0, 5, 6), "a new trace has the new number")
	assert.Equal(t, uint16(5), table.Number(a, 30, 5, 6), "one in flight keeps the old one")
	assert.Equal(t, uint16(6), table.Number(b, 30, 5, 5), "also when the asker does not know the new one yet")
	assert.Equal(t, uint16(7), table.Number(a, 90, 6, 7), "a number that is past is forgotten")
	assert.Equal(t, uint16(7), table.Number(a, 90, 6, 8))
	assert.Zero(t, table.Evicted())
}

func TestNumbersGoRound(t *testing.T) {
	table := New()
	a, b := id(1, 1), id(1, 2)
	table.Number(a, 0, 65535, 65535)
	assert.Equal(t, uint16(65535), table.Number(a, 0, 65535, 0))
	assert.Equal(t, uint16(0), table.Number(b, 0, 65535, 0), "the number 0 is one like others")
	assert.Equal(t, uint16(0), table.Number(b, 0, 65535, 1))
	assert.Equal(t, uint16(1), table.Number(a, 0, 0, 1), "past")
}

// Whether ids are random or count upwards, half of the table can be used.
func TestRoom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(i uint64) [16]byte{
		"random":          func(uint64) [16]byte { return id(rng.Uint64(), rng.Uint64()) },
		"low counter":     func(i uint64) [16]byte { return id(7, i) },
		"high counter":    func(i uint64) [16]byte { return id(i, 7) },
		"64 bits":         func(uint64) [16]byte { return id(0, rng.Uint64()) },
		"time and random": func(i uint64) [16]byte { return id(i<<24|rng.Uint64N(1<<24), rng.Uint64()) },
	} {
		table := New()
		const n = sets * ways / 2
		ids := make([][16]byte, n)
		for i := range ids {
			ids[i] = next(uint64(i))
			require.Equal(t, uint16(1), table.Number(ids[i], 0, 1, 1))
		}
		lost := 0
		for _, id := range ids {
			if table.Number(id, 0, 1, 2) != 1 {
				lost++
			}
		}
		// More than eight of a mean of four: two in a hundred sets.
		assert.Less(t, lost, n/50, name)
		assert.Less(t, table.Evicted(), int64(n/25), name)
	}
}

// With the table full, none of ten million that were not seen is taken for one
// that was: 0.02 are to be expected.
func TestFalseMatches(t *testing.T) {
	table := New()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 4 * sets * ways {
		table.Number(id(rng.Uint64(), rng.Uint64()), 0, 1, 1)
	}
	matches := 0
	for range 10_000_000 {
		hash := table.hash(id(rng.Uint64(), rng.Uint64()))
		tag := uint32(hash >> 32)
		if _, word, _ := table.sets[hash%sets].place(tag, 0, 1); uint32(word>>32) == tag {
			matches++
		}
	}
	assert.LessOrEqual(t, matches, 1)
}

// The one that was seen first leaves first, and is counted when it may still
// be in flight.
func TestEviction(t *testing.T) {
	table := New()
	var same [][16]byte // ids of one set
	for i := uint64(0); len(same) < ways+3; i++ {
		if candidate := id(9, i); table.hash(candidate)%sets == 0 {
			same = append(same, candidate)
		}
	}
	for i := range ways {
		table.Number(same[i], uint16(10*i), 1, 1)
	}
	require.Zero(t, table.Evicted())
	assert.Equal(t, uint16(2), table.Number(same[ways], 71, 1, 2))
	assert.Zero(t, table.Evicted(), "the first is 71 s old")
	assert.Equal(t, uint16(1), table.Number(same[1], 71, 1, 2), "the second stayed")
	table.Number(same[ways+1], 70, 1, 2)
	assert.Equal(t, int64(1), table.Evicted(), "the second is 60 s old, and a second that comes late changes nothing")
	assert.Equal(t, uint16(1), table.Number(same[2], 71, 1, 2))
	assert.Equal(t, uint16(2), table.Number(same[1], 71, 1, 2), "and gone")
	assert.Equal(t, int64(2), table.Evicted())
	assert.Equal(t, uint16(2), table.Number(same[1], 71, 2, 3))
	assert.Equal(t, uint16(3), table.Number(same[3], 71, 2, 3), "a past number is rewritten in its own place")
	assert.Equal(t, uint16(3), table.Number(same[ways+2], 71, 2, 3))
	assert.Equal(t, int64(2), table.Evicted(), "what is past is no loss")
	assert.Equal(t, uint16(2), table.Number(same[1], 71, 2, 3), "and leaves before what is not")
}

// Whoever asks, a trace has one number.
func TestConcurrent(t *testing.T) {
	table := New()
	const traces, askers = 5000, 8
	var numbers [askers][traces]uint16
	var wg sync.WaitGroup
	for asker := range askers {
		wg.Go(func() {
			for i := range traces {
				numbers[asker][i] = table.Number(id(uint64(i), 3), 0, 1, uint16(asker+1))
			}
		})
	}
	wg.Wait()
	require.Zero(t, table.Evicted())
	for i := range traces {
		first := numbers[0][i]
		for asker := range askers {
			require.Equal(t, first, numbers[asker][i], "trace %d", i)
		}
		require.Equal(t, first, table.Number(id(uint64(i), 3), 0, 1, 99))
	}
}

// One set is one cache line.
func TestLayout(t *testing.T) {
	table := New()
	assert.Equal(t, uintptr(64), unsafe.Sizeof(table.sets[0]))
	assert.Zero(t, uintptr(unsafe.Pointer(&table.sets[0]))%64)
}

func BenchmarkNumber(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	ids := make([][16]byte, 1<<16)
	for i := range ids {
		ids[i] = id(rng.Uint64(), rng.Uint64())
	}
	b.Run("known", func(b *testing.B) {
		table, n := New(), 0
		for b.Loop() {
			table.Number(ids[n&(1<<15-1)], 0, 1, 1)
			n++
		}
	})
	b.Run("new", func(b *testing.B) {
		table, n := New(), uint64(0)
		for b.Loop() {
			table.Number(id(n, ^n), 0, 1, 1)
			n++
		}
	})
	b.Run("known, together", func(b *testing.B) {
		table := New()
		b.RunParallel(func(pb *testing.PB) {
			n := 0
			for pb.Next() {
				table.Number(ids[n&(1<<15-1)], 0, 1, 1)
				n++
			}
		})
	})
}
