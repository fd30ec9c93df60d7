package degradation

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A step that is below both ratios: guarded does not see it, adaptive does, says
// why, and keeps saying so until it is over.
func TestAdaptiveSeesWhatIsBelowTheRatios(t *testing.T) {
	for _, mode := range []Mode{modeGuarded, modeAdaptive} {
		r := newRig(t, func(c *Config) { c.Mode = mode })
		rng := rand.New(rand.NewPCG(1, 1))
		reasons := map[string]int{}
		first, last := -1, -1
		for minute := range 16 * 60 {
			v := 0.2 * math.Exp(0.05*rng.NormFloat64())
			if minute >= 12*60 && minute < 14*60 {
				v *= 1.25
			}
			for _, told := range verdicts(t, r.send(gauge("m", time.Duration(minute)*time.Minute, v))) {
				if told.state == 1 {
					reasons[told.reason]++
					if first < 0 {
						first = minute
					}
					last = minute
				}
			}
		}
		if mode == modeGuarded {
			require.Empty(t, reasons)
			continue
		}
		require.Equal(t, map[string]int{"drift": last - first + 1}, reasons, "one reason, from the first to the last point")
		require.Less(t, first-12*60, 15, "minutes until it is seen")
		require.GreaterOrEqual(t, last, 14*60-1, "told to its end")
		require.Less(t, last, 14*60+30)
	}
}

// An infinite ratio turns a comparison off, also where the mean is zero or
// negative.
func TestRatiosOff(t *testing.T) {
	off := math.Inf(1)
	for _, mode := range []Mode{modeStrict, modeGuarded} {
		for _, level := range []float64{1, 0, -1} {
			r := newRig(t, func(c *Config) {
				c.Mode, c.MeanRatio, c.P95Ratio = mode, off, off
				c.Clear.MeanRatio, c.Clear.P95Ratio = off, off
				if mode == modeGuarded {
					c.Direction = directionBoth
				}
			})
			for minute := range 180 {
				v := level
				if minute > 120 {
					v = []float64{1e9, -1e9, 0}[minute%3]
				}
				for _, told := range verdicts(t, r.send(gauge("m", time.Duration(minute)*time.Minute, v))) {
					require.NotEqual(t, int64(1), told.state, "%s, %v, minute %d", mode, level, minute)
				}
			}
		}
	}
}
