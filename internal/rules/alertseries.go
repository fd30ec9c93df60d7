package rules

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
)

// alertSeries are the labels of the two series that an alert has as long as it
// is active. They are made once for each state.
type alertSeries struct {
	of       State
	known    bool
	state    labels.Labels // of ALERTS
	forState labels.Labels // of ALERTS_FOR_STATE
}

// samples are those of ALERTS and ALERTS_FOR_STATE.
func (r *alerting) samples(a *Alert, at time.Time) (state, forState promql.Sample) {
	if c := &a.series; !c.known || c.of != a.State {
		lb := r.stateLabels(a)
		lb.Set(model.MetricNameLabel, forStateMetric)
		c.forState = lb.Labels()
		lb.Set(model.MetricNameLabel, alertsMetric)
		lb.Set(stateLabel, a.State.String())
		c.state, c.of, c.known = lb.Labels(), a.State, true
	}
	t := timestamp.FromTime(at)
	return promql.Sample{Metric: a.series.state, T: t, F: 1}, promql.Sample{Metric: a.series.forState, T: t, F: float64(a.ActiveAt.Unix())}
}

// stateLabels are the labels of both without the name and the state. The rule's
// labels lie below the alert's because a label that a template expanded to
// nothing is missing there, and upstream writes it as it stands in the rule.
func (r *alerting) stateLabels(a *Alert) *labels.Builder {
	lb := labels.NewBuilder(r.static)
	a.Labels.Range(func(l labels.Label) { lb.Set(l.Name, l.Value) })
	lb.Set(labels.AlertName, r.info.Name)
	return lb
}
