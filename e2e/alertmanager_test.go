package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.yaml.in/yaml/v3"
)

// alertmanager is a real Alertmanager (Debian's package) with the configuration
// of examples/alertmanager. It keeps its files and its address over a restart.
type alertmanager struct {
	t            *testing.T
	addr, folder string
	cmd          *exec.Cmd
	output       *logBuffer
}

// startAlertmanager runs the example's configuration, whose addresses are those of
// n, and whose times are these.
func startAlertmanager(t *testing.T, n *notifications, route, global map[string]any) *alertmanager {
	t.Helper()
	a := &alertmanager{t: t, addr: freePorts(t, 1)[0], folder: t.TempDir(), output: &logBuffer{}}
	text, err := os.ReadFile("../examples/alertmanager/alertmanager.yml")
	require.NoError(t, err)
	var config map[string]any
	in := strings.ReplaceAll(string(text), "/etc/alertmanager/", a.folder+"/")
	require.NotEqual(t, string(text), in, "the secrets are elsewhere now")
	require.NoError(t, yaml.Unmarshal([]byte(in), &config))
	part := func(path ...string) map[string]any {
		at := config
		for _, p := range path {
			at = at[p].(map[string]any)
		}
		return at
	}
	for k, v := range route {
		part("route")[k] = v
	}
	for k, v := range global {
		part("global")[k] = v
	}
	part("global")["smtp_smarthost"] = n.smtp
	part("global")["smtp_require_tls"] = false // the sink has none
	part("global")["pagerduty_url"] = n.http.URL + "/pagerduty"
	for _, r := range config["receivers"].([]any) {
		if hooks, ok := r.(map[string]any)["webhook_configs"]; ok {
			hooks.([]any)[0].(map[string]any)["url"] = n.http.URL + "/webhook"
		}
	}
	text, err = yaml.Marshal(config)
	require.NoError(t, err)
	a.write("alertmanager.yml", string(text))
	template, err := os.ReadFile("../examples/alertmanager/foundation.tmpl")
	require.NoError(t, err)
	a.write("foundation.tmpl", string(template))
	a.write("secrets/slack_url", n.http.URL+"/slack")
	a.write("secrets/pagerduty_key", "0123456789abcdef0123456789abcdef")
	a.write("secrets/smtp_password", "unused")
	a.start()
	t.Cleanup(func() {
		a.stop()
		if t.Failed() {
			t.Logf("Alertmanager said:\n%s", a.output.tail(8000))
		}
	})
	return a
}

func (a *alertmanager) write(name, text string) {
	a.t.Helper()
	path := filepath.Join(a.folder, name)
	require.NoError(a.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(a.t, os.WriteFile(path, []byte(text), 0o600))
}

func (a *alertmanager) start() {
	a.t.Helper()
	a.cmd = exec.Command(tool(a.t, "prometheus-alertmanager"), "--config.file="+filepath.Join(a.folder, "alertmanager.yml"),
		"--storage.path="+filepath.Join(a.folder, "data"), "--web.listen-address="+a.addr, "--cluster.listen-address=")
	a.cmd.Stdout, a.cmd.Stderr = a.output, a.output
	require.NoError(a.t, a.cmd.Start())
	eventually(a.t, 30*time.Second, func() error {
		resp, err := http.Get("http://" + a.addr + "/-/ready")
		if err != nil {
			return fmt.Errorf("%w\n%s", err, a.output.tail(2000))
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", resp.Status)
		}
		return nil
	})
}

// stop ends it in order: it then writes down whom it has notified of what.
func (a *alertmanager) stop() {
	if a.cmd.ProcessState == nil {
		_ = a.cmd.Process.Signal(syscall.SIGTERM)
		_ = a.cmd.Wait()
	}
}

// notified waits until every channel has got so many messages of these kinds.
func (n *notifications) notified(t *testing.T, firing, resolved int) {
	t.Helper()
	eventually(t, 60*time.Second, func() error {
		for _, c := range channels {
			if f, r := len(n.of(c, "firing")), len(n.of(c, "resolved")); f < firing || r < resolved {
				return fmt.Errorf("%s got %d firing and %d resolved", c, f, r)
			}
		}
		return nil
	})
	n.exactly(t, firing, resolved)
}

func (n *notifications) exactly(t *testing.T, firing, resolved int) {
	t.Helper()
	for _, c := range channels {
		require.Len(t, n.of(c, "firing"), firing, c)
		require.Len(t, n.of(c, "resolved"), resolved, c)
		require.Len(t, n.of(c, ""), firing+resolved, c)
	}
}

// queueRule fires for each pool whose queue is longer than 12.5.
const queueRule = `yaml:
connectors:
  alert_rules:
    evaluation_interval: 1s
    rules:
      - name: Long Queue
        metric: test.queue.length
        aggregate: last
        window: 1h
        group_by: [service.name, pool]
        op: gt
        threshold: 12.5
        severity: critical
        annotations: {summary: 'the queue of {{ $labels.pool }} is {{ $value }} long'}
`

func queues(lengths map[string]float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("test.queue.length")
	points := m.SetEmptyGauge().DataPoints()
	for pool, length := range lengths {
		dp := points.AppendEmpty()
		dp.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		dp.SetDoubleValue(length)
		dp.Attributes().PutStr("pool", pool)
	}
	return md
}

const alertmanagerOverlay = "examples/alertmanager/overlay.yaml"

// The whole way: a metric crosses a threshold, and people hear of it by email,
// Slack, PagerDuty and a webhook, once when it begins and once when it ends, all
// alerts of a rule in one message, though Alertmanager and the collector are each
// restarted in between.
func TestAlertmanagerDelivers(t *testing.T) {
	t.Parallel()
	n := startNotifications(t)
	a := startAlertmanager(t, n, map[string]any{"group_wait": "3s", "group_interval": "3s"}, nil)
	env := []string{"FOUNDATION_ALERTMANAGER_ENDPOINT=http://" + a.addr, "FOUNDATION_DATA_DIR=" + t.TempDir()}

	// a restarted Alertmanager knows no alert until it is told again
	const often = "yaml:connectors::alert_rules::resend_interval: 5s"
	c := startCollectorEnv(t, env, alertmanagerOverlay, queueRule, often)
	c.sendMetrics(queues(map[string]float64{"a": 40.5, "b": 41.5, "c": 1}))
	n.notified(t, 1, 0)

	a.stop()
	a.start()
	c.stop()
	c = startCollectorEnv(t, env, alertmanagerOverlay, queueRule, often)
	c.sendMetrics(queues(map[string]float64{"a": 50.5, "b": 51.5, "c": 1}))
	eventually(t, 30*time.Second, func() error {
		if sent, err := c.own("otelcol_alertmanager_alerts", map[string]string{"state": "firing"}); err != nil || sent < 2 {
			return fmt.Errorf("%v alerts were sent after the restarts (%w)", sent, err)
		}
		return nil
	})
	time.Sleep(8 * time.Second) // time for messages that must not come
	n.exactly(t, 1, 0)

	c.sendMetrics(queues(map[string]float64{"a": 3.5, "b": 4.5, "c": 1}))
	n.notified(t, 1, 1)
	time.Sleep(8 * time.Second)
	n.exactly(t, 1, 1)

	for status, values := range map[string][]string{"firing": {"40.5", "41.5"}, "resolved": {"3.5", "4.5"}} {
		for _, channel := range channels {
			text := n.of(channel, status)[0].text
			for _, want := range append(values, "Long Queue", "critical", "12.5", "shop") {
				assert.Contains(t, text, want, "%s, %s", channel, status)
			}
			assert.NotContains(t, text, "the queue of c", "another alert than those that fire")
		}
	}
	refused, err := c.own("otelcol_alertmanager_dropped_records", map[string]string{"reason": "rejected"})
	require.NoError(t, err)
	assert.Zero(t, refused)
	assert.NotContains(t, strings.ToLower(a.output.String()), "level=error")
}

// An hour of firing, sped up: every minute is two seconds long, Alertmanager is
// stopped for two re-sends, and later restarted; nobody hears that the alert has
// ended. When nobody tells of it any more, it does end: so this test would have
// seen it.
func TestAlertmanagerHearsOfAnHourOfFiring(t *testing.T) {
	t.Parallel()
	const minute = 2 * time.Second
	n := startNotifications(t)
	// resolve_timeout is for alerts without an end, which ours never are
	a := startAlertmanager(t, n, map[string]any{"group_wait": "1s", "group_interval": "1s"}, map[string]any{"resolve_timeout": "1s"})
	c := startCollectorEnv(t, []string{"FOUNDATION_ALERTMANAGER_ENDPOINT=http://" + a.addr}, alertmanagerOverlay, queueRule,
		fmt.Sprintf("yaml:{connectors: {alert_rules: {resend_interval: %s}}, exporters: {alertmanager: {resend_interval: %[1]s}}}", minute))
	c.sendMetrics(queues(map[string]float64{"a": 40.5}))
	n.notified(t, 1, 0)

	for i := range 60 {
		switch i {
		case 20:
			require.NoError(t, a.cmd.Process.Signal(syscall.SIGSTOP))
		case 22:
			require.NoError(t, a.cmd.Process.Signal(syscall.SIGCONT))
		case 40:
			a.stop()
			a.start()
		}
		time.Sleep(minute)
		n.exactly(t, 1, 0)
	}
	sent, err := c.own("otelcol_alertmanager_alerts", map[string]string{"state": "firing"})
	require.NoError(t, err)
	assert.Greater(t, sent, 50.0)

	require.NoError(t, c.cmd.Process.Kill())
	t.Log("killed: ", <-c.exited)
	n.notified(t, 1, 1)
}
