package sender

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Protocol is how OTLP travels.
type Protocol string

const (
	// ProtocolGRPC is OTLP over gRPC.
	ProtocolGRPC Protocol = "grpc"
	// ProtocolHTTP is OTLP over HTTP with protobuf bodies.
	ProtocolHTTP Protocol = "http"
)

// Options say where the telemetry goes and who says that it sends it.
type Options struct {
	// Endpoint is host:port.
	Endpoint string
	Protocol Protocol
	// TLS encrypts the connection and checks the server against the system's
	// certificate authorities.
	TLS bool
	// Headers go with every export.
	Headers map[string]string
	// RetryFor is how long an export is tried again while the receiver is away
	// or asks to wait.
	RetryFor time.Duration
	// ServiceName and Environment are service.name and deployment.environment of
	// the resource.
	ServiceName string
	Environment string
	// Metrics also sends the application's own gauges.
	Metrics bool
}

// The first retry comes soon, so that a collector that is just starting is found
// at once.
const (
	firstRetry   = 200 * time.Millisecond
	longestRetry = 2 * time.Second
)

// exporters are one instance's connections.
type exporters struct {
	spans   sdktrace.SpanExporter
	logs    sdklog.Exporter
	metrics sdkmetric.Exporter
}

func newExporters(ctx context.Context, o Options) (e exporters, err error) {
	var errs [3]error
	// A whole URL: host, encryption and path are then as the options say, whatever
	// OTEL_EXPORTER_OTLP_* variables there are. (A certificate may come from there.)
	base := "http://" + o.Endpoint
	if o.TLS {
		base = "https://" + o.Endpoint
	}
	switch o.Protocol {
	case ProtocolGRPC:
		e.spans, errs[0] = otlptracegrpc.New(ctx,
			otlptracegrpc.WithEndpointURL(base), otlptracegrpc.WithHeaders(o.Headers), otlptracegrpc.WithTimeout(o.RetryFor),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
		e.logs, errs[1] = otlploggrpc.New(ctx,
			otlploggrpc.WithEndpointURL(base), otlploggrpc.WithHeaders(o.Headers), otlploggrpc.WithTimeout(o.RetryFor),
			otlploggrpc.WithRetry(otlploggrpc.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
		e.metrics, errs[2] = otlpmetricgrpc.New(ctx,
			otlpmetricgrpc.WithEndpointURL(base), otlpmetricgrpc.WithHeaders(o.Headers), otlpmetricgrpc.WithTimeout(o.RetryFor),
			otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
	case ProtocolHTTP:
		e.spans, errs[0] = otlptracehttp.New(ctx,
			otlptracehttp.WithEndpointURL(base+"/v1/traces"), otlptracehttp.WithHeaders(o.Headers), otlptracehttp.WithTimeout(o.RetryFor),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
		e.logs, errs[1] = otlploghttp.New(ctx,
			otlploghttp.WithEndpointURL(base+"/v1/logs"), otlploghttp.WithHeaders(o.Headers), otlploghttp.WithTimeout(o.RetryFor),
			otlploghttp.WithRetry(otlploghttp.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
		e.metrics, errs[2] = otlpmetrichttp.New(ctx,
			otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"), otlpmetrichttp.WithHeaders(o.Headers), otlpmetrichttp.WithTimeout(o.RetryFor),
			otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
				Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: o.RetryFor,
			}))
	default:
		return e, fmt.Errorf("protocol: %q, must be %s or %s", o.Protocol, ProtocolGRPC, ProtocolHTTP)
	}
	return e, errors.Join(errs[:]...)
}

func (e exporters) shutdown(ctx context.Context) error {
	return errors.Join(e.spans.Shutdown(ctx), e.logs.Shutdown(ctx), e.metrics.Shutdown(ctx))
}
