// Package buffer keeps the traces that a sampler has not decided yet, and
// remembers those that it has.
//
// It knows when a trace is due (some time after its root came, or after its first
// span when no root does), which trace has to go when the buffer is full, and
// what was decided about a trace of which spans still come. What a trace consists
// of and how it is decided is its user's business.
//
// Everything is bounded: by bytes, as the user counts them, and by the number of
// decisions remembered. Time is an argument. A Buffer is cut into shards by trace
// id, each with a lock of its own, which its user holds while it works on one.
package buffer
