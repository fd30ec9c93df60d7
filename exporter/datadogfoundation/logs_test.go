package datadogfoundation

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/foundation-os/otelcol-foundation/exporter/datadogfoundation/internal/metadata"
)

func newLogsRig(t *testing.T, in *intake) (*logsExporter, *rig) {
	tel := componenttest.NewTelemetry()
	set := exportertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	e, err := newLogsExporter(context.Background(), set, testConfig(in))
	require.NoError(t, err)
	e.now = func() time.Time { return testNow }
	require.NoError(t, e.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, e.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return e, &rig{t: t, in: in, tel: tel}
}

func alerts(names ...string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "demo")
	rl.Resource().Attributes().PutStr("host.name", "node-1")
	sl := rl.ScopeLogs().AppendEmpty()
	for _, name := range names {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetEventName(name)
		lr.SetTimestamp(ts(testNow.Add(-time.Minute)))
		lr.SetSeverityNumber(plog.SeverityNumberWarn)
		a := lr.Attributes()
		a.PutStr("alert.rule.name", "High Error Rate")
		a.PutStr("alert.episode.id", "e-1")
		a.PutStr("alert.state", name[strings.LastIndexByte(name, '.')+1:])
		a.PutStr("alert.severity", "warning")
		a.PutStr("alert.metric.name", "foundation.error_rate")
		a.PutStr("alert.operator", "gt")
		a.PutDouble("alert.threshold", 0.05)
		a.PutDouble("alert.value", 0.125)
		a.PutStr("alert.label.foundation_os.layer", "foundation")
		a.PutStr("alert.annotation.summary", "Too many operations fail.")
	}
	return ld
}

func events(t *testing.T, in *intake) (got []event) {
	for _, r := range in.accepted() {
		var e event
		require.Equal(t, "/api/v1/events", r.path)
		require.Equal(t, testKey, r.key)
		require.NoError(t, json.Unmarshal(r.body, &e))
		got = append(got, e)
	}
	return got
}

func TestAlertsBecomeEvents(t *testing.T) {
	in := newIntake(t)
	e, r := newLogsRig(t, in)
	ld := alerts("foundation_os.alert.triggered", "foundation_os.alert.resolved", "foundation_os.alert.", "foundation_jido.auction", "foundation_os.alert.active")
	d := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
	d.Attributes().PutStr("event.name", "foundation_os.performance.degradation")
	d.Attributes().PutInt("degraded_metrics_count", 2)
	d.Attributes().PutStr("long", strings.Repeat("é", 9000))
	d.SetSeverityNumber(plog.SeverityNumberWarn)
	require.NoError(t, e.ConsumeLogs(context.Background(), ld))
	got := events(t, in)
	require.Len(t, got, 3)
	assert.Equal(t, event{
		Title: "High Error Rate: triggered", AlertType: "warning", AggregationKey: "e-1", Host: "node-1",
		DateHappened: testNow.Add(-time.Minute).Unix(),
		Text: "Too many operations fail.\nfoundation.error_rate is 0.125 (> 0.05)\nalert.episode.id: e-1\nalert.label.foundation_os.layer: foundation\n" +
			"alert.metric.name: foundation.error_rate\nalert.operator: gt\nalert.rule.name: High Error Rate\nalert.severity: warning\n" +
			"alert.state: triggered\nalert.threshold: 0.05\nalert.value: 0.125",
		Tags: []string{"alert.rule.name:high_error_rate", "alert.severity:warning", "alert.state:triggered", "layer:foundation", "service:demo"},
	}, got[0])
	assert.Equal(t, "success", got[1].AlertType)
	assert.Equal(t, "Performance degradation: 2 metrics", got[2].Title)
	assert.Equal(t, "warning", got[2].AlertType)
	assert.Equal(t, testNow.Unix(), got[2].DateHappened)
	assert.Len(t, []rune(got[2].Text), maxText)
	assert.Equal(t, int64(2), r.counted("refused_logs", "not_an_alert"))
	assert.Equal(t, int64(1), r.counted("refused_logs", "resend"))
}

func TestEventsPartialFailure(t *testing.T) {
	in := newIntake(t)
	e, r := newLogsRig(t, in)
	n := 0
	in.respond(func(http.ResponseWriter, request) int {
		n++
		return map[int]int{2: 400, 4: 503}[n]
	})
	name := "foundation_os.alert.triggered"
	err := e.push(context.Background(), alerts(name, name, name, name, name))
	var left consumererror.Logs
	require.ErrorAs(t, err, &left)
	assert.Equal(t, 2, left.Data().LogRecordCount())
	require.NoError(t, e.push(context.Background(), left.Data()))
	assert.Len(t, events(t, in), 4)
	assert.Equal(t, int64(1), r.counted("refused_logs", "rejected"))

	in.respond(func(http.ResponseWriter, request) int { return 403 })
	err = e.push(context.Background(), alerts(name))
	assert.True(t, consumererror.IsPermanent(err))
	assert.NotContains(t, err.Error(), testKey)
}

// A refusal is said, but not once for every event.
func TestRefusedEventsDoNotFloodTheLog(t *testing.T) {
	in := newIntake(t)
	e, r := newLogsRig(t, in)
	core, said := observer.New(zap.WarnLevel)
	e.logger = zap.New(core)
	in.respond(func(http.ResponseWriter, request) int { return 404 })
	name := "foundation_os.alert.triggered"
	require.NoError(t, e.push(context.Background(), alerts(name, name, name)))
	assert.Equal(t, int64(3), r.counted("refused_logs", "rejected"))
	assert.Len(t, said.All(), 1)
}

func TestLogsAreRefusedWhenEventsAreOff(t *testing.T) {
	cfg := testConfig(newIntake(t))
	cfg.Events.Enabled = false
	_, err := NewFactory().CreateLogs(context.Background(), exportertest.NewNopSettings(metadata.Type), cfg)
	require.ErrorContains(t, err, "events.enabled: is false")
}
