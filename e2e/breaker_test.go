package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Circuit Breaker Open acts when the event arrives: it triggers on open, stays on
// half-open, resolves when the same breaker closes; another breaker is another
// alert; a breaker that closes without having been open is none.
func TestCircuitBreakerOpen(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	events, expect := breakerAlerts(t, c, "Circuit Breaker Open", "foundation_os.circuit_breaker.name")

	c.sendLogs(breaker("quiet", "half_open", "closed"))
	c.sendLogs(breaker("a", "closed", "open"))
	c.sendLogs(breaker("b", "closed", "open"))
	expect("a", triggered)
	expect("b", triggered)
	c.sendLogs(breaker("a", "open", "half_open"))
	c.sendLogs(breaker("a", "half_open", "closed"))
	expect("a", triggered, resolved)
	c.stop()
	assert.Equal(t, []string{triggered, resolved}, events("a"))
	assert.Equal(t, []string{triggered}, events("b"))
	assert.Empty(t, events("quiet"))
}

const triggered, resolved = "foundation_os.alert.triggered", "foundation_os.alert.resolved"

// breakerAlerts reads the events of one breaker's alert, and waits for them.
func breakerAlerts(t *testing.T, c *collector, rule, label string) (events func(name string) []string, expect func(name string, want ...string)) {
	events = func(name string) []string {
		var out []string
		for _, r := range readLogs(t, c.file("alerts.jsonl")) {
			if r.it.EventName() == "foundation_os.alert.active" {
				continue // told again, should a minute end meanwhile
			}
			if attr(r.it.Attributes(), "alert.label."+label) == name {
				assert.Equal(t, rule, attr(r.it.Attributes(), "alert.rule.name"))
				assert.Equal(t, "error", attr(r.it.Attributes(), "alert.severity"))
				out = append(out, r.it.EventName())
			}
		}
		return out
	}
	expect = func(name string, want ...string) {
		t.Helper()
		eventually(t, 10*time.Second, func() error {
			if got := events(name); !slices.Equal(got, want) {
				return errNotYet
			}
			return nil
		})
	}
	return events, expect
}

// The same on spans: what a breaker says of itself comes with each call through
// it.
func TestCircuitBreakerOpenOnSpans(t *testing.T) {
	t.Parallel()
	c := startCollector(t, `yaml:
connectors:
  alert_rules:
    events:
      - name: Breaker Span Open
        signal: spans
        condition: 'span.name == "payments.call" and span.attributes["breaker.state"] == "open"'
        resolve: 'span.name == "payments.call" and span.attributes["breaker.state"] == "closed"'
        group_by: [breaker.name]
        severity: error
service:
  pipelines:
    traces/breakers: {receivers: [otlp], exporters: [alert_rules]}
`)
	events, expect := breakerAlerts(t, c, "Breaker Span Open", "breaker.name")
	call := func(name, state string) {
		td := oneSpan("payments.call")
		s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
		s.Attributes().PutStr("breaker.name", name)
		s.Attributes().PutStr("breaker.state", state)
		c.sendTraces(td)
	}
	call("quiet", "half_open")
	call("quiet", "closed")
	call("a", "open")
	call("a", "open")
	call("b", "open")
	expect("a", triggered)
	expect("b", triggered)
	call("a", "half_open")
	call("a", "closed")
	expect("a", triggered, resolved)
	c.stop()
	assert.Equal(t, []string{triggered, resolved}, events("a"))
	assert.Equal(t, []string{triggered}, events("b"))
	assert.Empty(t, events("quiet"))
}
