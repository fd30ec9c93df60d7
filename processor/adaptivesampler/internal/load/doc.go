// Package load turns readings of the load signals into a level of the sampling
// ladder: what a reading means as a load of 0 to 1, smoothing, then steps with
// hysteresis. Values and times in, values out.
package load
