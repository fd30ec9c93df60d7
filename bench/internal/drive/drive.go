package drive

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/foundation-os/otelcol-foundation/processor/degradation"
)

// Modes are those of the processor, in the order in which to print them.
func Modes() []string { return []string{"strict", "guarded", "adaptive"} }

// ErrNoMode says that the processor does not have the mode.
var ErrNoMode = errors.New("the processor does not have this mode")

// Settings are keys of the processor's configuration, as in YAML.
type Settings map[string]any

// Metric is the name that the processor watches here.
const Metric = "scored"

// Driver is one processor.
type Driver struct {
	processor processor.Metrics
	verdicts  []Verdict
}

// New starts a processor of the mode with its shipped defaults but for the
// settings. It tells every verdict.
func New(mode string, s Settings) (*Driver, error) {
	f := degradation.NewFactory()
	probe := f.CreateDefaultConfig().(*degradation.Config)
	probe.Mode = degradation.Mode(mode)
	if err := probe.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", mode, ErrNoMode, err)
	}
	keys := map[string]any{"mode": mode, "metrics": []any{Metric}, "emit": "all"}
	maps.Copy(keys, s)
	cfg := f.CreateDefaultConfig().(*degradation.Config)
	if err := confmap.NewFromStringMap(keys).Unmarshal(cfg); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Driver{}
	sink, err := consumer.NewMetrics(d.read)
	if err != nil {
		return nil, err
	}
	d.processor, err = f.CreateMetrics(context.Background(), processortest.NewNopSettings(component.MustNewType("degradation")), cfg, sink)
	if err != nil {
		return nil, err
	}
	return d, d.processor.Start(context.Background(), componenttest.NewNopHost())
}

// Send passes a batch, which the processor may change, and returns the verdicts
// on it. They are valid until the next one.
func (d *Driver) Send(md pmetric.Metrics) ([]Verdict, error) {
	d.verdicts = d.verdicts[:0]
	err := d.processor.ConsumeMetrics(context.Background(), md)
	return d.verdicts, err
}

// Close stops the processor.
func (d *Driver) Close() error { return d.processor.Shutdown(context.Background()) }
