package inference

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
)

// Keys reads the values of attributes by which traces belong together.
type Keys struct {
	seeds   [2]maphash.Seed
	names   []string
	nothing map[string]struct{}
}

// NewKeys builds a reader for attributes of the given names. The values nothing,
// in lower case, are no keys.
func NewKeys(names, nothing []string) *Keys {
	k := &Keys{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, names: names, nothing: map[string]struct{}{}}
	for _, v := range nothing {
		k.nothing[v] = struct{}{}
	}
	return k
}

// Of is what the value of the attribute with number i stands for: a trace, when
// the value is a trace id in any form, else the value under the attribute's name,
// as a hash of 128 bits that is the same within one process. It is false for
// values that stand for nothing, also those of nothing but zeros.
func (k *Keys) Of(i int, value string) (id [16]byte, ok bool) {
	if id, ok = TraceID(value); ok {
		return id, true
	}
	if strings.Trim(value, "0-") == "" {
		return id, false
	}
	if len(value) <= maxNil {
		if _, no := k.nothing[strings.ToLower(value)]; no {
			return id, false
		}
	}
	for half, seed := range k.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		_, _ = h.WriteString(k.names[i])
		_ = h.WriteByte(0)
		_, _ = h.WriteString(value)
		binary.LittleEndian.PutUint64(id[8*half:], h.Sum64())
	}
	return id, true
}
