// Package namecache remembers a value per name for names that come again and
// again, in bounded memory and without a lock.
package namecache

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	// ways is how many names may share a set before one is overwritten.
	ways = 4
	// sets times ways is the number of names remembered. 4096 names are more
	// than the operations of a large system; the table takes 32 KiB.
	sets = 1024
	// maxName is the longest name remembered. With it the cache cannot
	// outgrow about 1.5 MiB, whatever arrives.
	maxName = 256
)

type entry[V any] struct {
	name  string
	value V
}

// Cache is a set-associative table of immutable entries behind atomic
// pointers: readers never wait, and a writer that loses a race merely makes
// someone compute a value again.
type Cache[V any] struct {
	seed  maphash.Seed
	slots [sets][ways]atomic.Pointer[entry[V]]
}

// New makes an empty cache.
func New[V any]() *Cache[V] {
	return &Cache[V]{seed: maphash.MakeSeed()}
}

// Get returns the value of a name. When it is not there, make computes it
// and it takes the place of another name if its set is full; hit is false
// then.
func (c *Cache[V]) Get(name string, make func(string) V) (value V, hit bool) {
	hash := maphash.String(c.seed, name)
	set := &c.slots[hash%sets]
	free := int(hash >> 32 % ways)
	for i := range set {
		e := set[i].Load()
		if e == nil {
			free = i
			break
		}
		if e.name == name {
			return e.value, true
		}
	}
	value = make(name)
	if len(name) <= maxName {
		set[free].Store(&entry[V]{name: strings.Clone(name), value: value})
	}
	return value, false
}
