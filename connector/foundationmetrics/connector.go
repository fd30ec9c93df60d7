package foundationmetrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/fold"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/item"
	"github.com/foundation-os/otelcol-foundation/connector/foundationmetrics/internal/metadata"
)

const (
	// An operation and its events are matched when at most so many others lie between
	// them: half a minute at 2,000 operations a second, for at most 20 MB.
	remember = 65536
	// An agent that is silent for so long is no longer active, where none ever says
	// that it ends.
	agentTTL = 5 * time.Minute
	// A breaker changes its state rarely; its last one holds for a day, as long as the
	// Prometheus exporter keeps a series.
	breakerTTL = 24 * time.Hour
	// A run that is silent for so long has ended. Single iterations take up to ten
	// minutes: that is the document's last bucket.
	runTTL = 15 * time.Minute
	// Names that applications may make up with foundation.metric.
	maxGauges = 200
)

// core is what the instances of one component share.
type core struct {
	cfg    *Config
	next   consumer.Metrics
	now    func() time.Time
	logger *zap.Logger
	tel    *metadata.TelemetryBuilder
	forget func()

	flushing sync.Mutex // one flush at a time, so that values arrive in order
	mu       sync.Mutex
	agg      *fold.Aggregate
	start    time.Time

	life  sync.Mutex
	users int
	stop  context.CancelFunc
	ended chan struct{}
}

func newCore(set connector.Settings, cfg *Config, next consumer.Metrics, now func() time.Time) (*core, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	c := &core{
		cfg: cfg, next: next, now: now, logger: set.Logger, tel: tel, start: now(),
		agg: fold.New(fold.Options{
			MaxSeries: cfg.MaxSeries, Exponential: cfg.Histogram == HistogramExponential, Disabled: cfg.DisabledMetrics,
			Remember: remember, AgentTTL: agentTTL, BreakerTTL: breakerTTL, RunTTL: runTTL, MaxGauges: maxGauges,
		}),
	}
	return c, c.observe()
}

// observe publishes what the aggregate counts about itself.
func (c *core) observe() error {
	stat := func(read func(*fold.Stats) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			o.Observe(read(&c.agg.Stats))
			return nil
		}
	}
	return errors.Join(
		c.tel.RegisterFoundationMetricsItemsCallback(stat(func(s *fold.Stats) int64 { return s.Items })),
		c.tel.RegisterFoundationMetricsDuplicatesCallback(stat(func(s *fold.Stats) int64 { return s.Duplicates })),
		c.tel.RegisterFoundationMetricsOverflowedCallback(stat(func(s *fold.Stats) int64 { return s.Overflowed })),
		c.tel.RegisterFoundationMetricsSeriesCallback(stat(func(*fold.Stats) int64 { return int64(c.agg.Series.Len()) })),
		c.tel.RegisterFoundationMetricsUnusableCallback(func(_ context.Context, o metric.Int64Observer) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			for reason, n := range c.agg.Stats.Unusable {
				o.Observe(n, metric.WithAttributes(reasonKey.String(reason)))
			}
			return nil
		}),
	)
}

// startTicking is called by every instance's Start; the first one starts the timer.
func (c *core) startTicking() {
	c.life.Lock()
	defer c.life.Unlock()
	if c.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.ended = stop, make(chan struct{})
	go func() {
		defer close(c.ended)
		ticker := time.NewTicker(c.cfg.FlushInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.flush(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// release is called once by every instance's Shutdown. The last one flushes: until
// then another signal's pipeline may still bring items.
func (c *core) release(ctx context.Context) {
	c.life.Lock()
	defer c.life.Unlock()
	c.users--
	if c.users > 0 {
		return
	}
	if c.stop != nil {
		c.stop() // also a flush that hangs: the last one brings its values
		<-c.ended
		c.flush(ctx)
	}
	c.tel.Shutdown()
	c.forget()
}

func (c *core) add(b *batch) {
	if len(b.items) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b.resources {
		r := &b.resources[i]
		r.number = c.agg.Series.Resource(r.attrs, r.scope)
	}
	for i := range b.items {
		b.items[i].Resource = b.resources[b.items[i].Resource].number
	}
	c.agg.Add(c.now(), b.items)
}

// flush writes all series. A refusal loses nothing: values are cumulative.
func (c *core) flush(ctx context.Context) {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	md := c.snapshot()
	if md.DataPointCount() == 0 {
		return
	}
	if err := c.next.ConsumeMetrics(ctx, md); err != nil {
		c.tel.FoundationMetricsFlushFailures.Add(ctx, 1)
		c.logger.Warn("metrics refused, the next flush brings them again", zap.Error(err))
	}
}

// instance is the connector of one pair of signals.
type instance struct {
	core *core
	once sync.Once
}

func (i *instance) Start(context.Context, component.Host) error {
	i.core.startTicking()
	return nil
}

func (i *instance) Shutdown(ctx context.Context) error {
	i.once.Do(func() { i.core.release(ctx) })
	return nil
}

// Capabilities: the input is only read.
func (*instance) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// batch collects what a batch of spans or logs holds, before the lock is taken. Its
// memory is reused.
type batch struct {
	resources []batchResource
	items     []item.Item
	fields    []item.Field
	ends      []int // of the items' fields
}

type batchResource struct {
	attrs  []item.Pair
	scope  string
	number int
}
