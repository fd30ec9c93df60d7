// Package reading makes sense of what applications send: names that carry a phase,
// outcomes in five spellings, durations in five units, text that means nothing.
//
// An enricher in front of the connector has done most of this already; the reading
// here is what lets the connector work without one, and agree with it.
package reading
