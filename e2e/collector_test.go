package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shipped is the configuration that the repository ships. Every test runs it as
// it is; what a test needs otherwise is a second --config, as a user would.
const shipped = "otelcol-foundation.yaml"

// noLoad switches the sampler's load factors off, for tests that count on every
// span of an unlisted name: the machine that runs them may be busy.
const noLoad = "yaml:processors::adaptive_sampler::load::sources: []"

// collector is a running otelcol-foundation with its own ports and data.
type collector struct {
	t    *testing.T
	data string
	grpc, http, prometheus, health,
	telemetry string // host:port
	cmd    *exec.Cmd
	output *logBuffer
	exited chan error
}

// startCollector starts the built binary with the shipped configuration and the
// given further ones and waits until it is ready. It is stopped with the test,
// and must then exit without error and without having panicked.
func startCollector(t *testing.T, overlays ...string) *collector {
	t.Helper()
	return startCollectorEnv(t, nil, overlays...)
}

func startCollectorEnv(t *testing.T, env []string, overlays ...string) *collector {
	t.Helper()
	return startCollectorUnder(t, nil, env, overlays...)
}

// startCollectorUnder has another program start the collector; it must become
// the collector, as taskset does.
func startCollectorUnder(t *testing.T, launcher, env []string, overlays ...string) *collector {
	t.Helper()
	command := append(launcher, binary(t, "otelcol-foundation"), "--config", shipped)
	ports := freePorts(t, 5)
	c := &collector{
		t: t, data: t.TempDir(), output: &logBuffer{}, exited: make(chan error, 1),
		grpc: ports[0], http: ports[1], prometheus: ports[2], health: ports[3], telemetry: ports[4],
	}
	for _, o := range overlays {
		command = append(command, "--config", o)
	}
	c.cmd = exec.Command(command[0], command[1:]...)
	c.cmd.Dir = ".."
	c.cmd.Env = append(cleanEnv(),
		"FOUNDATION_OTLP_GRPC_ENDPOINT="+c.grpc,
		"FOUNDATION_OTLP_HTTP_ENDPOINT="+c.http,
		"FOUNDATION_PROMETHEUS_ENDPOINT="+c.prometheus,
		"FOUNDATION_HEALTH_ENDPOINT="+c.health,
		"FOUNDATION_TELEMETRY_PORT="+c.telemetry[strings.LastIndexByte(c.telemetry, ':')+1:],
		"FOUNDATION_DATA_DIR="+c.data,
	)
	c.cmd.Env = append(c.cmd.Env, env...)
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	require.NoError(t, c.cmd.Start())
	go func() { c.exited <- c.cmd.Wait() }()
	t.Cleanup(func() {
		c.stop()
		if t.Failed() {
			t.Logf("the collector said:\n%s", c.output.tail(12000))
		}
	})

	eventually(t, 60*time.Second, func() error {
		select {
		case err := <-c.exited:
			c.exited <- err
			require.FailNow(t, "the collector did not start", "%v\n%s", err, c.output.tail(8000))
		default:
		}
		resp, err := http.Get("http://" + c.health)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("health says %s", resp.Status)
		}
		return nil
	})
	return c
}

// stop ends the collector in order; what it had accepted is then in its files.
func (c *collector) stop() {
	c.t.Helper()
	if c.cmd.ProcessState != nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.exited:
		assert.NoError(c.t, err, "the collector must end without error")
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		c.t.Log("killed: ", <-c.exited)
		assert.Fail(c.t, "the collector did not end within 30 s of SIGTERM")
	}
	assert.NotContains(c.t, c.output.String(), "panic")
}

// alive fails when the process has ended.
func (c *collector) alive() {
	c.t.Helper()
	select {
	case err := <-c.exited:
		c.exited <- err
		require.FailNow(c.t, "the collector ended", "%v\n%s", err, c.output.tail(8000))
	default:
	}
}

func (c *collector) file(name string) string { return filepath.Join(c.data, name) }

// own reads the collector's own metrics: the sum over all series of the name
// that have these labels. A series that does not exist yet is 0.
func (c *collector) own(name string, labels map[string]string) (float64, error) {
	return scrape("http://"+c.telemetry+"/metrics", name, labels)
}

func scrape(url, name string, labels map[string]string) (float64, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return 0, err
	}
	var sum float64
	if family := families[name]; family != nil {
	series:
		for _, m := range family.GetMetric() {
			have := map[string]string{}
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			for k, v := range labels {
				if have[k] != v {
					continue series
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return sum, nil
}

// binary finds what `make build` has built. OTELCOL_FOUNDATION_BIN names another
// collector; foundationctl is looked for beside it.
func binary(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "bin", name)
	if env := os.Getenv("OTELCOL_FOUNDATION_BIN"); env != "" {
		path = filepath.Join(filepath.Dir(env), name)
		if name == "otelcol-foundation" {
			path = env
		}
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		missing(t, "%s is not there: make build makes it", path)
	}
	return path
}

// tool finds a program that `make deps` installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := filepath.Abs(filepath.Join("..", ".tools", "bin", name)); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "%s is not there: make deps installs it", name)
	}
	return path
}

// missing ends a test that lacks something: an error where everything has to
// run, else a skip that says why.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf("SKIPPED: "+format, args...)
}

// cleanEnv is the environment without what would change a collector or an SDK.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "FOUNDATION_") && !strings.HasPrefix(kv, "OTEL_") {
			env = append(env, kv)
		}
	}
	return env
}

var (
	portMutex sync.Mutex
	portsUsed = map[string]bool{}
)

// freePorts returns n addresses on the loopback that nothing listens on, each
// only once in this process: tests run side by side.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	portMutex.Lock()
	defer portMutex.Unlock()
	var out []string
	for len(out) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		if a := l.Addr().String(); !portsUsed[a] {
			portsUsed[a] = true
			out = append(out, a)
		}
	}
	return out
}

// eventually repeats f until it returns nil and fails with its last error.
func eventually(t *testing.T, limit time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "not within "+limit.String(), "%v", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// foundationctl runs the helper command and returns what it wrote.
func foundationctl(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t, "foundationctl"), args...)
	cmd.Env = cleanEnv()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "foundationctl %s: %s", strings.Join(args, " "), stderr.String())
	return stdout.Bytes()
}

// run runs a command to its end and returns its output and whether it succeeded.
func run(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// post sends a body and returns the status.
func post(url, contentType string, body []byte) (int, string, error) {
	resp, err := http.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(text), err
}

// logBuffer collects the output of a process.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) tail(n int) string {
	s := b.String()
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

var errNotYet = errors.New("not yet")
