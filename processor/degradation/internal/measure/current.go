package measure

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

// Current selects the number of a histogram's interval that is judged.
type Current uint8

const (
	// Mean of the interval's measurements.
	Mean Current = iota
	// P50 is their median.
	P50
	// P95 is their 95th percentile.
	P95
	// Max is the upper bound of their highest bucket.
	Max
)

// Quantile is the one a summary is read at: it has no mean of an interval, and
// a high quantile is what a rule about slowness wants, so Mean reads P95.
func (c Current) Quantile() float64 {
	switch c {
	case P50:
		return 0.5
	case Max:
		return 1
	}
	return 0.95
}

// current is NaN when the histogram has no buckets to tell it from.
func (rd *Reader) current(m *baseline.Measurement) float64 {
	switch {
	case rd.Current == Mean:
		return m.Sum / float64(m.Count)
	case m.NoDistribution:
		return math.NaN()
	case rd.Current == Max:
		return m.Max
	case m.Expo != nil:
		rd.hist.Reset()
		m.Expo.AddTo(&rd.hist)
		return rd.hist.Quantile(rd.Current.Quantile())
	}
	return baseline.ExplicitQuantile(rd.Current.Quantile(), m.Bounds, m.Buckets)
}
