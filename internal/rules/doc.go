// Package rules is a rules engine with Prometheus' semantics: it loads rule
// files, compiles the short threshold form to PromQL, and evaluates groups of
// alerting and recording rules at times that the caller names.
//
// Upstream supplies the language (parser, engine, rule file format); the state
// machine is this package's, so that what upstream lacks (resolve reasons,
// bounded alerts, later durable state) has a place. Where it decides otherwise
// than upstream it says so at the spot, and a differential test against
// upstream's rules package guards the rest.
//
// Time is an argument and samples live behind upstream's storage interfaces:
// package store below this one is the storage used in the collector.
package rules
