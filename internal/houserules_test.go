package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/foundation-os/otelcol-foundation"

type listed struct {
	ImportPath string
	Imports    []string
}

// list asks the go command for the packages of this module and what each
// imports itself (tests excluded).
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module+"/")
		for i := range p.Imports {
			p.Imports[i] = strings.TrimPrefix(p.Imports[i], module+"/")
		}
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

// component returns the component's folder that a package lies in, else "".
func component(pkg string) string {
	parts := strings.Split(pkg, "/")
	if len(parts) < 2 {
		return ""
	}
	switch parts[0] {
	case "processor", "connector", "exporter", "extension", "receiver":
		return path.Join(parts[:2]...)
	}
	return ""
}

// isAlgorithm tells the packages that must not know that they live in a
// collector. Exempt are the ones that do I/O, test support or configuration by
// nature and say so in their doc.go, and what mdatagen writes.
func isAlgorithm(pkg string) bool {
	inComponent := component(pkg) != "" && strings.HasPrefix(pkg, component(pkg)+"/internal/")
	if !inComponent && !strings.HasPrefix(pkg, "internal/") {
		return false
	}
	switch path.Base(pkg) {
	case "store", "intake", "metadata", "metadatatest", "goldentest", "strictclient":
		return false
	}
	return true
}

func isCollector(imported string) bool {
	return strings.HasPrefix(imported, "go.opentelemetry.io/collector/") ||
		imported == "go.uber.org/zap" ||
		strings.HasPrefix(imported, "github.com/open-telemetry/opentelemetry-collector-contrib/") &&
			!strings.HasPrefix(imported, "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling")
}

func TestAlgorithmsDoNotKnowTheCollector(t *testing.T) {
	checked := 0
	for _, p := range list(t) {
		if !isAlgorithm(p.ImportPath) {
			continue
		}
		checked++
		for _, imported := range p.Imports {
			assert.False(t, isCollector(imported), "%s is an algorithm and imports %s: values in, values out", p.ImportPath, imported)
		}
	}
	assert.Greater(t, checked, 5, "the rule looks at the wrong folders")
}

func TestComponentsMeetOnlyInTelemetry(t *testing.T) {
	checked := 0
	for _, p := range list(t) {
		own := component(p.ImportPath)
		if own == "" {
			continue
		}
		checked++
		for _, imported := range p.Imports {
			other := component(imported)
			assert.True(t, other == "" || other == own, "%s imports %s", p.ImportPath, imported)
		}
	}
	assert.Greater(t, checked, 5, "the rule looks at the wrong folders")
}

func TestSemconvImportsNothing(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath != "semconv" {
			continue
		}
		for _, imported := range p.Imports {
			assert.NotContains(t, imported, ".", "semconv is names only and imports %s", imported)
		}
		return
	}
	t.Error("no package semconv")
}
