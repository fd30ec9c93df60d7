package rules

import (
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// made is what was made of an element of the result at the last evaluation.
// Most elements are there again at the next one, with the same labels, and
// running the templates is most of the cost of an alert.
type made struct {
	metric      labels.Labels // with the name
	value       float64
	isNumber    bool          // not a histogram
	source      labels.Labels // without the name
	labels      labels.Labels // of the alert
	hash        uint64        // of labels
	annotations labels.Labels
}

// memory holds the elements of the evaluation that goes on and of the one
// before. Which of several with one hash it holds does not matter.
type memory struct {
	now, before map[uint64]*made
	max         int // elements; 0 = no bound
}

// turn begins an evaluation.
func (m *memory) turn() {
	m.now, m.before = m.before, m.now
	if len(m.now) > 2*len(m.before)+100 || m.now == nil {
		m.now = map[uint64]*made{} // a map that was once large stays so
	}
	clear(m.now)
}

// take returns the element and keeps it for the next evaluation. A new one has
// only its labels.
func (m *memory) take(s promql.Sample) (el *made, isNew bool) {
	h := s.Metric.Hash()
	for _, all := range []map[uint64]*made{m.now, m.before} {
		if el = all[h]; el != nil && labels.Equal(el.metric, s.Metric) {
			break
		}
		el = nil
	}
	if el == nil {
		el, isNew = &made{metric: s.Metric}, true
	}
	if _, known := m.now[h]; known || m.max == 0 || len(m.now) < m.max {
		m.now[h] = el
	}
	return el, isNew
}

// alertOf makes an alert of an element: of what is remembered of it, as far as
// that cannot be another now.
func (r *alerting) alertOf(s promql.Sample, lb *labels.Builder, e evaluation) (uint64, *Alert) {
	el, isNew := r.memory.take(s)
	changed := needAll // the least that makes a text another than it was
	switch {
	case isNew:
		changed = needNothing
	case s.H != nil || !el.isNumber || math.Float64bits(el.value) != math.Float64bits(s.F):
		changed = needValue
	}
	x := expansion{x: r.expand, s: s}
	if isNew || needOfAll(r.labels) >= changed {
		lb.Reset(s.Metric)
		lb.Del(model.MetricNameLabel)
		el.source = lb.Labels()
		for _, l := range r.labels {
			lb.Set(l.name, x.expand(l))
		}
		lb.Set(labels.AlertName, r.info.Name)
		el.labels = lb.Labels()
		el.hash = el.labels.Hash()
	}
	if isNew || needOfAll(r.annotations) >= changed {
		b := labels.NewScratchBuilder(len(r.annotations))
		for _, a := range r.annotations {
			if a.need >= changed {
				b.Add(a.name, x.expand(a))
			} else {
				b.Add(a.name, el.annotations.Get(a.name))
			}
		}
		el.annotations = b.Labels()
	}
	el.value, el.isNumber = s.F, s.H == nil
	return el.hash, &Alert{Labels: el.labels, Annotations: el.annotations, ActiveAt: e.at, Value: s.F, source: el.source}
}
