// Package gate says how many suspect evaluations make an alarm, by how often the
// series' own past would have been suspect.
//
// A fixed "two of the last three" is right for a series whose healthy values
// never reach the threshold, and wrong for a noisy one: single values that are
// log-normal with a deviation of 1 are above twice their mean 12 times in 100,
// and two of three of them are in 4 of 100. Here the number grows with the
// chance, until the past itself would have raised an alarm at most Alpha times
// an evaluation.
//
// How to call it, for each series, with the past that the baseline is made of
// (never the quarantine):
//
//	var past gate.Moments
//	past.Add(current)      // each evaluation's current that feeds the baseline,
//	past.Merge(&o)         // or a Moments kept with each pane; both in any order
//	chance := past.Chance(threshold, exceeded, gate.Above)
//	m, n := gate.Required(chance, pending.M, pending.N)
//
// threshold is the lower of mean_ratio*mean and p95_ratio*p95 (plus what
// min_absolute_delta asks), for direction down the higher of the two
// quotients, with gate.Below. exceeded is how many of those evaluations lay
// beyond it: counted in the raw values where a pane has them, else the number
// of evaluations that were suspect at their own time and are in the baseline
// all the same (a PENDING that went away). The answer holds for as long as the
// baseline does: once a pane. A bit set of the last MaxN evaluations then says
// whether m of n are suspect.
package gate
