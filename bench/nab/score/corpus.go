package score

import (
	"cmp"
	"math"
	"slices"
)

// Corpus is all series' points, ready to be scored by any profile.
type Corpus struct {
	points  []point // highest score first
	windows int     // all
	scored  []bool  // which of them have a point after the probation
}

// NewCorpus takes the series of a benchmark together: one threshold is for all.
func NewCorpus(series []Series) *Corpus {
	c := &Corpus{}
	for i := range series {
		c.points = series[i].points(c.points, c.windows)
		c.windows += len(series[i].Windows)
	}
	c.scored = make([]bool, c.windows)
	for _, p := range c.points {
		if p.window != outside {
			c.scored[p.window] = true
		}
	}
	slices.SortFunc(c.points, func(a, b point) int { return cmp.Compare(b.score, a.score) })
	return c
}

// Windows is their number.
func (c *Corpus) Windows() int { return c.windows }

// At is the corpus' score, 100 at best, when points of at least the threshold
// are detections.
func (c *Corpus) At(p Profile, threshold float64) float64 {
	var last float64
	c.sweep(p, func(at, sum float64) bool {
		if at >= threshold {
			last = sum
		}
		return at >= threshold
	})
	return c.normal(p, last)
}

// Best is the threshold with the highest score, and that score. +Inf, where
// nothing is a detection, when every other is worse.
func (c *Corpus) Best(p Profile) (threshold, score float64) {
	best := math.Inf(-1)
	c.sweep(p, func(at, sum float64) bool {
		if sum > best {
			threshold, best = at, sum
		}
		return true
	})
	return threshold, c.normal(p, best)
}

// sweep lowers the threshold over all scores there are and tells the sum at
// each, as long as told says to go on. It begins at +Inf, with every window
// missed.
func (c *Corpus) sweep(p Profile, told func(threshold, sum float64) bool) {
	sum := c.null(p)
	if !told(math.Inf(1), sum) {
		return
	}
	found := make([]float64, c.windows) // the best worth so far; 0 is none, since each is above it
	for i, pt := range c.points {
		switch {
		case pt.window == outside:
			sum += p.FP * pt.worth
		case pt.worth > found[pt.window]:
			if found[pt.window] == 0 {
				sum += p.FN
			}
			sum += p.TP * (pt.worth - found[pt.window])
			found[pt.window] = pt.worth
		}
		if i+1 == len(c.points) || c.points[i+1].score != pt.score {
			if !told(pt.score, sum) {
				return
			}
		}
	}
}

// null is the sum of a detector that says nothing.
func (c *Corpus) null(p Profile) float64 {
	sum := 0.0
	for _, scored := range c.scored {
		if scored {
			sum -= p.FN
		}
	}
	return sum
}

// normal puts a sum on the scale of 0 to 100.
func (c *Corpus) normal(p Profile, sum float64) float64 {
	null := c.null(p)
	perfect := float64(c.windows) * p.TP
	if perfect == null {
		return 0 // no windows: nothing can be earned
	}
	return 100 * (sum - null) / (perfect - null)
}

// Counts are what a threshold finds: windows with a detection, and detections
// outside of windows.
func (c *Corpus) Counts(threshold float64) (found, wrong int) {
	seen := make([]bool, c.windows)
	for _, p := range c.points {
		switch {
		case p.score < threshold:
			return found, wrong
		case p.window == outside:
			wrong++
		case !seen[p.window]:
			seen[p.window] = true
			found++
		}
	}
	return found, wrong
}
