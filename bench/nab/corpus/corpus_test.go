package corpus

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/bench/nab/score"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	windows := write(t, filepath.Join(folder, "windows.json"), `{
		"b/crlf.csv": [["2014-04-10 00:10:00.000000", "2014-04-10 00:15:00.000000"], ["2014-04-10 00:00:00.000000", "2014-04-10 00:05:00.000000"]],
		"b/twice.csv": [["2014-04-10 00:05:00.000000", "2014-04-10 00:10:00.000000"]],
		"c/none.csv": [], "not/there.csv": []}`)
	data := filepath.Join(folder, "data")
	write(t, filepath.Join(data, "b/crlf.csv"), "timestamp,value\r\n2014-04-10 00:00:00,1\r\n2014-04-10 00:05:00,-2.5\r\n2014-04-10 00:10:00,3e-05\r\n2014-04-10 00:15:00,4\r\n")
	// as where clocks are put back: rows of the same time
	write(t, filepath.Join(data, "b/twice.csv"), "timestamp,value\n2014-04-10 00:05:00,1\n2014-04-10 00:05:00,1\n2014-04-10 00:10:00,2\n2014-04-10 00:10:00,2\n2014-04-10 00:15:00,3\n")
	write(t, filepath.Join(data, "c/none.csv"), "value,timestamp\n7,2014-04-10 00:00:00.5\n")
	write(t, filepath.Join(data, "c/unlabelled.csv"), "timestamp,value\n")
	write(t, filepath.Join(data, "README.md"), "not a series")

	files, unlabelled, err := Read(data, windows)
	require.NoError(t, err)
	assert.Equal(t, []string{"c/unlabelled.csv"}, unlabelled)
	require.Len(t, files, 4)
	assert.Equal(t, "b/crlf.csv", files[0].Name)
	assert.Len(t, files[0].Points, 4)
	assert.Equal(t, -2.5, files[0].Points[1].Value)
	assert.Equal(t, []score.Window{{First: 0, Last: 1}, {First: 2, Last: 3}}, files[0].Windows)
	assert.Equal(t, []score.Window{{First: 0, Last: 2}}, files[1].Windows)
	assert.Empty(t, files[2].Windows)
	assert.Equal(t, 7.0, files[2].Points[0].Value)
	assert.Equal(t, 500_000_000, files[2].Points[0].At.Nanosecond())
	assert.Empty(t, files[3].Points)
}

func TestReadTellsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ csv, windows, want string }{
		"a value":       {"timestamp,value\n2014-04-10 00:00:00,x\n", `{"a/s.csv": []}`, "row 2"},
		"a time":        {"timestamp,value\n10.4.2014,1\n", `{"a/s.csv": []}`, "row 2"},
		"the columns":   {"time,value\n2014-04-10 00:00:00,1\n", `{"a/s.csv": []}`, "timestamp and value"},
		"the window":    {"timestamp,value\n2014-04-10 00:00:00,1\n", `{"a/s.csv": [["2015-01-01 00:00:00", "2015-01-02 00:00:00"]]}`, "holds no row"},
		"its time":      {"timestamp,value\n", `{"a/s.csv": [["x", "y"]]}`, "a/s.csv"},
		"the folder":    {"timestamp,value\n", `{"data/a/s.csv": []}`, "names none of the 1 series"},
		"the JSON file": {"timestamp,value\n", `[]`, "windows.json"},
	} {
		folder := t.TempDir()
		windows := write(t, filepath.Join(folder, "windows.json"), c.windows)
		write(t, filepath.Join(folder, "data/a/s.csv"), c.csv)
		_, _, err := Read(filepath.Join(folder, "data"), windows)
		assert.ErrorContains(t, err, c.want, name)
	}
	_, _, err := Read(t.TempDir(), "nowhere.json")
	assert.ErrorContains(t, err, "nowhere.json")
}

func TestProfiles(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "profiles.json"), `{
		"reward_low_FP_rate": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.22, "tnWeight": 1.0}},
		"reward_low_FN_rate": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 2.0, "fpWeight": 0.11, "tnWeight": 1.0}},
		"standard": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11, "tnWeight": 1.0}}}`)
	got, err := Profiles(path)
	require.NoError(t, err)
	assert.Equal(t, []Profile{
		{"standard", score.Profile{TP: 1, FP: 0.11, FN: 1}},
		{"reward_low_FN_rate", score.Profile{TP: 1, FP: 0.11, FN: 2}},
		{"reward_low_FP_rate", score.Profile{TP: 1, FP: 0.22, FN: 1}},
	}, got)
}
