// Package season learns what is usual at which hour of the week: by what factor
// an hour lies above or below the whole week. Divided by it, a morning's rush is
// as flat as the night before, and what is left can be compared with the hour
// before.
//
// Choose it for series that follow people's days and whose window is short
// beside them. It takes two weeks to say anything, and the hours are UTC: where
// clocks are put forward, the pattern is an hour off until it has been learned
// again.
package season
