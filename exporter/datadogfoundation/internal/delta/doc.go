// Package delta turns cumulative points into deltas.
//
// A Tracker keeps the last value of each stream. Values are computed in a batch
// that is either committed or discarded as a whole: a delta that never reached
// the queue must not move the state, or its count would be lost. Time is an
// argument.
//
// The rules, for the point (start, time, value) of a stream:
//
//	first point        start after the exporter's own start (and before the
//	                   point's time): everything it counts happened in our
//	                   lifetime, so the value counts in full. Else it only
//	                   seeds the state. A point whose start equals its time says
//	                   "start unknown" in OTLP and only seeds.
//	time not later     a duplicate or out of order: refused.
//	older start        a second writer of the same stream: refused. Taking turns
//	                   with the first, each would reset the other.
//	newer start        a reset; the value counts in full. Streams are keyed
//	                   without the start time, because exporters exist that
//	                   reset at every export.
//	a count went down  a reset with an unchanged start; counts in full.
//	else               value − last value.
package delta
