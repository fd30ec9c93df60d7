// Package promtooltest lets tests run Prometheus' own promtool, in the version
// that the product's PromQL engine has.
package promtooltest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Build builds the promtool that internal/tools/go.mod pins and returns its
// path. Without service discovery, which the rules commands do not use, most of
// its dependencies stay away.
func Build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "promtool")
	tools := filepath.Join(filepath.Dir(goEnv(t, "GOMOD")), "internal", "tools")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-C", tools, "-tags", "remove_all_sd", "-o", bin, "github.com/prometheus/prometheus/cmd/promtool")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building promtool: %v: %s", err, out)
	}
	return bin
}

// Testdata is the folder of promtool's own test files. The go command has it
// wherever this module was built.
func Testdata(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatalf("finding Prometheus' module: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "cmd", "promtool", "testdata")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}
