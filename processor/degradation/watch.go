package degradation

import (
	"strings"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// watch says which metrics have a baseline.
type watch struct {
	names    map[string]bool // also the refused ones: our own output
	patterns []string
}

func newWatch(metrics []string) watch {
	w := watch{names: map[string]bool{}}
	for _, m := range metrics {
		if strings.ContainsAny(m, "*?") {
			w.patterns = append(w.patterns, m)
		} else {
			w.names[m] = true
		}
	}
	// Verdicts about verdicts would breed. The scope tells our output apart
	// only as long as nothing on the way drops it, as a scrape does.
	for _, own := range ownMetrics {
		w.names[own] = false
	}
	return w
}

var ownMetrics = [...]string{
	semconv.MetricDegradationState,
	semconv.MetricDegradationFactor,
	semconv.MetricDegradationCurrent,
	semconv.MetricDegradationBaselineMean,
	semconv.MetricDegradationBaselineP95,
	semconv.MetricPerformanceDegradedMetricsCount,
}

func (w watch) matches(name string) bool {
	if listed, ok := w.names[name]; ok {
		return listed
	}
	for _, p := range w.patterns {
		if glob(p, name) {
			return true
		}
	}
	return false
}

// glob matches a whole name: * any text, also with dots, ? any one byte. On a
// mismatch it goes back to the last star only, which is enough, so that no
// pattern takes longer than length times length.
func glob(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
