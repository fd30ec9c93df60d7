package drive

import (
	"context"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Series is the attribute that tells the series apart that a driver is fed
// with.
const Series = "series"

// Verdict is what the processor said of a series at a time.
type Verdict struct {
	Series string
	At     time.Time
	// State is -1 while learning, 0 when ok, 1 when degraded.
	State int64
	// Factor is the current value over the baseline's mean; NaN when untold.
	Factor float64
	// Reason is what the episode began with; empty outside of one.
	Reason string
}

// read collects the verdicts that came out with a batch.
func (d *Driver) read(_ context.Context, md pmetric.Metrics) error {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			var states, factors pmetric.NumberDataPointSlice
			told := false
			for _, m := range sm.Metrics().All() {
				switch m.Name() {
				case semconv.MetricDegradationState:
					states, told = m.Gauge().DataPoints(), true
				case semconv.MetricDegradationFactor:
					factors = m.Gauge().DataPoints()
				}
			}
			if told {
				d.collect(states, factors)
			}
		}
	}
	return nil
}

// collect joins the factors to their states: both come in the same order, and
// some states have none.
func (d *Driver) collect(states, factors pmetric.NumberDataPointSlice) {
	next := 0
	for _, dp := range states.All() {
		v := Verdict{
			Series: text(dp.Attributes(), Series),
			At:     dp.Timestamp().AsTime(),
			State:  dp.IntValue(),
			Factor: math.NaN(),
			Reason: text(dp.Attributes(), semconv.AttributeDegradationReason),
		}
		if factors != (pmetric.NumberDataPointSlice{}) && next < factors.Len() {
			f := factors.At(next)
			if f.Timestamp() == dp.Timestamp() && text(f.Attributes(), Series) == v.Series {
				v.Factor = f.DoubleValue()
				next++
			}
		}
		d.verdicts = append(d.verdicts, v)
	}
}

func text(attrs pcommon.Map, key string) string {
	v, ok := attrs.Get(key)
	if !ok {
		return ""
	}
	return v.Str()
}
