package e2e

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
)

// slowSink is an OTLP back-end that takes its time and keeps nothing.
type slowSink struct {
	addr     string
	takes    atomic.Int64
	answered atomic.Int64
}

func startSlowSink(t *testing.T) *slowSink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &slowSink{addr: l.Addr().String()}
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, &slowTraces{s: s})
	plogotlp.RegisterGRPCServer(server, &slowLogs{s: s})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return s
}

// take sets how long an answer takes, also of those that are waited for.
func (s *slowSink) take(d time.Duration) { s.takes.Store(int64(d)) }

func (s *slowSink) answer(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < time.Duration(s.takes.Load()); time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	s.answered.Add(1)
	return nil
}

type slowTraces struct {
	ptraceotlp.UnimplementedGRPCServer
	s *slowSink
}

func (k *slowTraces) Export(ctx context.Context, _ ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	return ptraceotlp.NewExportResponse(), k.s.answer(ctx)
}

type slowLogs struct {
	plogotlp.UnimplementedGRPCServer
	s *slowSink
}

func (k *slowLogs) Export(ctx context.Context, _ plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	return plogotlp.NewExportResponse(), k.s.answer(ctx)
}
