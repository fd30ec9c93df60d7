package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const dir = "../../../semconv"

// Regenerating the committed files must change nothing: an edited model without
// edited tables would give the components other names than the documentation.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	out := t.TempDir()
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "README.md"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Join(dir, "model"), out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"layers_gen.go", "attributes_gen.go", "events_gen.go", "metrics_gen.go", "README.md"} {
		want, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what the model gives: run make generate", name)
		}
	}
}

func TestAContradictoryModelIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, want string }{
		"unknown key":       {"metrics.yaml", "    row: 1\n", "    row: 1\n    rwo: 2\n", "rwo"},
		"unknown event":     {"metrics.yaml", "events: [foundation.process_registry.register]", "events: [foundation.nothing]", `no event "foundation.nothing"`},
		"unknown attribute": {"metrics.yaml", "{key: resource_type,", "{key: ressource,", `no attribute "ressource"`},
		"unknown layer":     {"events.yaml", "layer: dspex", "layer: dsp", `no layer "dsp"`},
		"same name":         {"metrics.yaml", "name: foundation.circuit_breaker.closed", "name: foundation.circuit_breaker.opened", "twice"},
		"gauge buckets":     {"metrics.yaml", "    instrument: gauge\n", "    instrument: gauge\n    buckets: score\n", "histograms have them"},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			changed := false
			for _, f := range []string{"layers.yaml", "attributes.yaml", "events.yaml", "metrics.yaml"} {
				text, err := os.ReadFile(filepath.Join(dir, "model", f))
				if err != nil {
					t.Fatal(err)
				}
				s := string(text)
				if f == c.file {
					s = strings.Replace(s, c.old, c.new, 1)
					changed = s != string(text)
				}
				if err := os.WriteFile(filepath.Join(tmp, f), []byte(s), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if !changed {
				t.Fatalf("%s does not contain %q any more", c.file, c.old)
			}
			err := run(tmp, tmp)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
