package exemplars

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func at(ms int64, v float64) Exemplar { return Exemplar{At: ms, Value: v, Trace: [16]byte{byte(ms)}} }

func selectors(t *testing.T, texts ...string) [][]*labels.Matcher {
	t.Helper()
	var all [][]*labels.Matcher
	for _, s := range texts {
		ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector(s)
		require.NoError(t, err)
		all = append(all, ms)
	}
	return all
}

func TestTheWorstOfTheWindow(t *testing.T) {
	s := New(10)
	shop, cart := labels.FromStrings("service", "shop", "route", "a"), labels.FromStrings("service", "cart")
	for _, e := range []Exemplar{at(10, 5), at(20, 9), at(30, 1), at(40, 9)} {
		s.Add("d", shop, e)
	}
	s.Add("d", cart, at(25, 100))
	s.Add("other", shop, at(25, 1000))
	for _, c := range []struct {
		name  string
		q     Query
		group labels.Labels
		want  int64 // its time; 0 = none
	}{
		{"the highest, of equal ones the newest", Query{Selectors: selectors(t, `d{service="shop"}`), From: 0, To: 100}, labels.EmptyLabels(), 40},
		{"the lowest", Query{Selectors: selectors(t, `d{service="shop"}`), From: 0, To: 100, Lowest: true}, labels.EmptyLabels(), 30},
		{"in the window", Query{Selectors: selectors(t, `d{service="shop"}`), From: 20, To: 39}, labels.EmptyLabels(), 30},
		{"its beginning is before it", Query{Selectors: selectors(t, `d{service="shop"}`), From: 19, To: 20}, labels.EmptyLabels(), 20},
		{"of all that is selected", Query{Selectors: selectors(t, `d`), From: 0, To: 100}, labels.EmptyLabels(), 25},
		{"of the alert's group", Query{Selectors: selectors(t, `d`), From: 0, To: 100}, labels.FromStrings("service", "shop", "unknown", "x"), 40},
		{"by a histogram's series", Query{Selectors: selectors(t, `d_bucket{le="0.5",service="cart"}`), From: 0, To: 100}, labels.EmptyLabels(), 25},
		{"by a pattern", Query{Selectors: selectors(t, `{__name__=~"oth.*"}`), From: 0, To: 100}, labels.EmptyLabels(), 25},
		{"none of another name", Query{Selectors: selectors(t, `e`), From: 0, To: 100}, labels.EmptyLabels(), 0},
		{"none of another group", Query{Selectors: selectors(t, `d`), From: 0, To: 100}, labels.FromStrings("service", "x"), 0},
		{"none later", Query{Selectors: selectors(t, `d`), From: 50, To: 100}, labels.EmptyLabels(), 0},
	} {
		got, found := s.Find(c.q).Worst(c.group)
		assert.Equal(t, c.want, got.At, c.name)
		assert.Equal(t, c.want != 0, found, c.name)
	}
	_, found := New(1).Find(Query{}).Worst(shop)
	assert.False(t, found)
	_, found = new(Found).Worst(shop)
	assert.False(t, found)
}

func TestAFewOfEachSeries(t *testing.T) {
	s := New(1)
	ls := labels.FromStrings("i", "a")
	s.Add("d", ls, at(1, 1000))
	s.Add("d", ls, at(2, -1000))
	for ms := int64(3); ms < 100; ms++ {
		s.Add("d", ls, at(ms, 1))
		s.Add("d", ls, at(ms, 1)) // sent again
	}
	kept := s.byName["d"][ls.Hash()].kept
	require.Len(t, kept, perSeries)
	assert.Equal(t, []int64{1, 2, 94, 95, 96, 97, 98, 99}, times(kept), "the extremes, and the newest")
	s.Forget(2)
	assert.Len(t, s.byName["d"][ls.Hash()].kept, perSeries-1)

	s.Add("d", labels.FromStrings("i", "b"), at(99, 1))
	assert.Equal(t, 1, s.TakeRefused())
	assert.Zero(t, s.TakeRefused())
	s.Forget(1000)
	assert.Empty(t, s.byName)
	s.Add("d", labels.FromStrings("i", "b"), at(99, 1))
	assert.Zero(t, s.TakeRefused(), "there is room again")
}

func times(all []Exemplar) []int64 {
	var out []int64
	for _, e := range all {
		out = append(out, e.At)
	}
	return out
}
