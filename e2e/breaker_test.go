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
	events := func(name string) []string {
		var out []string
		for _, r := range readLogs(t, c.file("alerts.jsonl")) {
			if r.it.EventName() == "foundation_os.alert.active" {
				continue // told again, should a minute end meanwhile
			}
			if attr(r.it.Attributes(), "alert.label.foundation_os.circuit_breaker.name") == name {
				assert.Equal(t, "Circuit Breaker Open", attr(r.it.Attributes(), "alert.rule.name"))
				assert.Equal(t, "error", attr(r.it.Attributes(), "alert.severity"))
				out = append(out, r.it.EventName())
			}
		}
		return out
	}
	const triggered, resolved = "foundation_os.alert.triggered", "foundation_os.alert.resolved"
	expect := func(name string, want ...string) {
		t.Helper()
		eventually(t, 10*time.Second, func() error {
			if got := events(name); !slices.Equal(got, want) {
				return errNotYet
			}
			return nil
		})
	}

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
