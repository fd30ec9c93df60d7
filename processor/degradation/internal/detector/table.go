package detector

// Key identifies a series, or a stream: 128 bits of a hash of its identity.
type Key [2]uint64

// Shards is how many parts the state is in, each of which can be written by
// itself: a save then touches what has changed, and holds up nobody for long.
const Shards = 64

func (k Key) shard() int { return int(k[0] % Shards) }

// table is a map with a bound. What was not seen for the longest time goes
// first, and only when it is stale: a table full of living entries refuses new
// ones, since evicting one living series for another would make both learn for
// ever.
type table[V any] struct {
	max    int
	size   int
	order  uint64
	shards [Shards]shard[V]
	// newest and oldest end a list in the order in which entries were last
	// seen, so that the one to evict is known at once.
	newest, oldest *entry[V]
}

type shard[V any] struct {
	entries map[Key]*entry[V]
	dirty   bool // something was changed since it was last written
}

type entry[V any] struct {
	key          Key
	seen         int64
	order        uint64 // in which they were last seen, also among those of one moment
	newer, older *entry[V]
	value        V
}

func newTable[V any](limit int) *table[V] {
	t := &table[V]{max: limit}
	for i := range t.shards {
		t.shards[i].entries = map[Key]*entry[V]{}
	}
	return t
}

// get returns the entry of the key, making one when there is room. evicted is
// what had to go for it. Both are nil when the key is refused. An entry not
// seen within the time given is stale. Whoever asks is about to change what is in
// it.
func (t *table[V]) get(k Key, now, within int64) (e, evicted *entry[V]) {
	sh := &t.shards[k.shard()]
	if e = sh.entries[k]; e != nil {
		sh.dirty = true
		if e.seen != now {
			e.seen = now
			t.touch(e)
		}
		return e, nil
	}
	if t.size >= t.max {
		if t.oldest == nil || !isStale(t.oldest.seen, now, within) {
			return nil, nil
		}
		evicted = t.oldest
		t.remove(evicted)
	}
	e = &entry[V]{key: k, seen: now}
	t.insert(e)
	return e, evicted
}

// isStale says whether something was last seen at another time than within a
// while before now. One that is further ahead was seen by a clock that has been
// set back since, and would have to wait until that time comes.
func isStale(seen, now, within int64) bool { return seen < now-within || seen > now+within }

// insert adds an entry that is not there, as the newest.
func (t *table[V]) insert(e *entry[V]) {
	sh := &t.shards[e.key.shard()]
	sh.entries[e.key], sh.dirty = e, true
	t.size++
	t.link(e)
}

func (t *table[V]) remove(e *entry[V]) {
	sh := &t.shards[e.key.shard()]
	delete(sh.entries, e.key)
	sh.dirty = true
	t.size--
	t.unlink(e)
}

func (t *table[V]) touch(e *entry[V]) {
	if t.newest != e {
		t.unlink(e)
		t.link(e)
	}
}

func (t *table[V]) link(e *entry[V]) {
	t.order++
	e.order = t.order
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
