package datadogfoundation

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/delta"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/payload"
)

// metricsExporter prepares batches and hands them to exporterhelper, which calls
// push behind its queue.
type metricsExporter struct {
	exporter.Metrics // exporterhelper's: queue, retry, push

	cfg          *Config
	logger       *zap.Logger
	telemetry    *metadata.TelemetryBuilder
	client       *client
	mapper       *mapper
	compressor   payload.Compressor
	seriesFormat payload.Format
	limits       payload.Limits
	splitters    [3]sync.Pool // of *payload.Splitter by payload.Format: their buffers grow to megabytes
	now          func() time.Time
	complaint    complaint

	// state guards the preparer. It is held until the queue has taken a batch
	// with cumulative points, or not, since only then is it known which values
	// are the last ones.
	state    sync.Mutex
	preparer preparer
}

func newMetricsExporter(ctx context.Context, set exporter.Settings, cfg *Config) (*metricsExporter, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	compressor, err := payload.NewCompressor(string(cfg.ClientConfig.Compression), int(cfg.ClientConfig.CompressionParams.Level))
	if err != nil {
		return nil, err
	}
	e := &metricsExporter{
		cfg:        cfg,
		logger:     set.Logger,
		telemetry:  tb,
		client:     newClient(cfg, set.TelemetrySettings, set.BuildInfo, tb),
		mapper:     newMapper(cfg),
		compressor: compressor,
		limits:     payload.Limits{Compressed: cfg.MaxPayload.Compressed, Raw: cfg.MaxPayload.Raw, Points: cfg.MaxPayload.Points},
		now:        time.Now,
		preparer: preparer{
			prefix:       cfg.Prefix,
			mode:         cfg.Histograms.Mode,
			aggregations: cfg.Histograms.SendAggregations,
			tracker:      delta.New(cfg.Cumulative.MaxStreams, cfg.Cumulative.TTL),
		},
	}
	if cfg.SeriesAPI == SeriesV1 {
		e.seriesFormat = payload.SeriesV1
	}
	e.Metrics, err = exporterhelper.NewMetrics(ctx, set, cfg, e.push,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}), // the client's is the one
		exporterhelper.WithQueue(cfg.QueueConfig),
		exporterhelper.WithRetry(cfg.RetryConfig),
	)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (e *metricsExporter) start(ctx context.Context, host component.Host) error {
	e.preparer.ours = uint64(e.now().UnixNano())
	return e.client.start(ctx, host)
}

func (e *metricsExporter) shutdown(context.Context) error {
	e.client.shutdown()
	e.telemetry.Shutdown()
	return nil
}

// Capabilities say that batches are changed: they are prepared in place.
func (e *metricsExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeMetrics prepares md and puts it into the queue.
func (e *metricsExporter) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	if !cumulative(md) {
		// A preparer of its own: no state, no lock.
		p := e.preparer.stateless()
		t := p.prepare(md, e.now())
		return e.enqueue(ctx, md, t)
	}
	e.state.Lock()
	defer e.state.Unlock()
	tracker := e.preparer.tracker
	before := tracker.Len()
	t := e.preparer.prepare(md, e.now())
	err := e.enqueue(ctx, md, t)
	if err != nil {
		tracker.Discard()
	} else {
		tracker.Commit()
	}
	e.telemetry.DatadogFoundationStreams.Add(ctx, int64(tracker.Len()-before))
	return err
}

func (e *metricsExporter) enqueue(ctx context.Context, md pmetric.Metrics, t tally) error {
	if md.DataPointCount() > 0 {
		if err := e.Metrics.ConsumeMetrics(ctx, md); err != nil {
			return err
		}
	}
	t.publish(ctx, e.telemetry)
	return nil
}

// patience shortens the pause that the server asks for where exporterhelper
// would rather give the batch up than wait so long.
func patience(cfg *Config, asked time.Duration) time.Duration {
	if longest := cfg.RetryConfig.MaxElapsedTime; longest > 0 {
		return min(asked, longest/4)
	}
	return asked
}

// complaint logs why data was given up, at most once a minute.
type complaint struct{ last atomic.Int64 }

func (c *complaint) log(logger *zap.Logger, at time.Time, text string, err error) {
	now, last := at.UnixNano(), c.last.Load()
	if now-last < int64(time.Minute) || !c.last.CompareAndSwap(last, now) {
		return
	}
	logger.Warn(text, zap.Error(err))
}
