// Package detector keeps the baselines of many series, judges each new
// measurement against its series' and says what is worth telling: the degraded
// ones, and the first that no longer is. It knows no telemetry format and no
// clock, and is not safe for concurrent use.
package detector
