package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	envprovider "go.opentelemetry.io/collector/confmap/provider/envprovider"
	fileprovider "go.opentelemetry.io/collector/confmap/provider/fileprovider"
	yamlprovider "go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// dryRun does what `otelcol-foundation validate` does: resolve, unmarshal
// (unknown keys are errors), validate, build the graph; nothing is started.
func dryRun(t *testing.T, uris ...string) error {
	t.Helper()
	col, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol-foundation", Version: "test"},
		Factories: components,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: uris,
			ProviderFactories: []confmap.ProviderFactory{
				envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory(),
			},
		}},
	})
	require.NoError(t, err)
	return col.DryRun(t.Context())
}

// Every configuration that ships loads into the components of this binary: an
// option that was renamed in one place only fails here, not at a user's start.
func TestShippedConfigurationsDryRun(t *testing.T) {
	t.Chdir(root) // rule files are named relative to the configuration's folder
	t.Setenv("FOUNDATION_DATA_DIR", t.TempDir())

	require.NoError(t, dryRun(t, "file:otelcol-foundation.yaml"))

	overlays, err := filepath.Glob("examples/*/overlay.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, overlays)
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			require.NoError(t, dryRun(t, "file:otelcol-foundation.yaml", "file:"+overlay))
		})
	}
	standalone, err := filepath.Glob("examples/*/config.yaml")
	require.NoError(t, err)
	for _, config := range standalone {
		t.Run(config, func(t *testing.T) {
			require.NoError(t, dryRun(t, "file:"+config))
		})
	}
	if len(standalone) == 0 {
		entries, err := os.ReadDir("examples")
		require.NoError(t, err)
		require.Len(t, entries, len(overlays), "an example without overlay.yaml or config.yaml")
	}
}
