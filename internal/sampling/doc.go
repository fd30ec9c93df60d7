// Package sampling decides how often an item is kept, and whether this one is.
//
// It has the three parts of a sampler that need no collector, so that the
// adaptive_sampler processor and a command that explains one of its decisions
// cannot disagree:
//
//   - [Rule] turns a name and what is known of the item into a probability;
//   - [Threshold] turns the probability into the rounded threshold that decides;
//   - [Decide] compares it with the item's randomness and with the threshold
//     that an earlier stage may have applied.
//
// The decision is consistent probability sampling as W3C trace context level 2
// and OpenTelemetry's tracestate handling describe it: an item is kept when its
// 56 bits of randomness R are not below the threshold T, so an item kept at a
// low probability is also kept at every higher one, wherever that is decided.
//
// Everything here is a function of its arguments: no clock, no state.
package sampling
