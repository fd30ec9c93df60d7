package exemplars

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// The grouping gives what looking at every series for every alert gives.
func TestFoundAsOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func() labels.Labels {
		var kv []string
		for _, n := range []string{"a", "b", "c"} {
			if v := r.IntN(4); v > 0 {
				kv = append(kv, n, fmt.Sprint(v))
			}
		}
		return labels.FromStrings(kv...)
	}
	hits := 0
	for range 50 {
		s := New(100)
		type one struct {
			ls labels.Labels
			e  Exemplar
		}
		var all []one
		for i := range 1 + r.IntN(20) {
			o := one{random(), Exemplar{At: int64(r.IntN(100)), Value: float64(r.IntN(5)), Trace: [16]byte{byte(i)}}}
			all = append(all, o)
			s.Add("m", o.ls, o.e)
		}
		lowest := r.IntN(2) == 0
		f := s.Find(Query{Selectors: selectors(t, "m"), From: 20, To: 80, Lowest: lowest})
		for range 20 {
			group := random()
			var want Exemplar
			found := false
			for _, o := range all {
				if o.e.At > 20 && o.e.At <= 80 && agrees(o.ls, group) && (!found || worse(o.e, want, lowest)) {
					want, found = o.e, true
				}
			}
			got, ok := f.Worst(group)
			require.Equal(t, found, ok)
			require.Equal(t, want, got, "%s in %v", group, all)
			if found {
				hits++
			}
		}
	}
	require.Positive(t, hits)
}
