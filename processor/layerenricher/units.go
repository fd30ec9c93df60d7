package layerenricher

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/inference"
)

const unitSeconds = "s"

// timeUnits is what an error message offers; inference.ParseUnit knows their
// long names too.
const timeUnits = "native, ns, us, ms, s"

// parseMetricUnits reads which units of metrics become seconds.
func parseMetricUnits(names []string) (map[string]inference.Unit, error) {
	units := make(map[string]inference.Unit, len(names))
	for _, name := range names {
		if units[name] = inference.ParseUnit(name); units[name] == 0 {
			return nil, fmt.Errorf("metric_units: unknown unit %q, must be one of %s", name, timeUnits)
		}
	}
	return units, nil
}

// unitRules gives events the unit of their bare durations. A name that no item
// ends up with would never match, so it is an error.
func (p *plan) unitRules(rules map[string]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		unit, err := parseUnitRule(name, rules[name])
		if canonical := p.names.Parse(name).Canonical; err == nil && canonical != name {
			err = fmt.Errorf("time_units.%s: is no event's canonical name, must be %s", name, canonical)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("normalize.%w", err))
			continue
		}
		if p.events[name] == nil {
			p.events[name] = &event{}
		}
		p.events[name].unit = unit
	}
	return errors.Join(errs...)
}

func parseUnitRule(event, text string) (inference.Unit, error) {
	if event == "" {
		return 0, errors.New("time_units: an event needs a name")
	}
	unit := inference.ParseUnit(text)
	if unit == 0 {
		return 0, fmt.Errorf("time_units.%s: is %q, must be one of %s", event, text, timeUnits)
	}
	return unit, nil
}

// toSeconds turns a metric with a unit that only the BEAM knows into seconds, or
// tells how many data points it had to leave with their unit.
func (p *plan) toSeconds(m pmetric.Metric) (left int) {
	name, _ := p.clean.Atom(m.Unit())
	unit := p.metricUnits[name]
	if unit == 0 {
		return 0
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		numbersToSeconds(m.Gauge().DataPoints(), unit)
	case pmetric.MetricTypeSum:
		numbersToSeconds(m.Sum().DataPoints(), unit)
	case pmetric.MetricTypeHistogram:
		histogramsToSeconds(m.Histogram().DataPoints(), unit)
	case pmetric.MetricTypeExponentialHistogram:
		if points := m.ExponentialHistogram().DataPoints(); !exponentialsToSeconds(points, unit) {
			return points.Len()
		}
	case pmetric.MetricTypeSummary:
		summariesToSeconds(m.Summary().DataPoints(), unit)
	}
	m.SetUnit(unitSeconds)
	return 0
}

func numbersToSeconds(points pmetric.NumberDataPointSlice, unit inference.Unit) {
	for _, p := range points.All() {
		switch p.ValueType() {
		case pmetric.NumberDataPointValueTypeInt:
			p.SetDoubleValue(unit.ToSeconds(float64(p.IntValue())))
		case pmetric.NumberDataPointValueTypeDouble:
			p.SetDoubleValue(unit.ToSeconds(p.DoubleValue()))
		}
		exemplarsToSeconds(p.Exemplars(), unit)
	}
}

func histogramsToSeconds(points pmetric.HistogramDataPointSlice, unit inference.Unit) {
	for _, p := range points.All() {
		bounds := p.ExplicitBounds()
		for i := range bounds.Len() {
			bounds.SetAt(i, unit.ToSeconds(bounds.At(i)))
		}
		spreadToSeconds(p, unit)
		exemplarsToSeconds(p.Exemplars(), unit)
	}
}

// exponentialsToSeconds looks at all points before it changes one: they share
// the metric's unit.
func exponentialsToSeconds(points pmetric.ExponentialHistogramDataPointSlice, unit inference.Unit) bool {
	for _, p := range points.All() {
		for _, b := range bucketsOf(p) {
			if _, ok := shifted(b, p.Scale(), unit); !ok {
				return false
			}
		}
	}
	for _, p := range points.All() {
		for _, b := range bucketsOf(p) {
			offset, _ := shifted(b, p.Scale(), unit)
			b.SetOffset(offset)
		}
		p.SetZeroThreshold(unit.ToSeconds(p.ZeroThreshold()))
		spreadToSeconds(p, unit)
		exemplarsToSeconds(p.Exemplars(), unit)
	}
	return true
}

func bucketsOf(p pmetric.ExponentialHistogramDataPoint) [2]pmetric.ExponentialHistogramDataPointBuckets {
	return [2]pmetric.ExponentialHistogramDataPointBuckets{p.Positive(), p.Negative()}
}

// shifted is the offset of the buckets when their values are seconds. The offset
// of no buckets says nothing and stays.
func shifted(b pmetric.ExponentialHistogramDataPointBuckets, scale int32, unit inference.Unit) (int32, bool) {
	if b.BucketCounts().Len() == 0 {
		return b.Offset(), true
	}
	shift, ok := unit.BucketShift(scale)
	offset := int64(b.Offset()) - int64(shift)
	return int32(offset), ok && offset >= math.MinInt32
}

func summariesToSeconds(points pmetric.SummaryDataPointSlice, unit inference.Unit) {
	for _, p := range points.All() {
		p.SetSum(unit.ToSeconds(p.Sum()))
		for _, q := range p.QuantileValues().All() {
			q.SetValue(unit.ToSeconds(q.Value()))
		}
	}
}

// spread is what both kinds of histograms say beside their buckets.
type spread interface {
	HasSum() bool
	Sum() float64
	SetSum(float64)
	HasMin() bool
	Min() float64
	SetMin(float64)
	HasMax() bool
	Max() float64
	SetMax(float64)
}

func spreadToSeconds(p spread, unit inference.Unit) {
	if p.HasSum() {
		p.SetSum(unit.ToSeconds(p.Sum()))
	}
	if p.HasMin() {
		p.SetMin(unit.ToSeconds(p.Min()))
	}
	if p.HasMax() {
		p.SetMax(unit.ToSeconds(p.Max()))
	}
}

func exemplarsToSeconds(all pmetric.ExemplarSlice, unit inference.Unit) {
	for _, x := range all.All() {
		switch x.ValueType() {
		case pmetric.ExemplarValueTypeInt:
			x.SetDoubleValue(unit.ToSeconds(float64(x.IntValue())))
		case pmetric.ExemplarValueTypeDouble:
			x.SetDoubleValue(unit.ToSeconds(x.DoubleValue()))
		}
	}
}
