package datadogfoundation

import "github.com/foundation-os/otelcol-foundation/semconv"

// What is particular to Foundation OS stands here and nowhere else.

const (
	// defaultPrefix is the namespace of the document's series.
	defaultPrefix = "foundationos."

	// Logs with these names become events; all others are refused.
	alertEventPrefix     = "foundation_os.alert."
	degradationEventName = semconv.EventPerformanceDegradation
	recoveryEventName    = semconv.EventPerformanceDegradationRecovered
)

// tagOf names the tag that an attribute becomes, where that is not its own name.
func tagOf(attribute string) string {
	if attribute == semconv.AttributeLayer {
		return "layer"
	}
	return attribute
}

// unified maps resource attributes to Datadog's unified service tags; the first
// that is set wins.
func unified() []struct {
	tag        string
	attributes []string
} {
	return []struct {
		tag        string
		attributes []string
	}{
		{"env", []string{"deployment.environment.name", "deployment.environment", "env"}},
		{"service", []string{"service.name"}},
		{"version", []string{"service.version"}},
	}
}

// hostAttributes are the resource attributes that name the host, first wins.
func hostAttributes() []string {
	return []string{"datadog.host.name", "host.name", "k8s.node.name", "host.id"}
}
