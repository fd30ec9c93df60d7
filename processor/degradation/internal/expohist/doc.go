// Package expohist is a mergeable base-2 exponential histogram, the one of the
// OpenTelemetry data model: bucket i of scale s holds the values in
// (2^(i/2^s), 2^((i+1)/2^s)].
//
// Choose it where values of unknown range must be kept in bounded memory and
// merged later without error beyond a bucket's width. Halving the resolution
// (one scale down) joins neighbouring buckets exactly, which is what makes two
// histograms of different scales mergeable.
package expohist
