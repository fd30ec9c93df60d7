package layerenricher

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// What an item is given room for follows what its like got: more at once, less
// only when fewer came for a while.
func TestRoomFollowsWhatCame(t *testing.T) {
	var l late
	sort := sortOf(3, 1, 2, true)
	assert.Equal(t, 4, l.expect(sort, 3, 1), "all that may come")
	l.note(sort, 0)
	assert.Equal(t, 0, l.expect(sort, 3, 1))
	l.note(sort, 5)
	assert.Equal(t, 5, l.expect(sort, 3, 1))
	for range lately {
		assert.Equal(t, 5, l.expect(sort, 3, 1))
		l.note(sort, 2)
	}
	assert.Equal(t, 4, l.expect(sort, 3, 1))
	l.note(sort, 1000)
	assert.Equal(t, 254, l.expect(sort, 3, 1))
}

// Keys are found although most of a key is not looked at first.
func TestKeys(t *testing.T) {
	p, err := newPlan(createDefaultConfig())
	require.NoError(t, err)
	known := map[string]bool{}
	for _, key := range p.keys.all() {
		known[key] = true
		assert.True(t, p.keys.may(key), key)
		assert.NotNil(t, p.keys.get(key), key)
		assert.Less(t, placeOf(key), uint(len(p.keys.places)))
	}
	for key := range known {
		for _, other := range []string{key + "x", key[1:], key[:len(key)-1], "x" + key} {
			assert.Equal(t, known[other], p.keys.get(other) != nil, other)
		}
	}
	assert.Nil(t, p.keys.get(""))
}

// The items of a batch that was seen before have the room that they need and no more.
func TestRoomIsExact(t *testing.T) {
	attrs := pcommon.NewMap()
	attrs.PutStr("request_id", "r")
	p, err := newPlan(createDefaultConfig())
	require.NoError(t, err)
	s := newScratch(p)
	p.scan(s.facts, attrs, onSpan)
	p.spanName(s, s.facts, "foundation.process_registry.lookup.stop")
	p.grow(s.facts, attrs, 1)
	p.write(s.facts, attrs)
	p.writeName(s.facts, attrs)
	p.writeLayer(attrs, 1, fromName, false)
	// The room itself cannot be seen, but that nothing moves can.
	before, _ := attrs.Get("request_id")
	at := func() pcommon.Value { v, _ := attrs.Get("request_id"); return v }
	attrs.PutStr("late", "x")
	assert.True(t, before == at())
	attrs.PutStr("too much", "x")
	assert.False(t, before == at())
}
