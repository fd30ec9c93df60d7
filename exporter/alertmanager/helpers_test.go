package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/foundation-os/otelcol-foundation/exporter/alertmanager/internal/metadata"
)

// testNow is the time of all tests: nothing depends on when they run.
var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// server is an Alertmanager that keeps what it is sent: a real HTTP server that
// reads the bodies with Alertmanager's own types and rules.
type server struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []request
	// answer decides on a request; nil or 0 means 200.
	answer func(w http.ResponseWriter, r request) int
}

type request struct {
	path   string
	header http.Header
	body   []byte
	alerts models.PostableAlerts
	status int
}

func newServer(t *testing.T) *server {
	s := &server{t: t}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, hr *http.Request) {
	body, err := io.ReadAll(hr.Body)
	if err != nil {
		return // the client went away
	}
	r := request{path: hr.URL.Path, header: hr.Header, body: body}
	assert.Equal(s.t, http.MethodPost, hr.Method)
	assert.Equal(s.t, "application/json", hr.Header.Get("Content-Type"))
	assert.Empty(s.t, hr.Header.Get("Content-Encoding"))
	if assert.NoError(s.t, json.Unmarshal(body, &r.alerts), "%s", body) {
		assert.NoError(s.t, r.alerts.Validate(strfmt.Default))
	}
	for _, a := range r.alerts {
		assert.NotEmpty(s.t, a.Labels)
		for _, set := range []models.LabelSet{a.Labels, a.Annotations} {
			for name, value := range set {
				assert.True(s.t, model.UTF8Validation.IsValidLabelName(name), name)
				assert.True(s.t, model.LabelValue(value).IsValid(), name)
			}
		}
		assert.False(s.t, time.Time(a.StartsAt).IsZero())
		assert.False(s.t, time.Time(a.EndsAt).Before(time.Time(a.StartsAt)), "start time must be before end time")
	}
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		r.status = answer(w, r)
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	w.WriteHeader(r.status)
}

func (s *server) respond(f func(w http.ResponseWriter, r request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *server) status(codes ...int) {
	n := -1
	s.respond(func(http.ResponseWriter, request) int {
		n++
		return codes[min(n, len(codes)-1)]
	})
}

func (s *server) all() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// taken are the alerts of the requests answered with 2xx.
func (s *server) taken() (out models.PostableAlerts) {
	for _, r := range s.all() {
		if r.status < 300 {
			out = append(out, r.alerts...)
		}
	}
	return out
}

// rig is an exporter without queue and retry: a call of ConsumeLogs returns when
// everything is sent.
type rig struct {
	*alertsExporter
	t     *testing.T
	tel   *componenttest.Telemetry
	clock time.Time
}

func testConfig(servers ...*server) *Config {
	cfg := createDefaultConfig().(*Config)
	for _, s := range servers {
		cfg.Endpoints = append(cfg.Endpoints, s.URL)
	}
	cfg.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]()
	cfg.RetryConfig.Enabled = false
	return cfg
}

func newRig(t *testing.T, cfg *Config) *rig {
	tel := componenttest.NewTelemetry()
	set := exportertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	set.BuildInfo.Command, set.BuildInfo.Version = "otelcol-foundation", "test"
	e, err := newAlertsExporter(context.Background(), set, cfg)
	require.NoError(t, err)
	r := &rig{alertsExporter: e, t: t, tel: tel, clock: testNow}
	e.now = func() time.Time { return r.clock }
	require.NoError(t, e.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, e.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return r
}

func (r *rig) send(ld plog.Logs) error { return r.ConsumeLogs(context.Background(), ld) }

// counted adds up an own metric over the series that have these attribute values.
func (r *rig) counted(name string, values ...string) int64 {
	m, err := r.tel.GetMetric("otelcol_alertmanager_" + name)
	if err != nil {
		return 0 // never counted
	}
	var n int64
	for _, dp := range m.Data.(metricdata.Sum[int64]).DataPoints {
		have := map[string]bool{}
		for _, kv := range dp.Attributes.ToSlice() {
			have[kv.Value.AsString()] = true
		}
		if !slices.ContainsFunc(values, func(v string) bool { return !have[v] }) {
			n += dp.Value
		}
	}
	return n
}

// batch is the log records of these functions.
func batch(records ...func(plog.LogRecord)) plog.Logs {
	ld := plog.NewLogs()
	records = slices.Clone(records)
	sl := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	for _, f := range records {
		f(sl.LogRecords().AppendEmpty())
	}
	return ld
}

// alert is an event as alert_rules writes it: of a rule that fires since a minute
// ago, or that did until ten seconds ago.
func alert(rule, state string) func(plog.LogRecord) {
	return func(lr plog.LogRecord) {
		lr.SetEventName("foundation_os.alert.active")
		lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(testNow))
		a := lr.Attributes()
		a.PutStr("alert.rule.name", rule)
		a.PutStr("alert.state", state)
		a.PutStr("alert.severity", "warning")
		a.PutStr("alert.starts_at", testNow.Add(-time.Minute).Format(time.RFC3339Nano))
		if state == stateResolved {
			a.PutStr("alert.ends_at", testNow.Add(-10*time.Second).Format(time.RFC3339Nano))
		}
		a.PutStr("alert.label.alertname", rule)
	}
}

func firing(rule string) func(plog.LogRecord)   { return alert(rule, stateFiring) }
func resolved(rule string) func(plog.LogRecord) { return alert(rule, stateResolved) }

func names(alerts models.PostableAlerts) (out []string) {
	for _, a := range alerts {
		out = append(out, a.Labels["alertname"])
	}
	return out
}

func indented(t *testing.T, v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(v))
	return out.Bytes()
}
