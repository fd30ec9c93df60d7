package layerenricher

import (
	"maps"
	"slices"
)

// keys finds what an attribute's key means. Nearly every lookup fails, so length
// and two bytes pick a place, which is empty for most foreign keys (the preset's
// hundred fill a tenth of them): cheaper than hashing the whole key.
type keys struct {
	places [1024]uint16 // of the first key in list; 0 none
	list   []keyed      // from 1
}

type keyed struct {
	key   string
	entry *entry
	next  uint16 // another key of the same place; 0 none
}

func newKeys(table map[string]*entry) *keys {
	k := &keys{list: make([]keyed, 1, len(table)+1)}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		at := placeOf(key)
		k.list = append(k.list, keyed{key, table[key], k.places[at]})
		k.places[at] = uint16(len(k.list) - 1)
	}
	return k
}

// placeOf is a number below 1024.
func placeOf(key string) uint {
	n := uint(len(key))
	if n == 0 {
		return 0
	}
	return (n*37 + uint(key[n-1])*7 + uint(key[n/2])*101) % 1024
}

// may is false for most keys that mean nothing. It is apart from get so that
// this, the usual case, is no call.
func (k *keys) may(key string) bool { return k.places[placeOf(key)] != 0 }

func (k *keys) get(key string) *entry {
	for at := k.places[placeOf(key)]; at != 0; at = k.list[at].next {
		if k.list[at].key == key {
			return k.list[at].entry
		}
	}
	return nil
}

// all are the keys that mean something.
func (k *keys) all() (names []string) {
	for _, e := range k.list[1:] {
		names = append(names, e.key)
	}
	return names
}
