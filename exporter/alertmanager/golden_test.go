package alertmanager

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"

	"github.com/foundation-os/otelcol-foundation/internal/goldentest"
)

// Each folder's input goes to a real server; its output.json is what the server
// was sent, request by request. The clock is a second after the last record.
func TestGolden(t *testing.T) {
	goldentest.Run(t, "testdata", func(t *testing.T, c goldentest.Case) {
		s := newServer(t)
		cfg := testConfig(s)
		c.Config(t, cfg)
		r := newRig(t, cfg)
		for _, ld := range c.Logs(t) {
			r.clock = newest(ld).Add(time.Second)
			require.NoError(t, r.send(ld))
		}
		var got []any
		for _, q := range s.all() {
			var body any
			require.NoError(t, json.Unmarshal(q.body, &body))
			got = append(got, map[string]any{"path": q.path, "body": body})
		}
		text := indented(t, got)
		if flag.Lookup("update").Value.String() == "true" {
			require.NoError(t, os.WriteFile(c.Path("output.json"), text, 0o644))
			return
		}
		want, err := os.ReadFile(c.Path("output.json"))
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(text))
	})
}

func newest(ld plog.Logs) time.Time {
	var last time.Time
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if t := lr.ObservedTimestamp().AsTime(); t.After(last) {
					last = t
				}
			}
		}
	}
	return last
}

// Two components that meet only in telemetry: what the tests of alert_rules say
// that it writes is read here, so that a renamed attribute fails.
func TestTakesWhatAlertRulesWrites(t *testing.T) {
	outputs, err := filepath.Glob("../../connector/alertrules/testdata/*/output.yaml")
	require.NoError(t, err)
	alerts := 0
	for _, path := range outputs {
		ld, err := golden.ReadLogs(path)
		if err != nil || ld.LogRecordCount() == 0 {
			continue // metrics, of another pair of signals
		}
		want := map[string]int{}
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					if state, ok := lr.Attributes().Get("alert.state"); ok && state.Str() != "pending" {
						want[state.Str()]++
						alerts++
					}
				}
			}
		}
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			s := newServer(t)
			cfg := testConfig(s)
			cfg.ResendInterval = 24 * time.Hour // the records of a case lie hours apart
			r := newRig(t, cfg)
			r.clock = newest(ld)
			require.NoError(t, r.send(ld))
			got := map[string]int{}
			for _, a := range s.taken() {
				assert.NotEmpty(t, a.Labels["alertname"])
				assert.NotEmpty(t, a.Labels["severity"])
				if time.Time(a.EndsAt).After(r.clock) {
					got[stateFiring]++
				} else {
					got[stateResolved]++
				}
			}
			assert.Equal(t, want, got)
		})
	}
	assert.Greater(t, alerts, 5, "the files are elsewhere now")
}
