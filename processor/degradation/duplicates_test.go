package degradation

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// A sender that got no answer sends the same again, as a request of its own or
// together with the next. In guarded that does not make two suspects of one slow
// interval, and what was degraded is told again.
func TestTheSameAgain(t *testing.T) {
	for _, enc := range encodings() {
		t.Run(enc.name, func(t *testing.T) {
			tel := componenttest.NewTelemetry()
			defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
			r := newRigWith(t, settings(tel), func(c *Config) { c.Mode = modeGuarded })
			n := 40
			if enc.scalar {
				n = 1
			}
			all := enc.encode(story(101*time.Minute, time.Minute, 90*time.Minute, 101*time.Minute, 3, 0, n), 1)
			send := func(i int) []told { return verdicts(t, r.send(copyOf(all[i]))) }
			for i := range 90 {
				require.Empty(t, send(i))
				require.Empty(t, send(i))
			}
			for range 5 {
				require.Empty(t, send(90), "one suspect, however often")
			}
			both := copyOf(all[91])
			copyOf(all[91]).ResourceMetrics().MoveAndAppendTo(both.ResourceMetrics())
			require.Len(t, verdicts(t, r.send(both)), 1)
			points := pointsBy(t, tel)
			again := points["ignored duplicate"] + points["ignored out_of_order"]
			require.EqualValues(t, 90+4+1, again, "%v", points)
		})
	}
}

func copyOf(md pmetric.Metrics) pmetric.Metrics {
	to := pmetric.NewMetrics()
	md.CopyTo(to)
	return to
}
