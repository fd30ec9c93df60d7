package degradation

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/detector"
	"github.com/foundation-os/otelcol-foundation/processor/degradation/internal/metadata"
)

// degradation is the processor.
type degradation struct {
	watch    watch
	exclude  map[string]struct{}
	resource pcommon.Resource // this collector's own
	version  string
	tel      *telemetry
	storage  *persistence // nil: in memory only
	logger   *zap.Logger

	// One lock for all series: a batch holds it for some hundred nanoseconds a
	// point, less than decoding the point takes.
	mu       sync.Mutex
	detector *detector.Detector
	reader   reader
}

func newDegradation(set processor.Settings, cfg *Config) (*degradation, error) {
	p := &degradation{
		watch:    newWatch(cfg.Metrics),
		exclude:  map[string]struct{}{},
		resource: set.Resource,
		version:  set.BuildInfo.Version,
		logger:   set.Logger,
	}
	for _, name := range cfg.ExcludeAttributes {
		p.exclude[name] = struct{}{}
	}
	p.reader.histograms.Current = cfg.Current.measure()
	p.reader.quantile = cfg.Current.measure().Quantile()
	p.detector = detector.New(cfg.options())
	var err error
	if p.tel, err = newTelemetry(set.TelemetrySettings, p); err != nil {
		return nil, err
	}
	if cfg.Storage != nil {
		p.storage = newPersistence(set, cfg, p)
	}
	return p, nil
}

func (p *degradation) start(ctx context.Context, host component.Host) error {
	if p.storage == nil {
		return nil
	}
	return p.storage.start(ctx, host)
}

func (p *degradation) shutdown(ctx context.Context) error {
	var err error
	if p.storage != nil {
		err = p.storage.shutdown(ctx)
	}
	p.tel.builder.Shutdown()
	return err
}

// process judges the watched points of a batch and appends the verdicts to it.
func (p *degradation) process(ctx context.Context, md pmetric.Metrics) (pmetric.Metrics, error) {
	now := time.Now()
	var points tally

	p.mu.Lock()
	p.detector.Begin(now.UnixNano())
	p.observe(md, &points)
	p.append(md, p.detector.Finish())
	degraded := p.detector.Degraded()
	points.take(p.detector)
	p.mu.Unlock()

	if points.total() > 0 {
		p.appendCount(md, now, degraded)
		p.tel.record(ctx, &points)
	}
	return md, nil
}

func (p *degradation) observe(md pmetric.Metrics, points *tally) {
	for i, rm := range md.ResourceMetrics().All() {
		// Keys are made when something is watched: most of a batch is not.
		var resource detector.Key
		for j, sm := range rm.ScopeMetrics().All() {
			if sm.Scope().Name() == metadata.ScopeName {
				continue
			}
			var scope detector.Key
			for k, m := range sm.Metrics().All() {
				if !p.watch.matches(m.Name()) {
					continue
				}
				if resource == (detector.Key{}) {
					resource = resourceKey(rm.Resource())
				}
				if scope == (detector.Key{}) {
					scope = scopeKey(resource, sm.Scope())
				}
				b := metricBatch{
					degradation: p,
					points:      points,
					key:         metricKey(scope, m),
					ref:         detector.Ref{Resource: int32(i), Scope: int32(j), Metric: int32(k)},
					duration:    isDuration(m.Name(), m.Unit()),
				}
				b.read(m)
			}
		}
	}
}
