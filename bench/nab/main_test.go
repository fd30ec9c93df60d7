package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foundation-os/otelcol-foundation/bench/internal/drive"
)

func TestScoreOf(t *testing.T) {
	for name, c := range map[string]struct {
		v      drive.Verdict
		before int64
		want   float64
	}{
		"learning":               {drive.Verdict{State: -1, Factor: math.NaN()}, -1, 0},
		"as the mean":            {drive.Verdict{State: 0, Factor: 1}, 0, 0},
		"twice, and ok":          {drive.Verdict{State: 0, Factor: 2}, 0, 0.25 * 0.999},
		"a half, and ok":         {drive.Verdict{State: 0, Factor: 0.5}, 0, 0.25 * 0.999},
		"an episode begins":      {drive.Verdict{State: 1, Factor: 4}, 0, 0.875},
		"after learning":         {drive.Verdict{State: 1, Factor: 2}, -1, 0.75},
		"with a mean of zero":    {drive.Verdict{State: 1, Factor: math.NaN()}, 0, 0.5},
		"the sign has changed":   {drive.Verdict{State: 1, Factor: -3}, 0, 1},
		"an episode goes on":     {drive.Verdict{State: 1, Factor: 4}, 1, 0},
		"ok is below all alarms": {drive.Verdict{State: 0, Factor: math.Inf(1)}, 1, 0.4995},
	} {
		assert.InDelta(t, c.want, scoreOf(c.v, c.before), 1e-12, name)
	}
}

// A series with one jump, found by every mode there is, and no other file.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	start := time.Date(2014, 4, 1, 0, 0, 0, 0, time.UTC)
	at := func(i int) string { return start.Add(time.Duration(i) * 5 * time.Minute).Format(time.DateTime) }
	rows := "timestamp,value\r\n"
	for i := range 4000 {
		v := 20 + math.Sin(float64(i)*1.7)
		if i >= 3000 && i < 3200 {
			v *= 4
		}
		rows += fmt.Sprintf("%s,%v\r\n", at(i), v)
	}
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("data/realNew/jump.csv", rows)
	windows := write("windows.json", fmt.Sprintf(`{"realNew/jump.csv": [["%s.000000", "%s.000000"]]}`, at(2990), at(3300)))
	profiles := write("profiles.json", `{"standard": {"CostMatrix": {"tpWeight": 1, "fnWeight": 1, "fpWeight": 0.11}}}`)

	var out, notes strings.Builder
	require.NoError(t, run(&out, &notes, filepath.Join(folder, "data"), windows, profiles, drive.Modes(), nil, true, false))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	form := regexp.MustCompile(`^(strict|guarded|adaptive) (shipped|optimised) standard (-?[0-9]+\.[0-9])$`)
	for _, l := range lines {
		m := form.FindStringSubmatch(l)
		require.NotNil(t, m, l)
		got, err := strconv.ParseFloat(m[3], 64)
		require.NoError(t, err)
		assert.Greater(t, got, 90.0, l)
	}
	assert.Equal(t, len(drive.Modes())*2, len(lines)+2*strings.Count(notes.String(), "skipped:"))
}
