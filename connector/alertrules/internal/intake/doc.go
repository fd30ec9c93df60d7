// Package intake turns OTLP metrics into the samples that rules look at. It is
// the one place that knows both pdata and the store: names and labels as in
// Prometheus' OTLP settings, points that no rule selects left where they are.
package intake
