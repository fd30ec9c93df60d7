// Package store keeps the samples that rules look at, in Prometheus' tsdb.
//
// It does I/O by nature (a tsdb always needs a folder) and runs tsdb's own
// goroutine. It never writes blocks of what is in order: all that rules can
// reach stays in the head, and Truncate drops what they cannot reach any more.
package store
