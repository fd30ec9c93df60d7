package detector

import (
	"testing"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/baseline"
)

// degradedAt makes the series of the key degraded, by points that arrive at now.
func degradedAt(d *Detector, k Key, now int64) {
	for t := range int64(8) {
		m := baseline.ScalarMeasurement(1)
		if t == 7 {
			m = baseline.ScalarMeasurement(9)
		}
		d.Begin(now)
		d.Observe(d.Series(k), t*10, &m, Ref{})
		d.Finish()
	}
}

// A clock that was far ahead and is set right does not keep what is gone: not
// among the degraded, and not in a place that another series could have.
func TestAClockSetBack(t *testing.T) {
	const ahead = 1 << 40
	d := newTest(false)
	d.opts.MaxSeries, d.series.max = 2, 2
	degradedAt(d, Key{1}, ahead)
	degradedAt(d, Key{2}, ahead)
	if d.Degraded() != 2 {
		t.Fatal("nothing is degraded, and the test tests nothing")
	}
	for now := int64(1000); now < 1000+4*d.window; now += d.opts.Panes.Width {
		m := baseline.ScalarMeasurement(9)
		d.Begin(now)
		d.Observe(d.Series(Key{2}), 70, &m, Ref{})
		d.Finish()
	}
	if d.Degraded() != 1 {
		t.Errorf("%d are degraded, want the one that is seen", d.Degraded())
	}
	d.Begin(1000 + 4*d.window)
	if d.Series(Key{3}) == nil || d.Evicted() != 1 {
		t.Error("what is gone is kept")
	}
	if d.Series(Key{4}) != nil || d.series.find(Key{2}) == nil {
		t.Error("what is seen had to go")
	}
}
