package detector

// Key identifies a series, or a stream: 128 bits of a hash of its identity.
type Key [2]uint64

// table is a map with a bound. What was not seen for the longest time goes
// first, and only when it is stale: a table full of living entries refuses new
// ones, since evicting one living series for another would make both learn for
// ever.
type table[V any] struct {
	max     int
	entries map[Key]*entry[V]
	// newest and oldest end a list in the order in which entries were last
	// seen, so that the one to evict is known at once.
	newest, oldest *entry[V]
}

type entry[V any] struct {
	key          Key
	seen         int64
	newer, older *entry[V]
	value        V
}

func newTable[V any](limit int) *table[V] {
	return &table[V]{max: limit, entries: map[Key]*entry[V]{}}
}

// get returns the entry of the key, making one when there is room. evicted is
// what had to go for it. Both are nil when the key is refused. An entry not
// seen since staleBefore is stale.
func (t *table[V]) get(k Key, now, staleBefore int64) (e, evicted *entry[V]) {
	if e = t.entries[k]; e != nil {
		if e.seen != now {
			e.seen = max(e.seen, now)
			t.touch(e)
		}
		return e, nil
	}
	if len(t.entries) >= t.max {
		if t.oldest == nil || t.oldest.seen >= staleBefore {
			return nil, nil
		}
		evicted = t.oldest
		t.unlink(evicted)
		delete(t.entries, evicted.key)
	}
	e = &entry[V]{key: k, seen: now}
	t.entries[k] = e
	t.link(e)
	return e, evicted
}

func (t *table[V]) touch(e *entry[V]) {
	if t.newest != e {
		t.unlink(e)
		t.link(e)
	}
}

func (t *table[V]) link(e *entry[V]) {
	e.older, e.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = e
	}
	t.newest = e
	if t.oldest == nil {
		t.oldest = e
	}
}

func (t *table[V]) unlink(e *entry[V]) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		t.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		t.oldest = e.newer
	}
	e.newer, e.older = nil, nil
}
