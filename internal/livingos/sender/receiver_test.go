package sender

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// receiver is a real OTLP receiver that keeps what it acknowledges.
type receiver struct {
	endpoint string
	// answer, when set, decides over each export.
	answer func(signal string) (rejected int64, err error)

	mu        sync.Mutex
	spans     []*trace.Span
	logs      []*logs.LogRecord
	gauges    map[string]int
	resources map[string]*resource.Resource // by service.instance.id
	order     []string                      // signals, in the order of arrival
}

func (r *receiver) accept(signal string, keep func()) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answer != nil {
		if rejected, err := r.answer(signal); err != nil || rejected > 0 {
			return rejected, err
		}
	}
	r.order = append(r.order, signal)
	keep()
	return 0, nil
}

func (r *receiver) resource(res *resource.Resource) {
	r.resources[attr(res.Attributes, "service.instance.id").GetStringValue()] = res
}

func (r *receiver) exportTraces(req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	rejected, err := r.accept("spans", func() {
		for _, rs := range req.ResourceSpans {
			r.resource(rs.Resource)
			for _, ss := range rs.ScopeSpans {
				r.spans = append(r.spans, ss.Spans...)
			}
		}
	})
	resp := &coltrace.ExportTraceServiceResponse{}
	if rejected > 0 {
		resp.PartialSuccess = &coltrace.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: "full"}
	}
	return resp, err
}

func (r *receiver) exportLogs(req *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	rejected, err := r.accept("logs", func() {
		for _, rl := range req.ResourceLogs {
			r.resource(rl.Resource)
			for _, sl := range rl.ScopeLogs {
				r.logs = append(r.logs, sl.LogRecords...)
			}
		}
	})
	resp := &collogs.ExportLogsServiceResponse{}
	if rejected > 0 {
		resp.PartialSuccess = &collogs.ExportLogsPartialSuccess{RejectedLogRecords: rejected, ErrorMessage: "full"}
	}
	return resp, err
}

func (r *receiver) exportMetrics(req *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	_, err := r.accept("metrics", func() {
		for _, rm := range req.ResourceMetrics {
			for _, sm := range rm.ScopeMetrics {
				for _, m := range sm.Metrics {
					r.gauges[m.Name] += len(m.GetGauge().GetDataPoints())
				}
			}
		}
	})
	return &colmetrics.ExportMetricsServiceResponse{}, err
}

type (
	traceService struct {
		coltrace.UnimplementedTraceServiceServer
		*receiver
	}
	logsService struct {
		collogs.UnimplementedLogsServiceServer
		*receiver
	}
	metricsService struct {
		colmetrics.UnimplementedMetricsServiceServer
		*receiver
	}
)

func (s traceService) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	return s.exportTraces(req)
}

func (s logsService) Export(_ context.Context, req *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	return s.exportLogs(req)
}

func (s metricsService) Export(_ context.Context, req *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	return s.exportMetrics(req)
}

func newReceiver() *receiver {
	return &receiver{gauges: map[string]int{}, resources: map[string]*resource.Resource{}}
}

func startGRPC(t *testing.T, r *receiver) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.endpoint = listener.Addr().String()
	server := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, traceService{receiver: r})
	collogs.RegisterLogsServiceServer(server, logsService{receiver: r})
	colmetrics.RegisterMetricsServiceServer(server, metricsService{receiver: r})
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-done)
	})
	return r
}

func startHTTP(t *testing.T, r *receiver) *receiver {
	t.Helper()
	mux := http.NewServeMux()
	handle(mux, "/v1/traces", r.exportTraces, &coltrace.ExportTraceServiceRequest{})
	handle(mux, "/v1/logs", r.exportLogs, &collogs.ExportLogsServiceRequest{})
	handle(mux, "/v1/metrics", r.exportMetrics, &colmetrics.ExportMetricsServiceRequest{})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.endpoint = strings.TrimPrefix(server.URL, "http://")
	return r
}

func handle[Req, Resp proto.Message](mux *http.ServeMux, path string, export func(Req) (Resp, error), prototype Req) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, hr *http.Request) {
		body, err := io.ReadAll(hr.Body)
		req := proto.Clone(prototype).(Req)
		if err = errors.Join(err, proto.Unmarshal(body, req)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		resp, err := export(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, _ := proto.Marshal(resp)
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(out)
	})
}

func attr(attrs []*common.KeyValue, key string) *common.AnyValue {
	for _, a := range attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

func has(attrs []*common.KeyValue, key string) bool { return attr(attrs, key) != nil }

// eventName reads an event's name from wherever the record has it.
func eventName(r *logs.LogRecord) string {
	if phase := attr(r.Attributes, "phase").GetStringValue(); phase != "" {
		return r.EventName + "." + phase
	}
	if r.EventName != "" {
		return r.EventName
	}
	if name := attr(r.Attributes, "event.name").GetStringValue(); name != "" {
		return name
	}
	if list := r.Body.GetArrayValue(); list != nil {
		var atoms []string
		for _, v := range list.Values {
			atoms = append(atoms, v.GetStringValue())
		}
		return strings.Join(atoms, ".")
	}
	return strings.NewReplacer("[:", "", ", :", ".", "]", "").Replace(r.Body.GetStringValue())
}

func id(b []byte) string { return hex.EncodeToString(b) }
