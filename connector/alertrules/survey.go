package alertrules

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// surveyInterval is how often it is looked which rules select nothing.
const surveyInterval = time.Minute

// survey remembers the rules that selected nothing last time: a misspelt name is
// silent for ever, and looks like all being well.
type survey struct {
	schedule
	without []string
}

// look counts the rules that select series of which none is there, and says which
// they are when that changes.
func (v *evaluator) look(ctx context.Context, at time.Time) {
	var without []string
	for _, g := range v.groups {
		for _, r := range g.AlertRules() {
			if !v.selectsSome(ctx, r, at.Add(-g.QueryOffset)) {
				without = append(without, r.Name)
			}
		}
	}
	v.e.tel.AlertRulesRulesWithoutSeries.Record(ctx, int64(len(without)))
	slices.Sort(without)
	if !slices.Equal(without, v.survey.without) {
		v.e.logger.Info("rules that select series of which none is there", zap.Int("count", len(without)), zap.Strings("rules", without[:min(len(without), 20)]))
	}
	v.survey.without = without
}

func (v *evaluator) selectsSome(ctx context.Context, r rules.Rule, at time.Time) bool {
	s := r.Sources
	if s == nil || s.Absent || len(s.Selectors) == 0 || slices.ContainsFunc(s.Selectors, selectsAlerts) {
		return true
	}
	some, err := v.e.store.Holds(ctx, s.Selectors, at.Add(-s.Window), at)
	return some || err != nil
}

// selectsAlerts: the state of other rules is there when they are active.
func selectsAlerts(ms []*labels.Matcher) bool {
	return slices.ContainsFunc(ms, func(m *labels.Matcher) bool {
		return m.Name == model.MetricNameLabel && (m.Matches(alertsName) || m.Matches(alertsName+"_FOR_STATE"))
	})
}
