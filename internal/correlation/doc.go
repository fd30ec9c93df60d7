// Package correlation remembers, for the traces of the last minutes, which span
// is whose child, which layer each belongs to and which ids each carries, and
// answers what a span without ids belongs to.
//
// Trace-wide ids (a request's, a program's) are known to the whole trace as soon
// as one of its items carries them; two different values are a conflict, and
// then nobody gets either. Subtree ids (an agent's) are known below the span
// that carries them, down to the next span with an id of its own: an agent's id
// never reaches its sibling. An ancestor that has not been seen ends the search:
// an id may be missing, never wrong.
//
// Everything is bounded (traces, spans of a trace, bytes, age) and what is
// forgotten is counted. Time is an argument. A Cache is safe for concurrent use:
// it is cut into shards by trace id, each with a lock of its own.
package correlation
