package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// OpenTelemetry's own load generator, which knows nothing of us: of what it
// sends, nothing is lost.
func TestTelemetrygenLosesNothing(t *testing.T) {
	t.Parallel()
	bin := tool(t, "telemetrygen")
	c := startCollector(t, noLoad)
	const workers, each = "4", "400" // each: per worker
	for _, args := range [][]string{
		// not batched: its SDK's queue drops what comes too fast
		{"traces", "--traces", each, "--child-spans", "3", "--batch=false"},
		{"logs", "--logs", each},
		{"metrics", "--metrics", each},
	} {
		args = append(args, "--otlp-endpoint", c.grpc, "--otlp-insecure", "--workers", workers, "--rate", "0")
		out, err := run(t, "", nil, bin, args...)
		require.NoError(t, err, out)
	}
	const spans, records, points = 4 * 400 * (1 + 3), 4 * 400, 4 * 400
	for name, want := range map[string]int{
		"otelcol_receiver_accepted_spans":          spans,
		"otelcol_receiver_accepted_log_records":    records,
		"otelcol_receiver_refused_spans":           0,
		"otelcol_receiver_refused_log_records":     0,
		"otelcol_receiver_refused_metric_points":   0,
		"otelcol_exporter_send_failed_spans":       0,
		"otelcol_exporter_enqueue_failed_spans":    0,
		"otelcol_exporter_send_failed_log_records": 0,
	} {
		eventually(t, 5*time.Second, func() error {
			got, err := c.own(name, nil)
			if err == nil && int(got) != want {
				return fmt.Errorf("%s is %v, want %d", name, got, want)
			}
			return err
		})
	}
	got, err := c.own("otelcol_receiver_accepted_metric_points", map[string]string{"receiver": "otlp"})
	require.NoError(t, err)
	assert.EqualValues(t, points, got)
	c.stop()
	assert.Len(t, readTraces(t, c.file("traces.jsonl")), spans)
	assert.Len(t, readLogs(t, c.file("logs.jsonl")), records)
}
