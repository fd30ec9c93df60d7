package sender

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/foundation-os/otelcol-foundation/internal/livingos"
)

// scope is the bridge that carries Elixir's telemetry into OpenTelemetry: the
// same for all layers.
const scope = "opentelemetry_telemetry"

// fullBatch is the number of spans at which a batch is exported without waiting:
// about 1 MB, well below the 4 MiB that gRPC servers take.
const fullBatch = 2000

// metricsEvery is the pause between exports of the application's gauges.
const metricsEvery = 5 * time.Second

// instance is one application instance. It is used by one goroutine.
type instance struct {
	exporters
	run        *run
	spanEvents bool

	tracer trace.Tracer
	logger log.Logger
	ids    *idGenerator
	batch  *batch

	reader      *sdkmetric.ManualReader
	gauges      []gauge
	lastMetrics time.Time
}

type gauge struct {
	name  string
	value func(turn int) float64
	inst  metric.Float64Gauge
}

// batch is what the SDK handed over and what it stands for.
type batch struct {
	spans    []sdktrace.ReadOnlySpan
	records  []sdklog.Record
	requests []livingos.Request
	events   []*livingos.Event
	turn     int
}

func newInstance(ctx context.Context, r *run, number int) (*instance, error) {
	e, err := newExporters(ctx, r.options)
	if err != nil {
		return nil, err
	}
	res := resource.NewSchemaless(
		attribute.String("service.name", r.options.ServiceName),
		attribute.String("service.instance.id", fmt.Sprintf("foundation%d@127.0.0.1", number)),
		attribute.String("deployment.environment", r.options.Environment),
		attribute.String("process.runtime.name", "BEAM"),
	)
	in := &instance{exporters: e, run: r, spanEvents: r.settings.SpanEvents, batch: &batch{}, ids: &idGenerator{}}
	// Explicit limits and sampler: what is sent must not depend on OTEL_*
	// variables of whoever runs this.
	in.tracer = sdktrace.NewTracerProvider(
		sdktrace.WithResource(res), sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithIDGenerator(in.ids),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1,
			LinkCountLimit: -1, AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
		}),
		sdktrace.WithSpanProcessor(spanCollector{in.batch}),
	).Tracer(scope)
	in.logger = sdklog.NewLoggerProvider(
		sdklog.WithResource(res), sdklog.WithProcessor(recordCollector{in.batch}),
		sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1),
	).Logger(scope)

	in.reader = sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(in.reader)).Meter("otel_metric_exporter")
	in.gauges = []gauge{
		{name: "foundation.connections.active", value: func(turn int) float64 { return float64(10 + turn%7) }},
		{name: "foundation.memory.usage", value: func(turn int) float64 { return 0.4 + float64(turn%10)/100 }},
		{name: "foundation.cpu.usage", value: func(turn int) float64 { return 0.2 + float64(turn%20)/100 }},
	}
	for i := range in.gauges {
		if in.gauges[i].inst, err = meter.Float64Gauge(in.gauges[i].name); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// emit makes the telemetry of a request that ends now.
func (in *instance) emit(r livingos.Request, now time.Time) {
	in.ids.source = r.IDs
	in.span(context.Background(), r.Root, now.Add(-r.Length()), now)
	in.batch.requests = append(in.batch.requests, r)
	in.batch.turn++
}

func (in *instance) span(ctx context.Context, s *livingos.Span, origin, now time.Time) {
	end := trace.WithTimestamp(origin.Add(s.End))
	ctx, span := in.tracer.Start(ctx, s.Name, trace.WithTimestamp(origin.Add(s.Start)), trace.WithAttributes(s.Attributes...))
	for _, c := range s.Children {
		in.span(ctx, c, origin, now)
	}
	for _, e := range s.Events {
		if in.spanEvents && e.OnSpan() {
			span.AddEvent(e.Name, trace.WithTimestamp(origin.Add(e.At)), trace.WithAttributes(e.Attributes...))
			continue
		}
		in.log(ctx, e, origin, now)
	}
	if s.Exception != "" {
		span.AddEvent("exception", end, trace.WithAttributes(
			attribute.String("exception.type", s.Exception), attribute.String("exception.message", s.Failure)))
	}
	if s.Failure != "" {
		span.SetStatus(codes.Error, s.Failure)
	}
	span.End(end)
}

var severities = map[livingos.Severity]struct {
	number log.Severity
	text   string
}{
	livingos.SeverityDebug: {log.SeverityDebug, "debug"},
	livingos.SeverityInfo:  {log.SeverityInfo, "info"},
	livingos.SeverityWarn:  {log.SeverityWarn, "warning"},
	livingos.SeverityError: {log.SeverityError, "error"},
}

func (in *instance) log(ctx context.Context, e *livingos.Event, origin, now time.Time) {
	var r log.Record
	r.SetTimestamp(origin.Add(e.At))
	r.SetObservedTimestamp(now)
	severity := severities[e.Severity]
	r.SetSeverity(severity.number)
	r.SetSeverityText(severity.text)
	r.AddAttributes(e.Attributes...)

	atoms := strings.Split(e.Name, ".")
	switch e.Shape {
	case livingos.ShapeAttribute:
		r.AddAttributes(attribute.String("event.name", e.Name))
	case livingos.ShapeBodyList:
		list := make([]attribute.Value, len(atoms))
		for i, a := range atoms {
			list[i] = attribute.StringValue(a)
		}
		r.SetBody(attribute.SliceValue(list...))
	case livingos.ShapeBodyInspected:
		r.SetBody(attribute.StringValue("[:" + strings.Join(atoms, ", :") + "]"))
	case livingos.ShapePhase:
		last := len(atoms) - 1
		r.SetEventName(strings.Join(atoms[:last], "."))
		r.AddAttributes(attribute.String("phase", atoms[last]))
	default:
		r.SetEventName(e.Name)
	}

	if e.IDsAsAttributes {
		sc := trace.SpanContextFromContext(ctx)
		r.AddAttributes(
			attribute.String("trace_id", strings.ToUpper(sc.TraceID().String())),
			attribute.String("span_id", strings.ToUpper(sc.SpanID().String())))
		ctx = context.Background()
	}
	in.logger.Emit(ctx, r)
	in.batch.events = append(in.batch.events, e)
}

// flush exports the batch and counts what was acknowledged: spans first, so that
// a receiver knows them when their events come.
func (in *instance) flush(ctx context.Context, last bool) error {
	b := in.batch
	var errs []error
	if len(b.spans) > 0 {
		err := in.spans.ExportSpans(ctx, b.spans)
		errs = append(errs, in.run.delivered("spans", len(b.spans), err, func(t *livingos.Tally) {
			for _, r := range b.requests {
				t.Spans(r)
			}
		}))
	}
	if len(b.records) > 0 {
		err := in.logs.Export(ctx, b.records)
		errs = append(errs, in.run.delivered("logs", len(b.records), err, func(t *livingos.Tally) {
			for _, e := range b.events {
				t.Log(e)
			}
		}))
	}
	b.spans, b.records, b.requests, b.events = nil, nil, nil, nil
	if now := time.Now(); in.run.options.Metrics && (last || now.Sub(in.lastMetrics) >= metricsEvery) {
		in.lastMetrics = now
		errs = append(errs, in.flushMetrics(ctx))
	}
	return errors.Join(errs...)
}

func (in *instance) flushMetrics(ctx context.Context) error {
	for _, g := range in.gauges {
		g.inst.Record(ctx, g.value(in.batch.turn))
	}
	var data metricdata.ResourceMetrics
	if err := in.reader.Collect(ctx, &data); err != nil {
		return err
	}
	err := in.metrics.Export(ctx, &data)
	return in.run.delivered("data points", len(in.gauges), err, func(t *livingos.Tally) {
		for _, g := range in.gauges {
			t.Points(g.name, 1)
		}
	})
}

// spanCollector and recordCollector take what the SDK has finished.
type spanCollector struct{ *batch }

func (spanCollector) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (c spanCollector) OnEnd(s sdktrace.ReadOnlySpan)                 { c.spans = append(c.spans, s) }
func (spanCollector) Shutdown(context.Context) error                  { return nil }
func (spanCollector) ForceFlush(context.Context) error                { return nil }

type recordCollector struct{ *batch }

func (c recordCollector) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.records = append(c.records, r.Clone())
	return nil
}
func (recordCollector) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (recordCollector) Shutdown(context.Context) error                         { return nil }
func (recordCollector) ForceFlush(context.Context) error                       { return nil }

// idGenerator draws ids from the request's own source.
type idGenerator struct{ source rand.Source }

func (g *idGenerator) NewIDs(ctx context.Context) (id trace.TraceID, _ trace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], g.source.Uint64())
		binary.BigEndian.PutUint64(id[8:], g.source.Uint64())
	}
	return id, g.NewSpanID(ctx, id)
}

func (g *idGenerator) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], g.source.Uint64())
	}
	return id
}
