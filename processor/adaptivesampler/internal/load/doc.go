// Package load turns readings of a load signal into a level of the sampling
// ladder: smoothing, then steps with hysteresis. Values and times in, values
// out.
package load
