package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// toSink sends alert events to a sink, without a queue: what it has answered it
// has. Rules are evaluated every second, and logs are not held.
func toSink(addr string) string {
	return "yaml:" + `
processors: {layer_enricher: {correlation: {hold: 0s}}}
connectors: {alert_rules: {evaluation_interval: 1s, resend_interval: 0s}}
exporters:
  otlp_grpc/alerts:
    endpoint: ` + addr + `
    tls: {insecure: true}
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service: {pipelines: {logs/alerts: {exporters: [otlp_grpc/alerts]}}}`
}

// valueRule fires for each i whose e2e.value is above 5.
const valueRule = `groups: [{name: g, rules: [{alert: Value, expr: '{"e2e.value"} > 5', labels: {severity: error}}]}]`

func value(i int, v float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "shop")
	m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("e2e.value")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	p.SetDoubleValue(v)
	p.Attributes().PutInt("i", int64(i))
	return md
}

func breakerAt(at time.Time, name, from, to string) plog.Logs {
	ld := breaker(name, from, to)
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(pcommon.NewTimestampFromTime(at))
	return ld
}

// told is what a sink knows of an alert: its episodes, in the order of their
// first events.
type told struct {
	rule, state, start string
	triggered, ended   int
}

func episodesOf(s *sink) (byEpisode map[string]*told, order map[string][]string) {
	byEpisode, order = map[string]*told{}, map[string][]string{}
	for _, lr := range s.records() {
		id, episode := attr(lr.Attributes(), "alert.id"), attr(lr.Attributes(), "alert.episode.id")
		if id == "" {
			continue
		}
		e := byEpisode[episode]
		if e == nil {
			e = &told{rule: attr(lr.Attributes(), "alert.rule.name"), start: attr(lr.Attributes(), "alert.starts_at")}
			byEpisode[episode] = e
			order[id] = append(order[id], episode)
		}
		if e.state = attr(lr.Attributes(), "alert.state"); e.state == "firing" {
			e.triggered++
		} else {
			e.ended++
		}
	}
	return byEpisode, order
}

// Twenty times the collector is killed at a random time while breakers open and
// close and a rule fires. Whoever sends sends again what was not acknowledged. In
// the end every opening has one episode, triggered and resolved, and the rule's
// episodes follow one another.
func TestAlertsOutliveKills(t *testing.T) {
	t.Parallel()
	kills := 20
	if testing.Short() {
		kills = 3
	}
	s := startSink(t)
	rules, data := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(rules, "foundation-test.yaml"), []byte(valueRule), 0o600))
	env := []string{"FOUNDATION_RULES_DIR=" + rules, "FOUNDATION_DATA_DIR=" + data}
	r := rand.New(rand.NewPCG(1, 2))

	opened := map[string]bool{} // the starts of the episodes that must be there
	open := map[string]bool{}
	var unsent []byte
	// next changes a breaker; what was not acknowledged goes first.
	next := func(c *collector) bool {
		if unsent == nil {
			name := string(rune('a' + r.IntN(3)))
			from, to := "closed", "open"
			at := time.Now()
			if open[name] {
				from, to = to, from
			} else {
				opened[at.UTC().Format(time.RFC3339Nano)] = true
			}
			open[name] = !open[name]
			body, err := plogotlp.NewExportRequestFromLogs(breakerAt(at, name, from, to)).MarshalProto()
			require.NoError(t, err)
			unsent = body
		}
		status, _, err := post("http://"+c.http+"/v1/logs", "application/x-protobuf", unsent)
		if err != nil || status != 200 {
			return false
		}
		unsent = nil
		// A point that is lost is followed by another.
		body, err := pmetricotlp.NewExportRequestFromMetrics(value(r.IntN(2), float64(r.IntN(11)))).MarshalProto()
		require.NoError(t, err)
		_, _, err = post("http://"+c.http+"/v1/metrics", "application/x-protobuf", body)
		return err == nil
	}
	for range kills {
		c := startCollectorEnv(t, env, toSink(s.addr))
		end := time.After(time.Duration(r.IntN(1500)) * time.Millisecond)
		dead := make(chan struct{})
		go func() {
			<-end
			_ = c.cmd.Process.Kill()
			close(dead)
		}()
		for next(c) {
		}
		<-dead
		require.Error(t, <-c.exited, "it was killed")
	}

	c := startCollectorEnv(t, env, toSink(s.addr))
	for unsent != nil {
		next(c)
	}
	for name, is := range open {
		if is {
			c.sendLogs(breakerAt(time.Now(), name, "open", "closed"))
		}
	}
	eventually(t, 60*time.Second, func() error {
		for i := range 2 {
			c.sendMetrics(value(i, 0))
		}
		episodes, _ := episodesOf(s)
		for id, e := range episodes {
			if e.ended == 0 {
				return fmt.Errorf("%s is not resolved: %+v", id, *e)
			}
		}
		return nil
	})
	c.stop()

	episodes, order := episodesOf(s)
	starts, again := map[string]bool{}, 0
	for id, e := range episodes {
		assert.Positive(t, e.triggered, "%s was triggered: %+v", id, *e)
		again += e.triggered - 1 + e.ended - 1
		if e.rule == "Circuit Breaker Open" {
			assert.False(t, starts[e.start], "one episode for an opening: %+v", *e)
			starts[e.start] = true
		}
	}
	assert.Equal(t, opened, starts, "exactly the openings")
	// One after the other: the events of an episode lie between those of the others.
	at := map[string]int{}
	for i, lr := range s.records() {
		at[attr(lr.Attributes(), "alert.episode.id")+attr(lr.Attributes(), "alert.state")] = i
	}
	for _, list := range order {
		for i := 1; i < len(list); i++ {
			assert.Less(t, at[list[i-1]+"resolved"], at[list[i]+"firing"], "%+v before %+v", episodes[list[i-1]], episodes[list[i]])
		}
	}
	t.Logf("%d kills, %d openings, %d episodes, %d events told again", kills, len(opened), len(episodes), again)
}

// A reload keeps what fires; a rule file that is bad at the reload leaves the
// rules in force, the process lives, and the error is seen.
func TestAReloadKeepsAlerts(t *testing.T) {
	t.Parallel()
	for name, overlay := range map[string]string{
		"as shipped":     "",
		"without a disk": "yaml:connectors::alert_rules: {storage: null, directory: ''}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSink(t)
			rules := t.TempDir()
			file := filepath.Join(rules, "foundation-test.yaml")
			write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
			write(valueRule)
			overlays := []string{toSink(s.addr)}
			if overlay != "" {
				overlays = append(overlays, overlay)
			}
			c := startCollectorEnv(t, []string{"FOUNDATION_RULES_DIR=" + rules}, overlays...)
			reload := func(says string) {
				t.Helper()
				before := strings.Count(c.output.String(), says)
				require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
				eventually(t, 30*time.Second, func() error {
					c.alive()
					if strings.Count(c.output.String(), says) == before || strings.Count(c.output.String(), "Everything is ready") < 1 {
						return errNotYet
					}
					_, err := c.own("otelcol_alert_rules_reload_failed", nil)
					return err
				})
			}
			events := func() (all []string) {
				for _, lr := range s.records() {
					all = append(all, attr(lr.Attributes(), "alert.rule.name")+" "+attr(lr.Attributes(), "alert.state")+" "+attr(lr.Attributes(), "alert.reason"))
				}
				return all
			}
			expect := func(want ...string) {
				t.Helper()
				eventually(t, 20*time.Second, func() error {
					if got := events(); fmt.Sprint(got) != fmt.Sprint(want) {
						return fmt.Errorf("%v, want %v", got, want)
					}
					return nil
				})
			}
			c.sendMetrics(value(1, 9))
			expect("Value firing condition_met")
			c.sendLogs(breaker("a", "closed", "open"))
			expect("Value firing condition_met", "Circuit Breaker Open firing condition_met")

			write("groups: [{name: g, rules: [{alert: Value, expr: 'nofunc(x)'}]}]")
			reload("those from before the reload stay in force")
			c.expectGauge("otelcol_alert_rules_reload_failed", 1)
			assert.Contains(t, c.output.String(), `rule 1, \"Value\"`)
			c.sendMetrics(value(1, 9))
			time.Sleep(3 * time.Second) // some evaluations
			expect("Value firing condition_met", "Circuit Breaker Open firing condition_met")

			write(strings.Replace(valueRule, "> 5", "> 20", 1))
			reload("the rules are reloaded")
			c.expectGauge("otelcol_alert_rules_reload_failed", 0)
			expect("Value firing condition_met", "Circuit Breaker Open firing condition_met", "Value resolved rule_changed")
			c.sendLogs(breaker("a", "open", "closed"))
			expect("Value firing condition_met", "Circuit Breaker Open firing condition_met", "Value resolved rule_changed", "Circuit Breaker Open resolved resolve_met")
			byEpisode, _ := episodesOf(s)
			assert.Len(t, byEpisode, 2, "each resolved what it had triggered")
			c.stop()
		})
	}
}

func (c *collector) expectGauge(name string, want float64) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, func() error {
		got, err := c.own(name, nil)
		if err == nil && got != want {
			err = fmt.Errorf("%s is %v, want %v", name, got, want)
		}
		return err
	})
}
