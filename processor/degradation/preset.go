package degradation

import "github.com/foundation-os/otelcol-foundation/semconv"

// watchedByDefault are the metrics that the model of Foundation OS keeps a
// performance baseline of. `metrics` replaces them.
func watchedByDefault() []string {
	var names []string
	for _, m := range semconv.Metrics {
		if m.Watched {
			names = append(names, m.Name)
		}
	}
	return names
}
