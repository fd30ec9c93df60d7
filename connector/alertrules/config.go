package alertrules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/component"

	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// Config of the connector.
type Config struct {
	// EvaluationInterval is how often rules are evaluated that name no interval
	// of their own, how often expired events end, and the resolution of
	// subqueries that name none. Evaluation times are multiples of it. Default
	// 30s; at least 1s.
	EvaluationInterval time.Duration `mapstructure:"evaluation_interval"`
	// EvalDelay postpones evaluations: the evaluation for 12:00:00 looks at
	// 12:00:00, but EvalDelay later, so that late data is there. Default 0s.
	EvalDelay time.Duration `mapstructure:"eval_delay"`
	// ResendInterval is how often active alerts, and those that ended within the
	// last 15 minutes, are told again as <prefix>.active. Times are multiples of
	// it. Default 1m; at least 1s; 0s = never.
	ResendInterval time.Duration `mapstructure:"resend_interval"`
	// Storage is the ID of the storage extension that keeps the state of the alerts
	// over restarts: what is pending and firing, since when, and the events that were
	// not taken yet. Default none: the state is in memory only.
	Storage *component.ID `mapstructure:"storage"`
	// Directory keeps the samples over a restart, with a write-ahead log. Empty
	// (the default) = a private temporary directory, removed at shutdown.
	Directory string `mapstructure:"directory"`
	// DegradationEvents makes events of the edges of the metric
	// degradation.state. Default true.
	DegradationEvents bool `mapstructure:"degradation_events"`
	// TranslationStrategy says what OTLP names become in rules: NoTranslation
	// (default), UnderscoreEscapingWithSuffixes or NoUTF8EscapingWithSuffixes.
	TranslationStrategy Strategy `mapstructure:"translation_strategy"`
	// PromoteResourceAttributes lists the resource attributes that become labels,
	// beside job and instance. Default service.name and
	// deployment.environment.name.
	PromoteResourceAttributes []string `mapstructure:"promote_resource_attributes"`
	// ExternalLabels are added to everything that goes out, where it has no label
	// of the name, and are $externalLabels in templates. They are no part of an
	// alert's identity. Default none.
	ExternalLabels map[string]string `mapstructure:"external_labels"`
	// EventPrefix begins the names of alert events, <prefix>.triggered and so on.
	// Default foundation_os.alert.
	EventPrefix string `mapstructure:"event_prefix"`
	// Emit lists the alert events that are told: triggered, resolved, active (told
	// again), pending, no_data, flapping. Default triggered, resolved, active.
	Emit []Kind `mapstructure:"emit"`
	// Limits bound memory and work.
	Limits Limits `mapstructure:"limits"`
	// RuleFiles are globs of Prometheus rule files. One that matches no file is
	// an error. Default none.
	RuleFiles []string `mapstructure:"rule_files"`
	// Rules are alerting rules in the short form. Default none.
	Rules []Rule `mapstructure:"rules"`
	// Events are rules that act on log records and spans as they arrive. Default
	// none.
	Events []Event `mapstructure:"events"`

	registry *registry // of the factory that made it; nil = none
}

// Limits bound memory and work. What is beyond is refused and counted.
type Limits struct {
	// Series that are kept; a new one beyond is refused. Default 100000.
	Series int `mapstructure:"series"`
	// AlertsPerRule that are active at the same time; a new one beyond is
	// refused. Default 1000.
	AlertsPerRule int `mapstructure:"alerts_per_rule"`
	// SamplesPerQuery that one query may load; beyond, it fails. Default
	// 50000000.
	SamplesPerQuery int `mapstructure:"samples_per_query"`
}

// Rule is an alerting rule in the short form. It compiles to PromQL.
type Rule struct {
	// Name of the alert; unique among rules and events.
	Name string `mapstructure:"name"`
	// Metric is the name of a metric as rules see it, so after translation.
	Metric string `mapstructure:"metric"`
	// Where are labels that must be equal. Default none.
	Where map[string]string `mapstructure:"where"`
	// Aggregate folds the samples of the window: avg, min, max, sum, count, last,
	// rate, increase, p50, p90, p95, p99. Required.
	Aggregate rules.Aggregate `mapstructure:"aggregate"`
	// Window is how far back the aggregate looks. Required.
	Window time.Duration `mapstructure:"window"`
	// GroupBy are the labels that make one alert each. Default none: one alert.
	GroupBy []string `mapstructure:"group_by"`
	// Op compares: gt, gte, lt, lte, eq, neq. Required.
	Op rules.Op `mapstructure:"op"`
	// Threshold to compare with. Default 0.
	Threshold float64 `mapstructure:"threshold"`
	// RecoverAt is what the value must reach before an alert that fires is over:
	// it goes on while `value op recover_at` holds. Not with eq and neq, and not on
	// the far side of the threshold. Default: the threshold.
	RecoverAt *float64 `mapstructure:"recover_at"`
	// NoData says what becomes of an alert when there is nothing to compare: ok
	// (default: it resolves), alert (it fires), keep_last (it stays as it is).
	NoData rules.NoData `mapstructure:"no_data"`
	// Flapping holds an alert that begins and ends too often. Default: off.
	Flapping Flapping `mapstructure:"flapping"`
	// MinCount of samples in the window (for histograms of measurements) below
	// which the rule does not hold. Default 0: off.
	MinCount int `mapstructure:"min_count"`
	// For is how long the comparison must hold before the alert fires. Default
	// 0s: at once.
	For time.Duration `mapstructure:"for"`
	// KeepFiringFor is how long the alert fires on after it holds no longer.
	// Default 0s.
	KeepFiringFor time.Duration `mapstructure:"keep_firing_for"`
	// Severity: info, warning (default), error, critical.
	Severity Severity `mapstructure:"severity"`
	// Annotations, with Prometheus' templates. Default none.
	Annotations map[string]string `mapstructure:"annotations"`
}

// Flapping says when an alert is held firing because it begins and ends too
// often.
type Flapping struct {
	// Transitions within the window that are still told, begins and ends counted
	// alike; with one more the alert flaps. At least 2. Default 0: off.
	Transitions int `mapstructure:"transitions"`
	// Window that the transitions are counted in, and for which the condition must
	// not have changed before a flapping alert is believed again.
	Window time.Duration `mapstructure:"window"`
}

func (r *Rule) compileable() rules.Threshold {
	return rules.Threshold{
		Name: r.Name, Metric: r.Metric, Where: r.Where, Aggregate: r.Aggregate, Window: r.Window, GroupBy: r.GroupBy,
		Op: r.Op, Threshold: r.Threshold, RecoverAt: r.RecoverAt, NoData: r.NoData, Flapping: rules.Flapping(r.Flapping), MinCount: r.MinCount, For: r.For, KeepFiringFor: r.KeepFiringFor,
		Labels: map[string]string{"severity": r.Severity.String()}, Annotations: r.Annotations,
	}
}

// Event is a rule that acts on each log record or span as it arrives.
type Event struct {
	// Name of the alert; unique among rules and events.
	Name string `mapstructure:"name"`
	// Signal whose items are looked at: logs (default) or spans.
	Signal Signal `mapstructure:"signal"`
	// Condition in OTTL (log or span context, paths with their prefix, as in
	// log.attributes["x"] or span.name) that triggers the alert. Required.
	Condition string `mapstructure:"condition"`
	// Resolve is the condition that resolves it. Default none: it ends by
	// ExpireAfter.
	Resolve string `mapstructure:"resolve"`
	// GroupBy are attributes of the record or span, its scope or its resource; each
	// combination of values is an alert of its own. Default none: one alert.
	GroupBy []string `mapstructure:"group_by"`
	// ExpireAfter resolves an alert whose condition was not met again for so
	// long. Default 0s: never; then Resolve is required.
	ExpireAfter time.Duration `mapstructure:"expire_after"`
	// Flapping holds an alert that begins and ends too often. Default: off.
	Flapping Flapping `mapstructure:"flapping"`
	// Severity: info, warning (default), error, critical.
	Severity Severity `mapstructure:"severity"`
	// Annotations, as they are. Default none.
	Annotations map[string]string `mapstructure:"annotations"`
}

// Validate reports everything that is wrong, in the configuration and in the
// rule files.
func (c *Config) Validate() error {
	var errs []error
	if c.EvaluationInterval < time.Second {
		errs = append(errs, fmt.Errorf("evaluation_interval: %s is too short, must be at least 1s", c.EvaluationInterval))
	}
	if c.EvalDelay < 0 {
		errs = append(errs, fmt.Errorf("eval_delay: %s is negative, must be 0s or more", c.EvalDelay))
	}
	if c.ResendInterval != 0 && c.ResendInterval < time.Second {
		errs = append(errs, fmt.Errorf("resend_interval: %s is too short, must be at least 1s, or 0s for never", c.ResendInterval))
	}
	if len(c.Emit) == 0 {
		errs = append(errs, fmt.Errorf("emit: is empty, must hold some of %s", strings.Join(kinds, ", ")))
	}
	if c.EventPrefix == "" {
		errs = append(errs, errors.New("event_prefix: is empty, must begin the names of events"))
	}
	if slices.Contains(c.PromoteResourceAttributes, "") {
		errs = append(errs, errors.New("promote_resource_attributes: holds an empty name, must hold names of resource attributes"))
	}
	for name := range c.ExternalLabels {
		if name == "" || name == "__name__" {
			errs = append(errs, fmt.Errorf("external_labels: %q is no label name", name))
		}
	}
	errs = append(errs, c.duplicates()...)
	// At a reload bad rule files are no error here, which would end the process: the
	// older ones stay in force, and the engine says so.
	if _, _, err := c.readRuleFiles(); !c.registry.reloads() {
		errs = append(errs, err)
	}
	_, err := c.shortRules()
	errs = append(errs, err)
	_, err = newEventRules(c, nopTelemetry())
	errs = append(errs, err)
	return errors.Join(errs...)
}

// Validate implements confmap.Validator.
func (l *Limits) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int
	}{{"series", l.Series}, {"alerts_per_rule", l.AlertsPerRule}, {"samples_per_query", l.SamplesPerQuery}} {
		if f.value < 1 {
			errs = append(errs, fmt.Errorf("%s: %d is too small, must be at least 1", f.name, f.value))
		}
	}
	return errors.Join(errs...)
}

// duplicates reports names that are used twice: an alert is known by its name.
func (c *Config) duplicates() []error {
	var errs []error
	seen := map[string]string{}
	check := func(path, name string) {
		if first, ok := seen[name]; ok && name != "" {
			errs = append(errs, fmt.Errorf("%s.name: %q is the name of %s too, names must be unique among rules and events", path, name, first))
			return
		}
		seen[name] = path
	}
	for i := range c.Rules {
		check(fmt.Sprintf("rules[%d]", i), c.Rules[i].Name)
	}
	for i := range c.Events {
		check(fmt.Sprintf("events[%d]", i), c.Events[i].Name)
	}
	return errs
}

// strategyOption is the translator's own name for the strategy.
func (s Strategy) option() otlptranslator.TranslationStrategyOption {
	return otlptranslator.TranslationStrategyOption(s.String())
}
