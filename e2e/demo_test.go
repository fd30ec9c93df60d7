package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// What `make demo` shows: within three minutes alerts.jsonl holds a degradation,
// Circuit Breaker Open and Signal Dispatch Failures, each triggered, then
// resolved.
func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes three minutes")
	}
	c := startCollector(t, "examples/demo/overlay.yaml")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	start := time.Now()
	generator := exec.CommandContext(ctx, binary(t, "foundationctl"), "generate", "--endpoint", c.grpc, "--scenario", "demo", "--seed", "1")
	generator.Env = cleanEnv()
	output := &logBuffer{}
	generator.Stdout, generator.Stderr = output, output
	require.NoError(t, generator.Start())
	done := make(chan error, 1)
	go func() { done <- generator.Wait() }()

	want := []string{
		"degradation began", "degradation ended",
		"Circuit Breaker Open triggered", "Circuit Breaker Open resolved",
		"Signal Dispatch Failures triggered", "Signal Dispatch Failures resolved",
	}
	var story []string
	for time.Since(start) < 3*time.Minute {
		story = tell(readLogs(t, c.file("alerts.jsonl")))
		if !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(story, w) }) {
			break
		}
		time.Sleep(time.Second)
		c.alive()
		select {
		case err := <-done:
			require.NoError(t, err, "the generator: %s", output)
			done <- nil
		default:
		}
	}
	t.Logf("after %s: %s", time.Since(start).Round(time.Second), strings.Join(story, ", "))
	for i := 0; i < len(want); i += 2 {
		began, ended := slices.Index(story, want[i]), slices.Index(story, want[i+1])
		assert.GreaterOrEqual(t, began, 0, "%s: not within three minutes", want[i])
		assert.Greater(t, ended, began, "%s: not within three minutes after it began", want[i+1])
	}
	if t.Failed() {
		t.FailNow()
	}
	require.NoError(t, <-done, "the generator: %s", output)

	for _, r := range readLogs(t, c.file("alerts.jsonl")) {
		if name := attr(r.it.Attributes(), "alert.rule.name"); name != "" {
			checkAlert(t, name, r.it)
		}
	}
}

// tell is the file in words, in its order.
func tell(records []item[plog.LogRecord]) []string {
	var story []string
	for _, r := range records {
		switch name := r.it.EventName(); name {
		case "foundation_os.performance.degradation":
			story = append(story, "degradation began")
		case "foundation_os.performance.degradation.recovered":
			story = append(story, "degradation ended")
		default:
			story = append(story, fmt.Sprintf("%s %s", attr(r.it.Attributes(), "alert.rule.name"), strings.TrimPrefix(name, "foundation_os.alert.")))
		}
	}
	return story
}

// checkAlert: triggered and resolved events carry name, severity, metric,
// threshold, value and times.
func checkAlert(t *testing.T, name string, r plog.LogRecord) {
	t.Helper()
	what := name + " " + r.EventName()
	a := r.Attributes()
	severities := map[string]plog.SeverityNumber{"warning": plog.SeverityNumberWarn, "error": plog.SeverityNumberError}
	severity, ok := severities[attr(a, "alert.severity")]
	assert.True(t, ok, "%s: alert.severity is %q", what, attr(a, "alert.severity"))
	assert.Equal(t, severity, r.SeverityNumber(), what)
	assert.NotEmpty(t, attr(a, "alert.id"), what)
	assert.NotEmpty(t, attr(a, "alert.episode.id"), what)
	starts, err := time.Parse(time.RFC3339Nano, attr(a, "alert.starts_at"))
	assert.NoError(t, err, what)
	if r.EventName() == "foundation_os.alert.resolved" {
		ends, err := time.Parse(time.RFC3339Nano, attr(a, "alert.ends_at"))
		assert.NoError(t, err, what)
		assert.False(t, ends.Before(starts), what)
	}
	if name == "Signal Dispatch Failures" {
		assert.Equal(t, "error", attr(a, "alert.severity"), what)
		assert.Equal(t, "foundation_jido.signal.dispatch_success_rate", attr(a, "alert.metric.name"), what)
		threshold, _ := a.Get("alert.threshold")
		assert.Equal(t, 0.9, threshold.Double(), what)
		value, ok := a.Get("alert.value")
		if assert.True(t, ok, what) {
			below := value.Double() < 0.9
			assert.Equal(t, r.EventName() == "foundation_os.alert.triggered", below, "%s: alert.value is %v", what, value.Double())
		}
	}
}
