package budget

import (
	"cmp"
	"math/bits"
	"slices"

	otelsampling "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
)

// all is 1 in the unit of randomness and thresholds.
const all = otelsampling.MaxAdjustedCount

// entry is one candidate with its priority q = u/p: with u uniform up to all,
// q <= 1 has the probability p, and q < tau has p times tau.
type entry struct {
	u, p  uint64 // all − R, from 1; all − the threshold of its own, from 1
	q     float64
	spans int64
	index int
}

// compare orders by q. Rounding keeps the order but for equality, and then the
// product tells.
func compare(a, b entry) int {
	if c := cmp.Compare(a.q, b.q); c != 0 {
		return c
	}
	aHigh, aLow := bits.Mul64(a.u, b.p)
	bHigh, bLow := bits.Mul64(b.u, a.p)
	if c := cmp.Compare(aHigh, bHigh); c != 0 {
		return c
	}
	return cmp.Compare(aLow, bLow)
}

// cut finds the first entry, in the order of q, that does not fit into the
// budget any more. Its q is tau: the entries below tau fit. It is false when
// all of them fit. No entry is larger than the budget.
//
// This is priority sampling with items of different sizes, and it is unbiased
// since no entry's own u has a part in its tau. Take entry i of size s and fix
// all the others, in the order of their q. Let k be the first of them up to
// which, k included, they take more than budget − s. If q of i is below that
// of k, then those before i and i itself fit, so i is taken; and since i takes
// its s wherever below k it stands, the first that does not fit is k. If it is
// above, k and those before it leave less than s, so i does not fit. So i is
// taken exactly when its q is below that of k, and k was found without looking
// at it. Given the others, i is kept with the probability p × q of k.
//
// That the prefix ends at the first one that does not fit, though a smaller
// one behind it might, is what this takes.
func cut(entries []entry, budget int64) (first entry, ok bool) {
	total := int64(0)
	for _, e := range entries {
		total += e.spans
	}
	if total <= budget {
		return entry{}, false
	}
	slices.SortFunc(entries, compare)
	at := 0
	for entries[at].spans <= budget { // ends, since together they do not fit
		budget -= entries[at].spans
		at++
	}
	return entries[at], true
}

// below is the threshold of an entry that is kept when its q is below that of
// first: u < p × first.u / first.p, and first itself is not. The division is
// exact to the last bit, and what it rounds it rounds against the entry.
func below(e, first entry, precision int) otelsampling.Threshold {
	high, low := bits.Mul64(e.p, first.u)
	quotient, remainder := bits.Div64(high, low, first.p) // first.u <= first.p, so it fits
	if remainder == 0 {
		quotient--
	}
	if quotient == 0 {
		return otelsampling.NeverSampleThreshold
	}
	threshold, _ := otelsampling.UnsignedToThreshold(roundUp(all-quotient, precision)) // below all
	return threshold
}
