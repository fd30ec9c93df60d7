package score

import "math"

// Window is a labelled anomaly: the indexes of its first and its last point.
type Window struct{ First, Last int }

// Series is one file: how anomalous each point is, 0 to 1, and its windows in
// order, which do not overlap.
type Series struct {
	Scores  []float64
	Windows []Window
}

// Profile weighs right and wrong detections and missed windows.
type Profile struct{ TP, FP, FN float64 }

// Probation is how many of a series' first points are not scored.
func Probation(points int) int {
	return min(points*15/100, 750)
}

// sigmoid is the scoring function: near 1 at -1, the beginning of a window, 0
// at its end, towards -1 after it. From 3 on it is -1.
func sigmoid(position float64) float64 {
	if position >= 3 {
		return -1
	}
	return 2/(1+math.Exp(5*position)) - 1
}

// outside is the window of a point that lies in none.
const outside = -1

// point is a point that is scored: what a detection there is worth, in units
// of the profile's weight, and the window that it is in, numbered over the
// corpus.
type point struct {
	score  float64
	worth  float64
	window int
}

// points appends the scored points of s, whose windows have numbers from
// firstWindow on.
func (s *Series) points(to []point, firstWindow int) []point {
	w := 0
	left := sigmoid(-1)
	for i, v := range s.Scores {
		for w < len(s.Windows) && i > s.Windows[w].Last {
			w++
		}
		if i < Probation(len(s.Scores)) {
			continue
		}
		p := point{score: v, window: outside, worth: -1}
		switch {
		case w < len(s.Windows) && i >= s.Windows[w].First:
			// The benchmark's program counts the position from the point after
			// the last, so that the last is still worth something, and gives the
			// first exactly 1.
			in := s.Windows[w]
			p.window = firstWindow + w
			p.worth = sigmoid(-float64(in.Last-i+1)/float64(in.Last-in.First+1)) / left
		case w > 0:
			before := s.Windows[w-1]
			if before.Last > before.First {
				p.worth = sigmoid(float64(i-before.Last) / float64(before.Last-before.First))
			}
		}
		to = append(to, p)
	}
	return to
}
