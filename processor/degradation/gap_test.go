package degradation

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

// absence is a series of a point a minute that is degraded for 25 minutes (in
// strict, which would get used to it, for 5), is gone for some hours while others
// are not, and comes back.
func absence(t *testing.T, mode Mode, then func(t *testing.T, send func(float64) []told, episodes func() int64)) {
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
		r := newRigWith(t, settings(tel), func(c *Config) { c.Mode = mode })
		send := func(v float64) []told {
			time.Sleep(time.Minute)
			return verdicts(t, r.send(gauge("m", time.Since(epoch), v)))
		}
		for range 60 {
			send(0.1)
		}
		incident := 25
		if mode == modeStrict {
			incident = 5
		}
		for range incident {
			send(0.5)
		}
		for range 7 * 60 {
			time.Sleep(time.Minute)
			r.send(gauge("m.other", time.Since(epoch), 1))
		}
		require.Zero(t, degradedCount(r.send(gauge("m.other", time.Since(epoch), 1))))
		then(t, send, func() int64 {
			m, err := tel.GetMetric("otelcol_degradation_episodes")
			require.NoError(t, err)
			return sumOf(t, m, "")
		})
	})
}

// What comes back healthy is healthy at once: what was told last is taken back,
// and the silence has not made the baseline of the incident.
func TestHealthyAfterAbsence(t *testing.T) {
	for _, mode := range []Mode{modeStrict, modeGuarded} {
		t.Run(string(mode), func(t *testing.T) {
			absence(t, mode, func(t *testing.T, send func(float64) []told, episodes func() int64) {
				v := send(0.1)
				require.Len(t, v, 1)
				require.EqualValues(t, 0, v[0].state)
				require.Equal(t, "mean_and_p95", v[0].reason)
				for range 20 {
					require.Empty(t, send(0.1))
				}
				send(0.5)
				v = send(0.5)
				require.Len(t, v, 1)
				require.EqualValues(t, 1, v[0].state)
				require.EqualValues(t, 2, episodes())
			})
		})
	}
}

// What comes back as bad as it went is in the same episode, which has not become
// the baseline meanwhile.
func TestDegradedAfterAbsence(t *testing.T) {
	absence(t, modeGuarded, func(t *testing.T, send func(float64) []told, episodes func() int64) {
		for range 30 {
			v := send(0.5)
			require.Len(t, v, 1)
			require.EqualValues(t, 1, v[0].state)
		}
		require.EqualValues(t, 1, episodes())
		require.EqualValues(t, 1, send(0.1)[0].state)
		require.EqualValues(t, 1, send(0.1)[0].state)
		require.EqualValues(t, 0, send(0.1)[0].state)
	})
}
