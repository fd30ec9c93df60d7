package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what the collector's exporter sends
)

// item is a span or a log record with where it came from.
type item[T any] struct {
	resource pcommon.Map
	scope    string
	line     int // in the file, so in the order of arrival
	it       T
}

// readTraces reads a file exporter's file; one that does not exist is empty.
func readTraces(t *testing.T, path string) []item[ptrace.Span] {
	t.Helper()
	var out []item[ptrace.Span]
	var u ptrace.JSONUnmarshaler
	for i, line := range lines(t, path) {
		traces, err := u.UnmarshalTraces(line)
		require.NoError(t, err, "%s line %d", path, i+1)
		for _, rs := range traces.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					out = append(out, item[ptrace.Span]{rs.Resource().Attributes(), ss.Scope().Name(), i, s})
				}
			}
		}
	}
	return out
}

func readLogs(t *testing.T, path string) []item[plog.LogRecord] {
	t.Helper()
	var out []item[plog.LogRecord]
	var u plog.JSONUnmarshaler
	for i, line := range lines(t, path) {
		logs, err := u.UnmarshalLogs(line)
		require.NoError(t, err, "%s line %d", path, i+1)
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					out = append(out, item[plog.LogRecord]{rl.Resource().Attributes(), sl.Scope().Name(), i, r})
				}
			}
		}
	}
	return out
}

// lines are the complete lines of a file; a collector may be writing the last.
func lines(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var out [][]byte
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 256<<20)
	for scanner.Scan() {
		out = append(out, bytes.Clone(scanner.Bytes()))
	}
	require.NoError(t, scanner.Err())
	return out
}

// attr is an attribute as text, "" when it is absent.
func attr(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// sendTraces posts spans as an OTLP client does, and must be answered with 200.
func (c *collector) sendTraces(td ptrace.Traces) {
	c.t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(c.t, err)
	c.send("traces", body)
}

func (c *collector) sendLogs(ld plog.Logs) {
	c.t.Helper()
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(c.t, err)
	c.send("logs", body)
}

func (c *collector) sendMetrics(md pmetric.Metrics) {
	c.t.Helper()
	body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	require.NoError(c.t, err)
	c.send("metrics", body)
}

func (c *collector) send(signal string, body []byte) {
	c.t.Helper()
	status, text, err := post("http://"+c.http+"/v1/"+signal, "application/x-protobuf", body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, status, text)
}

// sink is an OTLP back-end that keeps what it gets.
type sink struct {
	addr string

	mu      sync.Mutex
	traces  []ptrace.Traces
	logs    []plog.Logs
	metrics []pmetric.Metrics
}

func startSink(t *testing.T) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sink{addr: l.Addr().String()}
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, &traceSink{s: s})
	plogotlp.RegisterGRPCServer(server, &logSink{s: s})
	pmetricotlp.RegisterGRPCServer(server, &metricSink{s: s})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return s
}

func (s *sink) spans() []ptrace.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []ptrace.Span
	for _, td := range s.traces {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, sp := range ss.Spans().All() {
					out = append(out, sp)
				}
			}
		}
	}
	return out
}

func (s *sink) records() []plog.LogRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []plog.LogRecord
	for _, ld := range s.logs {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func (s *sink) metricNames() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]bool{}
	for _, md := range s.metrics {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					out[m.Name()] = true
				}
			}
		}
	}
	return out
}

type traceSink struct {
	ptraceotlp.UnimplementedGRPCServer
	s *sink
}

func (k *traceSink) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.s.traces = append(k.s.traces, r.Traces())
	return ptraceotlp.NewExportResponse(), nil
}

type logSink struct {
	plogotlp.UnimplementedGRPCServer
	s *sink
}

func (k *logSink) Export(_ context.Context, r plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.s.logs = append(k.s.logs, r.Logs())
	return plogotlp.NewExportResponse(), nil
}

type metricSink struct {
	pmetricotlp.UnimplementedGRPCServer
	s *sink
}

func (k *metricSink) Export(_ context.Context, r pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.s.metrics = append(k.s.metrics, r.Metrics())
	return pmetricotlp.NewExportResponse(), nil
}
