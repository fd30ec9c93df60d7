// Package episode is the state machine of one series: when suspect measurements
// become an episode, and when it is over.
//
//	LEARNING -> NORMAL -> PENDING -> DEGRADED -> RECOVERING -> NORMAL
//
// It needs several suspects to enter and several cleared ones to leave, by
// different thresholds, since a single measurement is noise as often as news. It
// knows nothing of how suspects are found.
package episode
