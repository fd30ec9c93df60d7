// Package score is the scoring of the Numenta Anomaly Benchmark: Lavin and
// Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", 2015, section II,
// in the form that the benchmark's own programs give it.
//
// A detection inside of a labelled window earns the more the earlier it comes,
// and only the best one of a window counts. A detection outside costs, less
// when it comes soon after a window. A window without any costs. The first 15 %
// of a series, 750 points at most, are for learning and not scored. A corpus'
// sum is put on a scale on which a detector that says nothing has 0 and one
// that finds every window at its first point, and nothing else, has 100.
package score
