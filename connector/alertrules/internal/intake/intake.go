package intake

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/foundation-os/otelcol-foundation/connector/alertrules/internal/exemplars"
	"github.com/foundation-os/otelcol-foundation/internal/rules/store"
)

// maxFuture is how far ahead of the clock a point may lie: clocks differ, but a
// time in the far future would end the series for everything that follows.
const maxFuture = 10 * time.Minute

// Options of an Intake.
type Options struct {
	Strategy  otlptranslator.TranslationStrategyOption
	Promote   []string // resource attributes that become labels
	Selectors [][]*labels.Matcher
	// Oldest is the age from which on no rule could reach a point.
	Oldest time.Duration
	// MaxSources bounds the resources whose last export is remembered.
	MaxSources int
	// Sources that an Intake before this one knew; nil = none.
	Sources *Sources
	// Exemplars takes those of the points that rules select; nil = nobody does.
	Exemplars *exemplars.Store
}

// Counts is what became of the points of a call.
type Counts struct {
	store.Counts
	BadTime   int // zero, far future, or older than rules reach
	NotFinite int // NaN and infinities, which would poison a whole window
}

// Intake is safe for concurrent use.
type Intake struct {
	opt      Options
	store    *store.Store
	index    index
	names    namer
	mu       sync.Mutex
	families map[familyKey]*family
	sources  map[uint64]*source
}

// Sources are the resources of which an Intake knows when they exported last.
type Sources struct{ byID map[uint64]*source }

// Sources are to be given to the Intake that takes the place of this one. Nothing
// may be consumed any more.
func (in *Intake) Sources() *Sources {
	in.mu.Lock()
	defer in.mu.Unlock()
	return &Sources{in.sources}
}

// New returns an Intake that writes to st.
func New(st *store.Store, opt Options) *Intake {
	sources := map[uint64]*source{}
	if opt.Sources != nil {
		sources = opt.Sources.byID
	}
	return &Intake{
		opt:      opt,
		store:    st,
		index:    newIndex(opt.Selectors),
		names:    newNamer(opt.Strategy),
		families: map[familyKey]*family{},
		sources:  sources,
	}
}

// Consume writes the points that rules select.
func (in *Intake) Consume(ctx context.Context, md pmetric.Metrics, now time.Time) (Counts, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	w := writer{in: in, ctx: ctx, oldest: now.Add(-in.opt.Oldest).UnixMilli(), newest: now.Add(maxFuture).UnixMilli()}
	for _, rm := range md.ResourceMetrics().All() {
		w.resource(rm)
	}
	if w.batch == nil {
		return w.counts, nil
	}
	written, err := w.batch.Commit()
	w.counts.Counts.Add(written)
	return w.counts, err
}

// Forget drops the sources that were not heard since the cutoff.
func (in *Intake) Forget(cutoff time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for k, s := range in.sources {
		if s.current < cutoff.UnixMilli() {
			delete(in.sources, k)
		}
	}
}

// sameExport is how far apart points of one export of one source may lie: an
// export can come in several batches.
const sameExport = 500

// source remembers when a resource exported last, and the time before that.
type source struct{ current, previous int64 }

// before is the last export before the one that t belongs to; 0 = none.
func (s *source) before(t int64) int64 {
	switch {
	case s == nil:
		return 0
	case t > s.current+sameExport:
		return s.current
	case t > s.previous+sameExport:
		return s.previous
	}
	return 0
}

func (s *source) heard(t int64) {
	if t > s.current+sameExport {
		s.previous, s.current = s.current, t
	}
}

// writer is one call of Consume.
type writer struct {
	in             *Intake
	ctx            context.Context
	oldest, newest int64
	batch          *store.Batch
	counts         Counts

	// of the current resource
	base   []labels.Label
	ready  bool
	source *source
	res    pcommon.Resource

	point []labels.Label
	sb    labels.ScratchBuilder
}

func (w *writer) resource(rm pmetric.ResourceMetrics) {
	w.res, w.ready = rm.Resource(), false
	id := hashAttributes(w.res.Attributes())
	w.source = w.in.sources[id]
	var at int64
	for _, sm := range rm.ScopeMetrics().All() {
		for _, m := range sm.Metrics().All() {
			if at == 0 {
				at = firstTime(m)
			}
			if f := w.in.family(m); f != nil {
				w.metric(m, f)
			}
		}
	}
	if at < w.oldest || at > w.newest || w.res.Attributes().Len() == 0 {
		return // without attributes it may be anybody
	}
	if w.source == nil && len(w.in.sources) < w.in.opt.MaxSources {
		w.source = &source{}
		w.in.sources[id] = w.source
	}
	if w.source != nil {
		w.source.heard(at)
	}
}

// begin opens the batch with the first point that is wanted.
func (w *writer) begin() {
	if w.batch == nil {
		w.batch = w.in.store.Batch(w.ctx)
	}
	if !w.ready {
		w.base = w.in.names.resourceLabels(w.base[:0], w.res.Attributes(), w.in.opt.Promote)
		w.ready = true
	}
}

// at checks a point's time. Without a legal one it is counted and dropped.
func (w *writer) at(kind store.Kind, start, ts pcommon.Timestamp, flags pmetric.DataPointFlags) (store.Point, bool) {
	p := store.Point{Kind: kind, Start: millis(start), Time: millis(ts), Stale: flags.NoRecordedValue()}
	if p.Time <= 0 || p.Time < w.oldest || p.Time > w.newest {
		w.counts.BadTime++
		return p, false
	}
	if kind != store.Gauge {
		p.Before = w.source.before(p.Time)
	}
	w.begin()
	return p, true
}

func millis(t pcommon.Timestamp) int64 { return int64(t / 1e6) }

// firstTime is the time of a metric's first point.
func firstTime(m pmetric.Metric) int64 {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		for _, p := range m.Gauge().DataPoints().All() {
			return millis(p.Timestamp())
		}
	case pmetric.MetricTypeSum:
		for _, p := range m.Sum().DataPoints().All() {
			return millis(p.Timestamp())
		}
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			return millis(p.Timestamp())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			return millis(p.Timestamp())
		}
	}
	return 0
}
