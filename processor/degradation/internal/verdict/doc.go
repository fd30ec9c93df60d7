// Package verdict says whether a measurement is worse than its baseline. It is
// a pure function of the two: what to remember, and for how long, is decided
// elsewhere.
package verdict
