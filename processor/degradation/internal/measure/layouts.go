package measure

import (
	"slices"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

// maxLayouts is how many bucket layouts are remembered. A sender has a handful;
// of more, some are kept more than once.
const maxLayouts = 64

// layouts keeps one copy of each recent bucket layout, for all series and panes
// that have it: the bounds are as large as the counts.
type layouts struct {
	known [maxLayouts][]float64
	last  int // where the one asked for last is
	next  int // the place to use next
}

// share returns a slice of the same bounds that nobody changes.
func (l *layouts) share(bounds []float64) []float64 {
	if len(bounds) == 0 {
		return nil
	}
	if baseline.SameBounds(l.known[l.last], bounds) {
		return l.known[l.last]
	}
	for i, known := range l.known {
		if baseline.SameBounds(known, bounds) {
			l.last = i
			return known
		}
	}
	l.known[l.next] = slices.Clone(bounds)
	l.last, l.next = l.next, (l.next+1)%maxLayouts
	return l.known[l.last]
}
