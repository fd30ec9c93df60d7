// Package baseline remembers what was normal: measurements in panes of event
// time, of which the panes before a moment are its baseline.
//
// A Ring is all of the past window; a History is the newest panes that hold data
// and in which nothing was wrong.
//
// Panes instead of exponential decay, because a pane can be left out again and
// a decayed sum cannot. A pane holds count, sum, min, max and the distribution
// in the cheapest exact form it can: the raw values while they are few, the
// buckets of an explicit histogram as they came while the layout stays the
// same, else a base-2 exponential histogram, into which the other two merge.
package baseline
