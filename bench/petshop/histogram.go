package main

import (
	"math"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

// fill makes a histogram of what is known of an interval: its count is the
// number of requests and its sum that number times the average, both exactly.
// The buckets are those of as many measurements with the given quantiles,
// between which the logarithm is interpolated; below the median it runs as far
// down as the 90th percentile is up. It says false for an interval without
// requests or without an average.
func (iv *interval) fill(h *drive.Histogram) bool {
	h.Reset()
	if !iv.known() {
		return false
	}
	known := [][2]float64{{0.5, iv.p50}, {0.9, iv.p90}, {0.95, iv.p95}, {0.99, iv.p99}}
	curve := make([][2]float64, 0, len(known)+2)
	if iv.p50 > 0 && iv.p90 > 0 {
		curve = append(curve, [2]float64{0, math.Log(iv.p50) - math.Log(max(1, iv.p90/iv.p50))})
	}
	for _, k := range known {
		if k[1] > 0 {
			curve = append(curve, [2]float64{k[0], math.Log(k[1])})
		}
	}
	if len(curve) == 0 {
		curve = append(curve, [2]float64{0, math.Log(iv.average)})
	}
	for i := range iv.requests {
		h.Add(math.Exp(along(curve, (float64(i)+0.5)/float64(iv.requests))))
	}
	h.Sum = float64(iv.requests) * iv.average
	return true
}

// known says whether the service had requests and a latency.
func (iv *interval) known() bool { return iv.requests > 0 && iv.average > 0 }

// times is the interval with all latencies multiplied.
func (iv *interval) times(factor float64) *interval {
	return &interval{iv.requests, factor * iv.average, factor * iv.p50, factor * iv.p90, factor * iv.p95, factor * iv.p99}
}

// along interpolates; beyond the ends the curve is level.
func along(curve [][2]float64, x float64) float64 {
	for i, p := range curve {
		if x > p[0] {
			continue
		}
		if i == 0 {
			return p[1]
		}
		before := curve[i-1]
		return before[1] + (p[1]-before[1])*(x-before[0])/(p[0]-before[0])
	}
	return curve[len(curve)-1][1]
}
