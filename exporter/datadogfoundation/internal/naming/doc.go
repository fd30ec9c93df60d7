// Package naming makes names, tags and units that Datadog accepts.
//
// Datadog changes illegal names at its intake, in silence, and two series that
// become one there overwrite each other second by second. Done here, before
// points of one series and second are joined, nothing is overwritten, and the
// caller can count what changed.
package naming
