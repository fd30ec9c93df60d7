package alertrules

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
	"github.com/foundation-os/otelcol-foundation/semconv"
)

// Names of what is compatible with Prometheus' own state series.
const (
	alertsName    = "ALERTS"
	stateName     = "state"
	severityName  = "severity"
	alertStateKey = "alertstate"
)

// stateMetrics collects what goes out as metrics after an evaluation.
type stateMetrics struct {
	external map[string]string
	out      pmetric.MetricSlice
	byName   map[string]pmetric.Metric
}

func newStateMetrics(to pmetric.MetricSlice, external map[string]string) *stateMetrics {
	return &stateMetrics{external: external, out: to, byName: map[string]pmetric.Metric{}}
}

// gauge adds a point to the gauge of a name.
func (m *stateMetrics) gauge(name string, at pcommon.Timestamp) pmetric.NumberDataPoint {
	g, ok := m.byName[name]
	if !ok {
		g = m.out.AppendEmpty()
		g.SetName(name)
		g.SetEmptyGauge()
		m.byName[name] = g
	}
	p := g.Gauge().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	return p
}

func (m *stateMetrics) labels(to pcommon.Map, ls labels.Labels) {
	ls.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			to.PutStr(l.Name, legal(l.Value))
		}
	})
	m.addExternal(to)
}

// addExternal adds the external labels that the point has no attribute for.
func (m *stateMetrics) addExternal(to pcommon.Map) {
	for k, v := range m.external {
		if _, has := to.Get(k); !has {
			to.PutStr(k, v)
		}
	}
}

// recorded adds the recorded series, and an end for those that are there no
// longer. Recorded histograms stay in the store: a gauge cannot hold one.
func (m *stateMetrics) recorded(samples []promql.Sample, gone []labels.Labels, at time.Time) {
	for _, s := range samples {
		if s.H != nil {
			continue
		}
		p := m.gauge(s.Metric.Get(model.MetricNameLabel), pcommon.NewTimestampFromTime(timestamp.Time(s.T)))
		p.SetDoubleValue(s.F)
		m.labels(p.Attributes(), s.Metric)
	}
	for _, ls := range gone {
		p := m.gauge(ls.Get(model.MetricNameLabel), pcommon.NewTimestampFromTime(at))
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		m.labels(p.Attributes(), ls)
	}
}

// alert adds ALERTS for one active alert; without a value it says that the
// alert is in that state no longer.
func (m *stateMetrics) alert(ls labels.Labels, state string, at time.Time, active bool) {
	p := m.gauge(alertsName, pcommon.NewTimestampFromTime(at))
	m.labels(p.Attributes(), ls)
	p.Attributes().PutStr(alertStateKey, state)
	if active {
		p.SetDoubleValue(1)
	} else {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	}
}

// tally is one series of alert.active or alert.transitions.
type tally struct{ rule, state, severity string }

func (t tally) attributes(to pcommon.Map) {
	to.PutStr(semconv.AttributeAlertRuleName, t.rule)
	to.PutStr(stateName, t.state)
	if t.severity != "" {
		to.PutStr(severityName, legal(t.severity))
	}
}

func (m *stateMetrics) active(t tally, n int, at time.Time) {
	p := m.gauge(semconv.MetricAlertActive, pcommon.NewTimestampFromTime(at))
	p.SetIntValue(int64(n))
	t.attributes(p.Attributes())
	m.addExternal(p.Attributes())
}

func (m *stateMetrics) transitions(counts map[tally]int64, start, at time.Time) {
	if len(counts) == 0 {
		return
	}
	c := m.out.AppendEmpty()
	c.SetName(semconv.MetricAlertTransitions)
	c.SetUnit("{transition}")
	sum := c.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for t, n := range counts {
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetIntValue(n)
		t.attributes(p.Attributes())
		m.addExternal(p.Attributes())
	}
}

// states of alerts in the metrics.
var metricStates = [...]rules.State{rules.Pending, rules.Firing}
