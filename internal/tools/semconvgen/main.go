package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	modelDir := flag.String("model", "", "folder of the model's yaml files")
	out := flag.String("out", "", "folder of package semconv")
	flag.Parse()
	if err := run(*modelDir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "semconvgen:", err)
		os.Exit(1)
	}
}

func run(modelDir, out string) error {
	if modelDir == "" || out == "" {
		return errors.New("-model and -out are required")
	}
	m, err := load(modelDir)
	if err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	// All is rendered before anything is written: an error leaves the folder as it was.
	files := map[string][]byte{}
	for name, write := range map[string]func(*goFile){
		"layers_gen.go":     m.writeLayers,
		"attributes_gen.go": m.writeAttributes,
		"events_gen.go":     m.writeEvents,
		"metrics_gen.go":    m.writeMetrics,
	} {
		f := newGoFile()
		write(f)
		if files[name], err = f.bytes(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if files["README.md"], err = m.readme(filepath.Join(out, "README.md")); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(out, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
			continue // unchanged files keep their time, so that make does not rebuild
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
