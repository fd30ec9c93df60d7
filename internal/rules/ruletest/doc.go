// Package ruletest runs unit tests of rule files in promtool's format: series
// come in, the clock is moved by hand, and alerts and expressions are compared
// with what is expected.
//
// Rules are evaluated by package rules on samples in package store, as the
// collector does it, so that a test says what the collector will do. The
// samples are appended to the store directly: OTLP has neither float histograms
// nor a time 0. It does I/O by nature: it reads test and rule files.
package ruletest
