package intake

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever the selectors are, they match what trying all of them matches.
func TestSelectorsMatchAsOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	values := []string{"", "x", "y", "z", "x|y"}
	matched := 0
	for range 3000 {
		var lists [][]*labels.Matcher
		for range 1 + rng.IntN(6) {
			var ms []*labels.Matcher
			for range rng.IntN(4) {
				m, err := labels.NewMatcher(labels.MatchType(rng.IntN(4)), fmt.Sprint("l", rng.IntN(3)), values[rng.IntN(len(values))])
				require.NoError(t, err)
				ms = append(ms, m)
			}
			if len(ms) > 0 || rng.IntN(8) == 0 { // few that take everything
				lists = append(lists, ms)
			}
		}
		s := newSelectors(lists)
		for range 10 {
			var ls []string
			for i := range 3 {
				if v := values[rng.IntN(len(values))]; v != "" {
					ls = append(ls, fmt.Sprint("l", i), v)
				}
			}
			series := labels.FromStrings(ls...)
			want := anyMatches(lists, series)
			if want {
				matched++
			}
			require.Equal(t, want, s.match(series), "%v of %s", lists, series)
		}
	}
	assert.Greater(t, matched, 3000)
	assert.Less(t, matched, 27000)
	assert.Nil(t, newSelectors(nil))
}

// Thousands of rules on one name are found by the value that tells them apart.
func TestManySelectorsAreNotTriedOneByOne(t *testing.T) {
	var lists [][]*labels.Matcher
	for i := range 1000 {
		lists = append(lists, []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchEqual, "job", "shop"),
			labels.MustNewMatcher(labels.MatchEqual, "rule", fmt.Sprint(i%500)),
		})
	}
	s := newSelectors(lists)
	assert.Empty(t, s.others)
	assert.Len(t, s.byValue, 500)
	for _, rest := range s.byValue {
		assert.Len(t, rest, 1)
	}
	assert.True(t, s.match(labels.FromStrings("job", "shop", "rule", "499")))
	assert.False(t, s.match(labels.FromStrings("job", "shop", "rule", "500")))
	assert.False(t, s.match(labels.FromStrings("job", "bank", "rule", "499")))
	assert.False(t, s.match(labels.FromStrings("rule", "499")))
}
