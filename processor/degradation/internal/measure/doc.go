// Package measure turns the points of a stream into measurements: what happened
// since the point before. A delta point says it itself; of a cumulative one it
// is the difference from the last point, or all of it after a reset. The same
// data gives the same measurements in either temporality, which is why the min
// and max of a histogram point are not used: only a delta has them of the
// interval.
package measure
