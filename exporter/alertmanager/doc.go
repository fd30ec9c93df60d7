// Package alertmanager sends the alert events of alert_rules to Alertmanagers.
//
// Use it to have people notified: Alertmanager groups, silences, routes and
// delivers; this exporter only keeps it informed. It has no state. Each event
// says by itself whether the alert fires or has ended; alert_rules tells a firing
// alert again at every re-send interval, and a message says that the alert ends
// by itself four of them later. So a lost message is made good by the next, and
// an alert of which nobody tells any more ends.
//
// The parts: event.go reads log records, internal/message makes messages of them,
// fleet.go posts a message to all Alertmanagers, push.go does this for a batch.
package alertmanager
