package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

type recording struct {
	name   string
	query  string
	labels labels.Labels
}

func (r *recording) ruleName() string { return r.name }

func (r *recording) eval(ctx context.Context, e evaluation) (promql.Vector, []Change, error) {
	vec, err := e.query(ctx, r.query, e.queryAt())
	if err != nil {
		return nil, nil, err
	}
	lb := labels.NewBuilder(labels.EmptyLabels())
	for i := range vec {
		lb.Reset(vec[i].Metric)
		lb.Set(model.MetricNameLabel, r.name)
		r.labels.Range(func(l labels.Label) { lb.Set(l.Name, l.Value) })
		vec[i].Metric = lb.Labels()
	}
	if vec.ContainsSameLabelset() {
		return nil, nil, errors.New("vector contains metrics with the same labelset after applying rule labels")
	}
	if e.limit > 0 && len(vec) > e.limit {
		return nil, nil, fmt.Errorf("exceeded limit of %d with %d series", e.limit, len(vec))
	}
	return vec, nil, nil
}
