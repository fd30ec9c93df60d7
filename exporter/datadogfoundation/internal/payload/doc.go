// Package payload holds what is sent to Datadog: items (one series each), the
// joining of points that fall into one second, the three encodings, and the cut
// into payloads that keep Datadog's limits.
//
// Values in, bytes out: a payload carries the parts that it was made of, so that
// the caller knows what was delivered and what was not.
//
// The protobuf messages are those of agent-payload (MetricPayload and
// SketchPayload, proto/metrics/agent_payload.proto), written field by field: a
// payload is a repeated field, so items can be appended one by one and their
// size is known exactly. The tests read them with agent-payload's own types.
package payload
