package degradation

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
)

// fileStorage is the extension of the distribution.
func fileStorage(t testing.TB, dir string) component.Component {
	t.Helper()
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory, cfg.CreateDirectory = dir, true
	cfg.Timeout = 50 * time.Millisecond
	require.NoError(t, cfg.Validate())
	e, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	return e
}

func TestFileStorage(t *testing.T) {
	dir := t.TempDir()
	first := live(t, fileStorage(t, dir), all)
	first.learn(30)
	first.end()
	second := live(t, fileStorage(t, dir), all)
	require.EqualValues(t, 30, second.own("restored_series", ""))
	for s := range 30 {
		require.EqualValues(t, 1, second.stateOf(s, 0))
	}
}

// What is broken within the file's records, and a file that is none, cost what
// was in them and nothing else. (A file whose pages are lost, or that is cut
// short, ends the process in the extension's own goroutine; the README says so.)
func TestBrokenFiles(t *testing.T) {
	for name, harm := range map[string]func(b []byte) []byte{
		"no database": func(b []byte) []byte {
			return garbage(len(b))
		},
		"empty": func([]byte) []byte { return nil },
		"a byte in each record": func(b []byte) []byte {
			for at := 0; ; {
				next := bytes.Index(b[at:], []byte("fosr"))
				if next < 0 {
					return b
				}
				at += next + 100
				b[at] ^= 1
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := live(t, fileStorage(t, dir), all)
			first.learn(30)
			first.end()
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			b, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files[0], harm(b), 0o600))

			second := live(t, fileStorage(t, dir), all)
			require.Zero(t, second.own("restored_series", ""))
			require.Equal(t, name != "empty", second.logs.FilterLevelExact(zap.WarnLevel).Len() > 0)
			second.learn(29) // all but m29
			require.EqualValues(t, -1, second.stateOf(29, time.Minute))
			require.EqualValues(t, 1, second.stateOf(1, time.Minute))
			second.end()
		})
	}
}
