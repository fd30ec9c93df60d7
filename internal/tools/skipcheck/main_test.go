package main

import (
	"os"
	"path/filepath"
	"testing"
)

const stream = `{"Action":"run","Package":"github.com/foundation-os/otelcol-foundation/e2e","Test":"TestA"}
{"Action":"output","Package":"github.com/foundation-os/otelcol-foundation/e2e","Test":"TestA","Output":"no prometheus here\n"}
{"Action":"skip","Package":"github.com/foundation-os/otelcol-foundation/e2e","Test":"TestA"}
{"Action":"pass","Package":"github.com/foundation-os/otelcol-foundation/e2e","Test":"TestB"}
{"Action":"skip","Package":"github.com/foundation-os/otelcol-foundation/empty"}
`

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		stream, allowed string
		ok              bool
	}{
		"a skip that is not listed":      {stream, "", false},
		"a skip that is listed":          {stream, "e2e TestA # needs a kernel module\n", true},
		"another package's rule":         {stream, "cmd/* TestA # reason\n", false},
		"a rule without a reason":        {stream, "e2e TestA\n", false},
		"a run in which no test ran":     {"", "", false},
		"a stream that is cut off":       {stream[:40], "", false},
		"nothing skipped, an empty list": {`{"Action":"pass","Package":"p","Test":"T"}`, "# none\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			events, allowed := filepath.Join(dir, "run.json"), filepath.Join(dir, "allowed")
			if err := os.WriteFile(events, []byte(c.stream), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(allowed, []byte(c.allowed), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := run(allowed, []string{events}); (err == nil) != c.ok {
				t.Errorf("run: %v, want ok %v", err, c.ok)
			}
		})
	}
}
