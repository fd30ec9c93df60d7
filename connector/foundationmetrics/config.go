package foundationmetrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/foundation-os/otelcol-foundation/semconv"
)

// HistogramKind is how distributions are written.
type HistogramKind uint8

// The kinds of histograms.
const (
	HistogramExplicit HistogramKind = iota
	HistogramExponential
)

func histogramKinds() []string { return []string{"explicit", "exponential"} }

// String returns the name that configurations use.
func (k HistogramKind) String() string { return histogramKinds()[k] }

// UnmarshalText reads the name that configurations use.
func (k *HistogramKind) UnmarshalText(text []byte) error {
	i := slices.Index(histogramKinds(), string(text))
	if i < 0 {
		return fmt.Errorf("histogram: %q is unknown, allowed are %s", text, strings.Join(histogramKinds(), ", "))
	}
	*k = HistogramKind(i)
	return nil
}

// MarshalText writes the name that configurations use.
func (k HistogramKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Sources says what is counted.
type Sources struct {
	// Spans counts spans. Default: true.
	Spans bool `mapstructure:"spans"`
	// Logs counts log events. Default: true.
	Logs bool `mapstructure:"logs"`
	// SpanEvents counts events on spans like log events. Default: true.
	SpanEvents bool `mapstructure:"span_events"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Config is the configuration of the connector.
type Config struct {
	// FlushInterval is how often all series are written. It must be positive; what
	// came since the last flush is written at shutdown. Default: 10s.
	FlushInterval time.Duration `mapstructure:"flush_interval"`
	// Histogram is how distributions are written: explicit (fixed bounds, readable by a
	// text scrape) or exponential (for back-ends with native histograms). The two
	// histograms with the document's buckets are always explicit. Default: explicit.
	Histogram HistogramKind `mapstructure:"histogram"`
	// Sources says what is counted. At least one must be true. Default: all.
	Sources Sources `mapstructure:"sources"`
	// MaxSeries bounds the series of all metrics and resources together; what does not
	// fit goes to one series for each metric with otel.metric.overflow=true. The tables
	// of agents, circuit breakers and optimization runs have this bound too, each. It
	// must be positive. Default: 10000.
	MaxSeries int `mapstructure:"max_series"`
	// DisabledMetrics are names of metrics that are not made, because the application
	// already sends them. Unknown names are errors. Default: none.
	DisabledMetrics []string `mapstructure:"disabled_metrics"`
	// ResourceAttributes are kept on the output; inputs that have the same values for
	// them are counted together. An empty list counts everything on one resource.
	// Default: service.namespace, service.name, service.instance.id,
	// deployment.environment.name.
	ResourceAttributes []string `mapstructure:"resource_attributes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func defaultConfig() *Config {
	return &Config{
		FlushInterval: 10 * time.Second,
		Histogram:     HistogramExplicit,
		Sources:       Sources{Spans: true, Logs: true, SpanEvents: true},
		MaxSeries:     10000,
		ResourceAttributes: []string{
			semconv.AttributeServiceNamespace, semconv.AttributeServiceName,
			semconv.AttributeServiceInstanceID, semconv.AttributeDeploymentEnvironmentName,
		},
	}
}

// Validate reports everything that is wrong.
func (s *Sources) Validate() error {
	if !s.Spans && !s.Logs && !s.SpanEvents {
		return errors.New("spans, logs, span_events: all are false, at least one must be true")
	}
	return nil
}

// Validate reports everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	if c.FlushInterval <= 0 {
		errs = append(errs, fmt.Errorf("flush_interval: %s, must be above 0", c.FlushInterval))
	}
	if c.MaxSeries <= 0 {
		errs = append(errs, fmt.Errorf("max_series: %d, must be above 0", c.MaxSeries))
	}
	for i, name := range c.DisabledMetrics {
		if !slices.ContainsFunc(semconv.Metrics, func(m semconv.Metric) bool { return m.Name == name && m.By == "foundation_metrics" }) {
			errs = append(errs, fmt.Errorf("disabled_metrics[%d]: %q is none of this connector's metrics, allowed are those of the table in its README", i, name))
		}
		if slices.Contains(c.DisabledMetrics[:i], name) {
			errs = append(errs, fmt.Errorf("disabled_metrics[%d]: %q is there twice, each name is allowed once", i, name))
		}
	}
	for i, name := range c.ResourceAttributes {
		if name == "" {
			errs = append(errs, fmt.Errorf("resource_attributes[%d]: empty, an attribute's name is needed", i))
		}
		if slices.Contains(c.ResourceAttributes[:i], name) {
			errs = append(errs, fmt.Errorf("resource_attributes[%d]: %q is there twice, each name is allowed once", i, name))
		}
	}
	return errors.Join(errs...)
}
