package detector

import (
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

// What waits for the end of a batch does not keep the memory of the largest
// histogram that ever stood in its place.
func TestWaitingMemoryIsBounded(t *testing.T) {
	d := newGuarded(func(o *Options) { o.MaxSeries = 4000 })
	bounds := make([]float64, 1023)
	for i := range bounds {
		bounds[i] = float64(i + 1)
	}
	buckets := make([]uint64, 1024)
	buckets[3] = 9
	const n = 3000
	for large := range 3 { // a third of each batch is large, each time another one
		d.Begin(1000)
		for i := range n {
			m := baseline.ScalarMeasurement(1)
			if i%3 == large {
				m = baseline.Measurement{Current: 3.5, Count: 9, Sum: 31, Min: 3, Max: 4, Bounds: bounds, Buckets: buckets}
			}
			d.Observe(d.Series(Key{uint64(i)}), int64(large)*100, &m, Ref{})
		}
		d.Finish()
	}
	kept := 0
	for _, m := range d.waiting[:cap(d.waiting)] {
		kept += cap(m.Buckets)
	}
	if kept > maxWaiting {
		t.Errorf("%d buckets are kept", kept)
	}
}
