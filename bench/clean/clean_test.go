package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hundred series of each kind, the first ones. At the goals' rates, 0.01 and
// 0.05 a series and day, a hundred have one and five on average. More than three
// and eleven come by chance in one run of fifty and of two hundred; how far below
// the goals the rates are, the full run tells.
func TestCleanSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	const series = 100
	for _, f := range []form{gauge, histogram} {
		for _, sigma := range sigmas {
			rows, err := measure(f, sigma, series, 0)
			require.NoError(t, err)
			for _, r := range rows {
				t.Log(r)
				switch r.mode {
				case "guarded":
					assert.LessOrEqual(t, r.false24h, 0.03, "%s", r)
				case "adaptive":
					assert.LessOrEqual(t, r.false24h, 0.11, "%s", r)
				}
			}
		}
	}
}

// What is asserted above must be able to fail: the plain rule does.
func TestTheNoiseIsNoise(t *testing.T) {
	rows, err := measure(gauge, 0.5, 20, 20)
	require.NoError(t, err)
	require.Equal(t, "strict", rows[0].mode)
	assert.Greater(t, rows[0].false24h, 10.0)
	rows, err = measure(gauge, 0.1, 20, 20)
	require.NoError(t, err)
	assert.Zero(t, rows[0].false24h)
	assert.Zero(t, rows[0].found[1].of, "×1.2 is below both ratios of the rule")
}
