package verdict

import "math"

// Guard is the rule with two pairs of thresholds: one to find a measurement
// suspect, a lower one to clear it. What lies between changes nothing.
type Guard struct {
	// Enter are the multiples above which a measurement is suspect.
	Enter Rule
	// ClearMean and ClearP95 are those that it must not be above to be cleared;
	// not above Enter's.
	ClearMean, ClearP95 float64
	// MinDelta is the least absolute difference from the mean, in the unit of
	// the metric, that matters: at or below it nothing is suspect and all is
	// cleared.
	MinDelta float64
	// Up and Down are the directions in which worse lies. Down mirrors the rule:
	// below the mean divided by the multiple, or below the 5th percentile
	// divided by its.
	Up, Down bool
}

// Judge returns why a measurement is suspect, None when it is not, and whether
// it is cleared.
func (g *Guard) Judge(b Baseline, current float64) (suspect Reason, cleared bool) {
	if !g.Matters(b, current) {
		return None, true
	}
	cleared = true
	if g.Up {
		suspect, cleared = above(b.Mean, b.P95, current, g)
	}
	if g.Down && suspect == None {
		s, c := below(b.Mean, b.P5, current, g)
		suspect, cleared = s, cleared && c
	}
	if suspect&P95 != 0 && suspect&Below == 0 && b.Wide {
		suspect |= LowConfidence
	}
	return suspect, cleared
}

// Matters says whether a measurement is further from the mean than MinDelta, in
// a direction that is looked at.
func (g *Guard) Matters(b Baseline, current float64) bool {
	delta := current - b.Mean
	return g.Up && delta > g.MinDelta || g.Down && -delta > g.MinDelta
}

// Least is the value above which a measurement is suspect, and Most the one
// below which it is where worse is less.
func (g *Guard) Least(b Baseline) float64 {
	least := math.Inf(1)
	if r := g.Enter.MeanRatio; isOn(r) {
		least = r * b.Mean
	}
	if r := g.Enter.P95Ratio; isOn(r) && r*b.P95 < least {
		least = r * b.P95
	}
	return max(least, b.Mean+g.MinDelta)
}

// Most: see Least.
func (g *Guard) Most(b Baseline) float64 {
	most := math.Inf(-1)
	if r := g.Enter.MeanRatio; isOn(r) {
		most = b.Mean / r
	}
	if r := g.Enter.P95Ratio; isOn(r) && b.P5/r > most {
		most = b.P5 / r
	}
	return min(most, b.Mean-g.MinDelta)
}

func above(mean, percentile, current float64, g *Guard) (suspect Reason, cleared bool) {
	if over(current, g.Enter.MeanRatio, mean) {
		suspect |= Mean
	}
	if over(current, g.Enter.P95Ratio, percentile) {
		suspect |= P95
	}
	// a comparison with NaN is false: an unknown percentile clears
	return suspect, !(over(current, g.ClearMean, mean) || over(current, g.ClearP95, percentile))
}

func below(mean, percentile, current float64, g *Guard) (suspect Reason, cleared bool) {
	if under(current, g.Enter.MeanRatio, mean) {
		suspect |= Mean | Below
	}
	if under(current, g.Enter.P95Ratio, percentile) {
		suspect |= P95 | Below
	}
	return suspect, !(under(current, g.ClearMean, mean) || under(current, g.ClearP95, percentile))
}

// over and under compare with a multiple, and with a part. An infinite ratio is a
// comparison that is turned off.
func over(current, ratio, of float64) bool { return isOn(ratio) && current > ratio*of }

func under(current, ratio, of float64) bool { return isOn(ratio) && current < of/ratio }

func isOn(ratio float64) bool { return !math.IsInf(ratio, 1) }

// Similar says whether two means differ by less than a factor either way. Means
// of different signs, or of which one is zero, are similar only if equal.
func Similar(a, b, factor float64) bool {
	if a == b {
		return true
	}
	lo, hi := math.Abs(a), math.Abs(b)
	if lo > hi {
		lo, hi = hi, lo
	}
	return (a > 0) == (b > 0) && lo > 0 && hi <= factor*lo
}
