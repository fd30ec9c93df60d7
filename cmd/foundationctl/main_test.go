package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/internal/livingos"
)

func foundationctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"", exitUsage, "", "Usage: foundationctl <command>"},
		{"help", exitOK, "Usage: foundationctl <command>", ""},
		{"--help", exitOK, "generate", ""},
		{"frobnicate", exitUsage, "", `unknown command "frobnicate"`},
		{"generate --help", exitOK, "-failing-dispatches", ""},
		{"generate --frobnicate", exitUsage, "", "flag provided but not defined: -frobnicate"},
		{"generate surplus", exitUsage, "", `unexpected argument "surplus"`},
		{"generate --scenario x", exitUsage, "", `scenario: "x", must be demo`},
		{"generate --protocol udp", exitUsage, "", `protocol: "udp", must be grpc or http`},
		{"generate --endpoint localhost", exitUsage, "", `endpoint: "localhost", must be host:port`},
		{"generate --endpoint localhost/path:4317", exitUsage, "", `endpoint: "localhost/path:4317", must be host:port`},
		{"generate --endpoint local%host:4317", exitUsage, "", `endpoint: "local%host:4317", must be host:port`},
		{"generate --summary xml", exitUsage, "", `summary: "xml", must be text or json`},
		{"generate --retry-for 0s", exitUsage, "", "retry-for: 0s, must be positive"},
		{"generate --header x", exitUsage, "", "must be name=value"},
		{"generate --rate 0", exitUsage, "", "rate: 0 needs requests"},
		{"generate --breaker name=b", exitUsage, "", "opens: missing"},
		{"generate --senders 0 --error-rate 2", exitUsage, "", "error-rate: 2, must be between 0 and 1"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := foundationctl(t, strings.Fields(tc.args)...)
			assert.Equal(t, tc.code, code)
			assert.Contains(t, stdout, tc.stdout)
			assert.Contains(t, stderr, tc.stderr)
			if tc.code != exitOK {
				assert.Empty(t, stdout)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	f, err := readGenerate(nil)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:4317", f.Endpoint)
	assert.Equal(t, time.Minute, f.Duration)
	assert.InDelta(t, 2, f.Rate, 0)
	assert.Equal(t, 1, f.Senders)
	assert.False(t, f.DocumentAlerts)
	assert.NotZero(t, f.Seed)

	f, err = readGenerate([]string{"--protocol", "http", "--seed", "5"})
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:4318", f.Endpoint)
	assert.EqualValues(t, 5, f.Seed)
}

// A scenario gives the defaults; what is given beside it holds, wherever it stands.
func TestScenario(t *testing.T) {
	f, err := readGenerate([]string{"--scenario", "demo", "--seed", "1"})
	require.NoError(t, err)
	want := livingos.Demo()
	want.Seed = 1
	assert.Equal(t, want, f.Settings)

	for _, args := range [][]string{
		{"--scenario", "demo", "--rate", "3", "--breaker", "name=b,opens=1s,closes=2s"},
		{"--rate", "3", "--breaker", "name=b,opens=1s,closes=2s", "--scenario", "demo"},
	} {
		f, err := readGenerate(args)
		require.NoError(t, err)
		assert.InDelta(t, 3, f.Rate, 0)
		assert.Equal(t, want.Duration, f.Duration)
		assert.Equal(t, []livingos.Breaker{{Name: "b", Opens: time.Second, Closes: 2 * time.Second}}, f.Breakers)
		assert.Equal(t, want.SlowDowns, f.SlowDowns)
	}
}

// The demo's errors come in a burst that lasts to the end: a rate that is given
// must not vanish behind it.
func TestScenarioWithAnErrorRate(t *testing.T) {
	f, err := readGenerate([]string{"--scenario", "demo", "--error-rate", "0.5"})
	require.NoError(t, err)
	assert.InDelta(t, 0.5, f.ErrorRate, 0)
	assert.Empty(t, f.ErrorBursts)
	f, err = readGenerate([]string{"--scenario", "demo", "--error-rate", "0.5", "--error-burst", "from=1s,for=1s,rate=1"})
	require.NoError(t, err)
	assert.Len(t, f.ErrorBursts, 1)
	assert.InDelta(t, 1, f.ErrorBursts[0].Rate, 0)
}

func TestGenerate(t *testing.T) {
	var headers []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		headers = append(headers, r.Header.Get("X-Key"))
	}))
	defer server.Close()
	args := []string{
		"generate", "--protocol", "http", "--endpoint", strings.TrimPrefix(server.URL, "http://"),
		"--rate", "0", "--requests", "20", "--seed", "3", "--header", "X-Key=a=b",
	}

	code, stdout, stderr := foundationctl(t, append(args, "--summary", "json")...)
	require.Equal(t, exitOK, code, stderr)
	assert.Empty(t, stderr)
	var sum livingos.Summary
	require.NoError(t, json.Unmarshal([]byte(stdout), &sum))
	assert.EqualValues(t, 20, sum.Requests)
	assert.EqualValues(t, 20, sum.Spans.ByName["request.multi_agent_optimization"].Count)
	assert.EqualValues(t, 3, sum.Seed)
	assert.Len(t, sum.Prometheus, 6)
	for _, h := range headers {
		assert.Equal(t, "a=b", h)
	}

	code, stdout, _ = foundationctl(t, args...)
	require.Equal(t, exitOK, code)
	assert.Contains(t, stdout, "20 requests (")
	assert.Contains(t, stdout, "foundation_jido.coordination.auction.bid_received")
}

func TestGenerateFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	code, stdout, stderr := foundationctl(t, "generate", "--protocol", "http",
		"--endpoint", strings.TrimPrefix(server.URL, "http://"), "--rate", "0", "--requests", "2")
	assert.Equal(t, exitFail, code)
	assert.Contains(t, stderr, "404")
	assert.Contains(t, stdout, "not acknowledged")
}

// TLS means that the server must prove who it is.
func TestGenerateTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	args := []string{
		"generate", "--protocol", "http", "--endpoint", strings.TrimPrefix(server.URL, "https://"),
		"--rate", "0", "--requests", "1", "--retry-for", "2s",
	}
	code, _, _ := foundationctl(t, args...)
	assert.Equal(t, exitFail, code, "plain text to a TLS port")
	code, _, stderr := foundationctl(t, append(args, "--tls")...)
	assert.Equal(t, exitFail, code)
	assert.Contains(t, stderr, "certificate signed by unknown authority")

	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)
	code, _, stderr = foundationctl(t, append(args, "--tls")...)
	assert.Equal(t, exitOK, code, stderr)

	// Nothing in the environment takes the encryption away.
	t.Setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:1/prefix")
	code, _, stderr = foundationctl(t, append(args, "--tls")...)
	assert.Equal(t, exitOK, code, stderr)
}

func TestGenerateInterrupted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{
		"generate", "--protocol", "http", "--endpoint", strings.TrimPrefix(server.URL, "http://"), "--duration", "0",
	}, &stdout, &stderr)
	assert.Equal(t, exitOK, code, stderr.String())
	assert.Contains(t, stdout.String(), "0 requests")
}
