package alertrules

import (
	"errors"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/episodes"
	"github.com/foundation-os/otelcol-foundation/internal/rules"
)

// nopTelemetry is for parsing conditions where there is no telemetry yet.
func nopTelemetry() component.TelemetrySettings {
	return component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: noop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}
}

// newEventRules parses all conditions and reports all that are wrong.
func newEventRules(c *Config, set component.TelemetrySettings) (*eventRules, error) {
	er := &eventRules{}
	if len(c.Events) == 0 {
		return er, nil
	}
	logs, err := ottllog.NewParser(ottlfuncs.StandardConverters[*ottllog.TransformContext](), set, ottllog.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	spans, err := ottlspan.NewParser(ottlfuncs.StandardConverters[*ottlspan.TransformContext](), set, ottlspan.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range c.Events {
		e := &c.Events[i]
		path := fmt.Sprintf("events[%d] (%q)", i, e.Name)
		errs = append(errs, prefixed(path, e.problems()))
		r := newEventRule(e, c.Limits.AlertsPerRule)
		er.rules = append(er.rules, r)
		switch e.Signal {
		case SignalLogs:
			er.logs, err = appendParsed(er.logs, r, &logs)
		case SignalSpans:
			er.spans, err = appendParsed(er.spans, r, &spans)
		}
		errs = append(errs, prefixed(path, err))
	}
	return er, errors.Join(errs...)
}

func newEventRule(e *Event, maxActive int) *eventRule {
	return &eventRule{cfg: *e, annotations: labels.FromMap(e.Annotations), tracker: episodes.Tracker{
		Max: maxActive, ExpireAfter: e.ExpireAfter, Flaps: rules.Flaps[string]{Flapping: rules.Flapping(e.Flapping), Max: maxActive},
	}}
}

// appendParsed parses the conditions of a rule for its signal.
func appendParsed[K any](to []conditions[K], r *eventRule, p *ottl.Parser[K]) ([]conditions[K], error) {
	c := conditions[K]{rule: r}
	var errs []error
	var err error
	if r.cfg.Condition == "" {
		errs = append(errs, fmt.Errorf(".condition: is missing, must be an OTTL condition on the %s context", contextOf[r.cfg.Signal]))
	} else if c.condition, err = p.ParseCondition(r.cfg.Condition); err != nil {
		errs = append(errs, fmt.Errorf(".condition: %w", err))
	}
	if r.cfg.Resolve != "" {
		if c.resolve, err = p.ParseCondition(r.cfg.Resolve); err != nil {
			errs = append(errs, fmt.Errorf(".resolve: %w", err))
		}
	}
	return append(to, c), errors.Join(errs...)
}

var contextOf = map[Signal]string{SignalLogs: ottllog.ContextName, SignalSpans: ottlspan.ContextName}

// problems are what is wrong with a rule beside its conditions, each beginning
// with the key.
func (e *Event) problems() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if e.Name == "" {
		fail(".name: is empty, must name the alert")
	}
	if e.ExpireAfter < 0 {
		fail(".expire_after: %s is negative, must be 0s or more", e.ExpireAfter)
	}
	if e.Resolve == "" && e.ExpireAfter == 0 {
		fail(".resolve: is empty and expire_after is 0s, one of them must end the alert")
	}
	for j, name := range e.GroupBy {
		switch name {
		case "":
			fail(".group_by[%d]: is empty, must name an attribute", j)
		case labels.AlertName, severityName:
			fail(".group_by[%d]: %q is the rule's own label, must be another", j, name)
		}
	}
	errs = append(errs, prefixed(".flapping.", rules.Flapping(e.Flapping).Validate()))
	return errors.Join(errs...)
}

// prefixed puts a prefix before each of joined errors.
func prefixed(prefix string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return fmt.Errorf("%s%w", prefix, err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, prefixed(prefix, e))
	}
	return errors.Join(errs...)
}
