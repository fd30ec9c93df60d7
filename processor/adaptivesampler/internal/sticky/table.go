// Package sticky remembers under which number a trace was first seen, in
// bounded memory and without a lock, so that a change in between does not
// tear it.
package sticky

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

const (
	// ways is how many traces share a set: as many words as a cache line has,
	// so that a look costs one line.
	ways = 8
	// sets times ways is the number of traces remembered: 2000 new ones a
	// second for a minute. The table takes 1 MiB.
	sets = 1 << 14
	// attempts is how often a write is tried that another one came before. It
	// is not tried for ever: to be forgotten is no harm.
	attempts = 3
)

// Lifetime is how many seconds a trace is thought to be in flight: one that is
// pushed out before is counted.
const Lifetime = 60

// Table is a set-associative table. A trace is one word:
//
//	tag 32 bits | second when it was first seen 16 bits | number 16 bits
//
// The tag and the set are 46 bits of a hash of the trace id. One that is not
// there is taken for another with a probability of 8 in 2^32, and then gets
// that one's number: not one in 500 million. A word of 0 is empty, so no tag
// is 0.
type Table struct {
	seed    uint64
	evicted atomic.Int64
	sets    []set
}

type set [ways]atomic.Uint64

// New makes an empty table.
func New() *Table {
	return &Table{seed: rand.Uint64(), sets: make([]set, sets)}
}

// Number is the number under which a trace was first seen, and current when it
// is seen for the first time. Numbers go up, by 65536 in a circle; one before
// oldest is forgotten. Of a set that is full the trace that was first seen the
// longest ago is forgotten.
func (t *Table) Number(id [16]byte, second, oldest, current uint16) uint16 {
	hash := t.hash(id)
	tag := max(1, uint32(hash>>32))
	word := uint64(tag)<<32 | uint64(second)<<16 | uint64(current)
	s := &t.sets[hash%sets]
	for i := range s {
		if there := s[i].Load(); uint32(there>>32) == tag && valid(there, oldest) {
			return uint16(there)
		}
	}
	for range attempts {
		place, there, age := s.place(tag, second, oldest)
		if uint32(there>>32) == tag && valid(there, oldest) { // another one was first
			return uint16(there)
		}
		if s[place].CompareAndSwap(there, word) {
			if age <= Lifetime {
				t.evicted.Add(1)
			}
			break
		}
	}
	return current
}

// forgotten is the age of what need not be remembered, more than all others.
const forgotten = 1 << 16

// place finds the word of the tag, else the one to write over with its age in
// seconds. Two that look for one tag find the same place, so that one of them
// fails to write and finds what the other wrote.
func (s *set) place(tag uint32, second, oldest uint16) (place int, word uint64, age int) {
	age = -1
	for i := range s {
		there := s[i].Load()
		of := int(second - uint16(there>>16))
		switch {
		case uint32(there>>32) == tag:
			return i, there, forgotten
		case there == 0 || !valid(there, oldest):
			of = forgotten
		case of > 1<<16-Lifetime: // written by one whose second came first
			of = 0
		}
		if of > age {
			place, word, age = i, there, of
		}
	}
	return place, word, age
}

// valid tells whether the number of a word lies in the half of the circle that
// begins with oldest.
func valid(word uint64, oldest uint16) bool { return int16(uint16(word)-oldest) >= 0 }

// Evicted is how many traces were forgotten within their lifetime.
func (t *Table) Evicted() int64 { return t.evicted.Load() }

// hash mixes the id by two wide products, with a seed: ids that count upwards
// spread, and nobody knows which ones meet.
func (t *Table) hash(id [16]byte) uint64 {
	high, low := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^t.seed, binary.LittleEndian.Uint64(id[8:])^0x9e3779b97f4a7c15)
	high, low = bits.Mul64(high^t.seed, low^0xd1b54a32d192ed03)
	return high ^ low
}
