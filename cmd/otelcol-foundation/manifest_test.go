package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

const (
	module = "github.com/foundation-os/otelcol-foundation"
	root   = "../.."
)

type manifest struct {
	Dist struct {
		Version string `yaml:"version"`
	} `yaml:"dist"`
	Extensions []gomod  `yaml:"extensions"`
	Receivers  []gomod  `yaml:"receivers"`
	Processors []gomod  `yaml:"processors"`
	Connectors []gomod  `yaml:"connectors"`
	Exporters  []gomod  `yaml:"exporters"`
	Providers  []gomod  `yaml:"providers"`
	Replaces   []string `yaml:"replaces"`
}

type gomod struct {
	GoMod  string `yaml:"gomod"`
	Import string `yaml:"import"`
	Path   string `yaml:"path"`
}

func (m manifest) all() []gomod {
	return slices.Concat(m.Extensions, m.Receivers, m.Processors, m.Connectors, m.Exporters, m.Providers)
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	var m manifest
	dec := yaml.NewDecoder(bytes.NewReader(text))
	require.NoError(t, dec.Decode(&m))
	require.NotEmpty(t, m.all())
	return m
}

func readGoMod(t *testing.T) *modfile.File {
	t.Helper()
	path := filepath.Join(root, "go.mod")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	f, err := modfile.Parse(path, text, nil)
	require.NoError(t, err)
	return f
}

// The binary is built from go.mod, an outsider's from the manifest. A version
// that differs between the two would give two products of one name.
func TestManifestVersionsAreThoseOfGoMod(t *testing.T) {
	required := map[string]string{}
	for _, r := range readGoMod(t).Require {
		required[r.Mod.Path] = r.Mod.Version
	}
	for _, c := range readManifest(t).all() {
		path, version, ok := strings.Cut(c.GoMod, " ")
		require.True(t, ok, "%q: want `module version`", c.GoMod)
		if path == module {
			assert.Equal(t, ".", c.Path, "%s: a component of this module is built from this checkout", c.Import)
			continue
		}
		assert.Equal(t, version, required[path], "%s: version in builder-config.yaml, and in go.mod", path)
	}
}

// A replace that only one side has compiles here and not for an outsider, or
// the other way round.
func TestManifestReplacesAreThoseOfGoMod(t *testing.T) {
	var fromGoMod []string
	for _, r := range readGoMod(t).Replace {
		fromGoMod = append(fromGoMod, r.Old.Path+" => "+r.New.Path+" "+r.New.Version)
	}
	assert.ElementsMatch(t, readManifest(t).Replaces, fromGoMod)
}

// A component that is written but not listed is not in the binary, and nothing
// else would notice.
func TestEveryComponentOfTheHouseIsInTheManifest(t *testing.T) {
	var listed []string
	for _, c := range readManifest(t).all() {
		if c.Import != "" {
			listed = append(listed, strings.TrimPrefix(c.Import, module+"/"))
		}
	}
	factories, err := filepath.Glob(filepath.Join(root, "*", "*", "factory.go"))
	require.NoError(t, err)
	var written []string
	for _, f := range factories {
		rel, err := filepath.Rel(root, filepath.Dir(f))
		require.NoError(t, err)
		written = append(written, filepath.ToSlash(rel))
	}
	assert.ElementsMatch(t, written, listed)
}

// The committed sources are what ocb writes today: nobody edited them, and
// nobody changed the manifest without generating.
func TestGeneratedMainIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds ocb")
	}
	out := t.TempDir()
	ocb := filepath.Join(out, "ocb")
	if runtime.GOOS == "windows" {
		ocb += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", ocb, "go.opentelemetry.io/collector/cmd/builder")
	build.Dir = filepath.Join(root, "internal", "tools")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))

	generated := filepath.Join(out, "generated")
	require.NoError(t, os.Mkdir(generated, 0o755))
	source, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	require.NoError(t, err)
	config := filepath.Join(out, "builder-config.yaml")
	source = bytes.Replace(source, []byte("output_path: ./cmd/otelcol-foundation"), []byte("output_path: "+generated), 1)
	require.NoError(t, os.WriteFile(config, source, 0o600))
	gen := exec.CommandContext(t.Context(), ocb, "--config", config, "--skip-get-modules", "--skip-compilation")
	gen.Dir = root
	text, err = gen.CombinedOutput()
	require.NoError(t, err, string(text))

	for _, name := range []string{"main.go", "components.go", "main_others.go", "main_windows.go"} {
		want, err := os.ReadFile(filepath.Join(generated, name))
		require.NoError(t, err)
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s: run make generate", name)
	}
}
